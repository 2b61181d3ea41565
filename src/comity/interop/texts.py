"""SOTOPIA's scenario text and goals, which carry their private parts as mark-up, read into typed fields and written from them.

Written is the one form that nearly all of the released texts have; the few that set their blanks otherwise come out in it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comity.interop.marks import Marked, read_marks
from comity.interop.remarks import Report
from comity.world.scenarios import Scenario, Seat

__all__ = ["SEATS", "Texts", "read_texts", "write_goal", "write_setting"]

SEATS = ("agent_1", "agent_2")
"""The ids of an imported scenario's seats, in the order of its goals."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a scenario taken apart."""

    setting: str
    judge_note: str
    aims: tuple[Mapping[str, str], Mapping[str, str]]
    """By seat: `goal`, `extra_info`, `clarification_hint` and `strategy_hint`."""
    named: bool
    """Whether the texts speak of Agent1 and Agent2."""

    def are_those_of(self, scenario: Scenario) -> bool:
        """Whether a scenario says the same in its fields."""
        aims = tuple({name: words[name] for name in _AIM} for words in map(Seat.model_dump, scenario.seats))
        return (scenario.setting, scenario.judge_note, aims) == (self.setting, self.judge_note, self.aims)


_AIM = ("goal", "extra_info", "clarification_hint", "strategy_hint")


def read_texts(report: Report, where: str, scenario: str, goals: Sequence[str]) -> Texts | None:
    """Take the scenario's text and its two goals apart; `None`, with a problem, where what is private would be told."""
    setting, *marked = [read_marks(text) for text in (scenario, *goals)]
    _remark_on_marks(report, where, dict(zip(("scenario", *SEATS), (setting, *marked), strict=True)))
    if any(_BROKEN_VIEWER.search(words) for text in (setting, *marked) for words in text.words()):
        report.problem(where, 'a viewer\'s mark is broken, and what it hides would be told; write <p viewer="...">')
        return None
    heard = _by_viewer(report, where, [words for text in (setting, *marked) for words in text.viewers])
    one, other = (_aim(report, where, seat, goal, heard[seat]) for seat, goal in zip(SEATS, marked, strict=True))
    named = any(_AGENT_NAMED.search(text) for text in (scenario, *goals))
    if named:
        report.remark("role_given", where, "the text speaks of Agent1 and Agent2; these are now the seats' roles")
    return Texts(_public(report, where, setting), "\n".join(heard["environment"]), (one, other), named)


_BROKEN_VIEWER = re.compile(r"<\s*[a-z][\w-]*\s[^<>]*\bviewer\s*=", re.IGNORECASE)
_AGENT_NAMED = re.compile(r"\bagent ?[12]\b", re.IGNORECASE)
_UNMARKED_LABEL = re.compile(r"\b(?:extra information|hint)\s*:", re.IGNORECASE)


def write_setting(scenario: Scenario) -> str:
    """The scenario's text, with what only the judge may know under its mark."""
    note = f' <p viewer="environment">{scenario.judge_note}</p>' if scenario.judge_note else ""
    return scenario.setting + note


def write_goal(seat: Seat) -> str:
    """A seat's goal with its extra information and hints under their marks.

    The goals made from MutualFriends have a form of their own: a list whose lines all end in the same blanks.
    """
    if seat.extra_info.startswith(_FRIENDS) and not (seat.strategy_hint or seat.clarification_hint):
        line_end = re.search(r" +(?=\n)", seat.extra_info.partition("\n")[2])
        return f"{seat.goal}\n<extra_info> {seat.extra_info}{line_end[0] if line_end else ' '}\n</extra_info>"
    hints = [
        f"<{mark}>Hint: {words}</{mark}>"
        for mark, words in (("clarification_hint", seat.clarification_hint), ("strategy_hint", seat.strategy_hint))
        if words
    ]
    inside = " ".join(([f"Extra information: {seat.extra_info}"] if seat.extra_info else []) + hints)
    if not inside:
        return seat.goal
    return f"{seat.goal} (<extra_info>{inside}</extra_info>)" if seat.extra_info else f"{seat.goal} ({inside})"


_FRIENDS = "You know the following friends"


def _remark_on_marks(report: Report, where: str, texts: Mapping[str, Marked]) -> None:
    for name, marked in texts.items():
        for oddity in marked.oddities:
            report.remark(oddity.kind, where, f"{name}: {oddity.message}")
        if _UNMARKED_LABEL.search(marked.text):
            report.remark(
                "unmarked_label", where, f"{name}: extra information or a hint without a mark; left where it is"
            )


def _by_viewer(report: Report, where: str, viewers: Sequence[tuple[str, str]]) -> Mapping[str, list[str]]:
    """Words by who may see them: a seat, or `environment`, which is the judge. Seats may be counted from 0 or from 1."""
    heard: dict[str, list[str]] = {"environment": [], **{seat: [] for seat in SEATS}}
    first = 0 if any(viewer == "agent_0" for viewer, _ in viewers) else 1
    seats = {f"agent_{first + i}": seat for i, seat in enumerate(SEATS)}
    for viewer, words in viewers:
        if viewer in seats:
            report.remark(
                "viewer", where, f"words for viewer {viewer!r} are now extra information of seat {seats[viewer]!r}"
            )
        elif viewer != "environment":
            report.remark(
                "viewer", where, f"words for viewer {viewer!r}, whom there is not, are told to the judge alone"
            )
        heard[seats.get(viewer, "environment")].append(words)
    return heard


def _public(report: Report, where: str, setting: Marked) -> str:
    marked = [words for words in (setting.extra_info, setting.clarification_hint, setting.strategy_hint) if words]
    if marked:
        report.remark("mark_in_setting", where, "marks in the scenario's text belong to no seat; told to everyone")
    return "\n".join([setting.text, *marked])


def _aim(report: Report, where: str, seat: str, goal: Marked, heard: Sequence[str]) -> Mapping[str, str]:
    """The goal and what belongs to it. A seat without a goal of its own takes the first of the rest for its goal."""
    aim = {
        "goal": goal.text,
        "extra_info": "\n".join(filter(None, [goal.extra_info, *heard])),
        "clarification_hint": goal.clarification_hint,
        "strategy_hint": goal.strategy_hint,
    }
    if not re.search(r"\w", aim["goal"]):
        moved = next((name for name, words in aim.items() if name != "goal" and words), None)
        if moved:
            report.remark("goal_moved", where, f"{seat}: no goal outside the marks; its {moved} is now its goal")
            aim |= {"goal": aim[moved], moved: ""}
    return aim
