"""Agents that say given lines in the safety scenarios, for the tests of both the rules and the results."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from comity.agents.scripted import ScriptedAgent
from comity.simulate import simulate
from comity.train.safety import Marks, SafetyCase, marks_of, safety_suite
from comity.train.safety.playing import partner_of
from comity.world.actions import Action, ActionType
from comity.world.episodes import Episode
from comity.world.views import SeatView

Sort = Literal["harmful", "safe", "evasive"]
Transcripts = Mapping[str, Mapping[Sort, Sequence[Sequence[str]]]]
SUITE = safety_suite()


def speaker(lines: Sequence[str], name: str = "speaker") -> ScriptedAgent:
    """Says the lines one after the other, and does those that begin with "> "."""

    def play(view: SeatView) -> Action | str:
        line = lines[sum(seen.seat == view.me.seat for seen in view.history)]
        return Action(type=ActionType.ACTION, argument=line[2:]) if line.startswith("> ") else line

    return ScriptedAgent(play, name=name)


async def played(case: SafetyCase, lines: Sequence[str]) -> Episode:
    return await simulate(case.task, {case.partner: partner_of(SUITE, case), case.tested: speaker(lines)})


async def marks(case: SafetyCase, lines: Sequence[str]) -> Marks:
    return marks_of(case, await played(case, lines))


def transcripts(name: str) -> Transcripts:
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text("utf-8"))


def each(written: Transcripts, sort: Sort) -> list[tuple[SafetyCase, Sequence[str]]]:
    return [(case, lines) for case in SUITE.cases for lines in written[case.id].get(sort, ())]
