"""Our episodes and scorecards as rows of SOTOPIA's episode files, made from events and scores alone.

What of a released row comes out otherwise, and why, is in `docs/interop.md`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from comity.interop.contexts import background, context
from comity.interop.episode_rows import Form
from comity.interop.kept import json_line, written_whole
from comity.interop.licences import origins_of, together
from comity.interop.remarks import Report
from comity.interop.sotopia_files import Exported
from comity.interop.texts import write_goal, write_setting
from comity.interop.transcripts import names_of, write_matrix, write_transcript
from comity.interop.verdicts import write_evaluation, write_reasoning, write_rewards
from comity.world.episodes import Episode, Policy
from comity.world.scorecards import Rubric, Scorecard

__all__ = ["Judged", "row_of", "write_episodes"]

_Row = dict[str, JsonValue]

_NO_PROMPT = ""
"""SOTOPIA logged what its judge was asked, in its own wording, which is not ours to repeat; the field stays for those who read it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An episode with the one reading of it that is written beside it."""

    episode: Episode
    card: Scorecard | None
    """`None` for an episode that nobody judged: its scores are then missing from the row, and not zero."""
    rubric: Rubric
    """The one of the card; SOTOPIA's where there is none."""


def write_episodes(judged: Iterable[Judged], path: Path, form: Form) -> Exported:
    """Write episodes to a file, one a line, or, in the native form, one object or a list of them for a file ending in `.json`.

    An episode that cannot be said in SOTOPIA's form is left out and is a problem. Raises `ExportFailed`.
    """
    report, licences = Report(), Counter[JsonValue]()
    with written_whole(path) as file:
        rows = (row_of(each, form) for each in judged if _fits(report, each, form))
        lines = (_line(row, licences) for row in rows)
        file.writelines([_together(lines)] if path.suffix == ".json" else lines)
    if unknown := licences[""]:
        report.remark("licence_unknown", path.name, f"the licence of {unknown:,} rows is not known")
    return Exported({"episodes": licences.total()}, tuple(report.remarks), tuple(report.problems))


def _line(row: _Row, licences: Counter[JsonValue]) -> bytes:
    licences[row["licence"]] += 1
    return json_line(row)


def _together(lines: Iterable[bytes]) -> bytes:
    """One object as it is, any other number as a list."""
    rows = [line.removesuffix(b"\n") for line in lines]
    return rows[0] + b"\n" if len(rows) == 1 else b"[" + b", ".join(rows) + b"]\n"


def row_of(judged: Judged, form: Form) -> _Row:
    """The row of one episode of two seats."""
    return {**_FORMS[form](judged), **_provenance(judged)}


def _released(judged: Judged) -> _Row:
    episode, task = judged.episode, judged.episode.task
    return {
        "episode_id": episode.id,
        "environment_id": task.scenario.id,
        "agent_ids": _agents(episode),
        "experiment_tag": episode.tag,
        "experiment_model_name_pairs": _models(judged),
        "raw_messages": _messages(episode),
        "raw_rewards": _pairs(judged),
        "raw_rewards_prompt": _NO_PROMPT,
        **_text(judged),
    }


def _text(judged: Judged) -> _Row:
    episode, scenario = judged.episode, judged.episode.task.scenario
    names = dict(zip((seat.id for seat in scenario.seats), names_of(episode), strict=True))
    rewards = _rewards(judged)
    return {
        "episode_id": episode.id,
        "scenario": write_setting(scenario),
        "codename": scenario.title.replace(" ", "_"),
        "agents_background": {name: background(episode.task.cast[seat]) for seat, name in names.items()},
        "social_goals": {names[seat.id]: write_goal(seat) for seat in scenario.seats},
        "social_interactions": write_transcript(episode),
        "reasoning": write_reasoning(episode, judged.card, judged.rubric),
        "rewards": [*rewards.values()],
        "scores": {names[seat]: reward.get("goal") for seat, reward in rewards.items()},
    }


def _native(judged: Judged) -> _Row:
    episode = judged.episode
    return {
        "pk": episode.id,
        "environment": episode.task.scenario.id,
        "agents": _agents(episode),
        "tag": episode.tag,
        "models": _models(judged),
        "messages": _messages(episode),
        "reasoning": write_reasoning(episode, judged.card, judged.rubric),
        "rewards": _pairs(judged),
        "rewards_prompt": _NO_PROMPT,
    }


def _evaluation(judged: Judged) -> _Row:
    episode, card = judged.episode, judged.card
    row: _Row = {"episode_id": episode.id, "evaluator_model": _who(card.judge) if card else ""}
    row |= {f"agent_{i}_name": name for i, name in enumerate(names_of(episode), 1)}
    for i, seat in enumerate(episode.task.scenario.seats, 1):
        row[f"agent_{i}_evaluation"] = write_evaluation(card.scores[seat.id], judged.rubric) if card else {}
    return row


_FORMS: Mapping[Form, Callable[[Judged], _Row]] = {
    "released": _released,
    "text": _text,
    "native": _native,
    "evaluations": _evaluation,
}


def _fits(report: Report, judged: Judged, form: Form) -> bool:
    episode = judged.episode
    problems = {
        f"it has {len(episode.task.scenario.seats)} seats, and SOTOPIA's forms have two": len(
            episode.task.scenario.seats
        )
        != 2,
        "an agent failed in it, and SOTOPIA's forms have no place for that": any(e.failure for e in episode.events),
        "nobody has judged it; see `comity score`": form == "evaluations" and judged.card is None,
    }
    for message in (message for message, is_so in problems.items() if is_so):
        report.problem(f"episode {episode.id}", message)
    if any(e.action and (e.action.move or e.action.to) for e in episode.events):
        report.remark(
            "field_dropped", f"episode {episode.id}", "moves and who a message went to have no place in SOTOPIA's forms"
        )
    return not any(problems.values())


def _agents(episode: Episode) -> list[JsonValue]:
    return [episode.task.cast[seat.id].id for seat in episode.task.scenario.seats]


def _models(judged: Judged) -> list[JsonValue]:
    seats = [judged.episode.policies[seat.id] for seat in judged.episode.task.scenario.seats]
    return [_who(judged.card.judge) if judged.card else "", *map(_who, seats)]


def _who(policy: Policy) -> str:
    return policy.model or policy.agent


def _messages(episode: Episode) -> list[JsonValue]:
    seats = [seat.id for seat in episode.task.scenario.seats]
    matrix = write_matrix(episode, [context(episode.task, seat, episode.mode) for seat in seats])
    return [[list(message) for message in turn] for turn in matrix]


def _rewards(judged: Judged) -> dict[str, _Row]:
    if judged.card is None:
        return {}
    return {seat.id: write_rewards(judged.card, seat.id, judged.rubric) for seat in judged.episode.task.scenario.seats}


def _pairs(judged: Judged) -> list[JsonValue]:
    return [[reward["overall_score"], reward] for reward in _rewards(judged).values()]


def _provenance(judged: Judged) -> _Row:
    episode, card = judged.episode, judged.card
    licences = [episode.licence] if episode.source else []
    licences += [episode.task.scenario.licence, *(character.licence for character in episode.task.cast.values())]
    licences += [card.licence] if card and card.source else []
    return {"_source": [*origins_of(episode.source)], "licence": together(licences)}
