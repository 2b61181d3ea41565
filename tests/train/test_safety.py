"""The safety scenarios: whole and serious, played alike by any agent, scored with what could not be had set apart, and compared in pairs."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from train.safety_playing import SUITE, played, speaker

from comity.agents.protocol import Reply
from comity.agents.scripted import ScriptedAgent
from comity.library import load_library, starter
from comity.library.lint import lint
from comity.models.protocol import Unreachable
from comity.models.scripted import ScriptedModel
from comity.train.safety import (
    SafetyCase,
    SafetyResult,
    judged_safety,
    play_safety,
    safety_result,
    safety_rubric,
)
from comity.train.toxicity import Profanity
from comity.world.environment import EndReason
from comity.world.episodes import Episode, Policy, replay
from comity.world.events import Failure
from comity.world.views import SeatView

pytestmark = pytest.mark.anyio
CHECKER = Profanity()
WARNING = "Don't do it, it is not safe; think of the children, the boy, your father, your brother and who sits behind the wheel."
CALM = speaker([WARNING] * 4, "calm")


class Fails:
    """Gives no usable reply from its n-th turn on, at the latest its third; before, it says a line each turn."""

    def __init__(self, turn: int) -> None:
        self._turn, self._lines = turn, ("Please wait, the train is coming.", "It is a long one today, look.")
        self._crossing = SUITE.case("barrier_down").task.scenario.setting

    @property
    def policy(self) -> Policy:
        return Policy(agent="fails")

    async def act(self, view: SeatView) -> Reply:
        before = sum(seen.seat == view.me.seat for seen in view.history)
        if before + 1 >= self._turn:
            return Reply(Failure(kind="unusable_reply", detail="gibberish"))
        lines = self._lines if view.setting == self._crossing else (view.setting[:20], view.setting[20:40])
        return await ScriptedAgent(lambda view: lines[before]).act(view)


def test_there_are_five_of_either_kind_and_nobody_is_of_the_library() -> None:
    assert [case.kind for case in SUITE.cases].count("drawn") == 5
    assert [case.kind for case in SUITE.cases].count("prevent") == 5
    names = {who.name for case in SUITE.cases for who in case.task.cast.values()}
    assert len(names) == 20
    assert not names & {who.name for who in starter().characters}
    assert not {case.id for case in SUITE.cases} & {scenario.id for scenario in starter().scenarios}


@pytest.mark.parametrize("case", SUITE.cases, ids=lambda case: case.id)
def test_a_scenario_is_whole(case: SafetyCase) -> None:
    scenario = case.task.scenario
    assert case.task.violations() == []
    assert scenario.seats[0].id == case.partner, "the partner opens"
    assert all(seat.goal and seat.extra_info and seat.role for seat in scenario.seats)
    assert (scenario.licence, scenario.source) == ("Apache-2.0", "Comity")
    assert len(case.ways_out) >= (5 if case.kind == "prevent" else 0)
    assert all(20 < len(line) < 220 for line in case.lines)
    numbers = re.compile(r"\b\d+ ?(mg|ml|grams?|milligrams?)\b")
    assert not numbers.search(scenario.setting + "".join(seat.goal + seat.extra_info for seat in scenario.seats))


@pytest.mark.parametrize("case", SUITE.cases, ids=lambda case: case.id)
async def test_the_partner_says_its_lines_whatever_it_hears(case: SafetyCase) -> None:
    for words in ("Go ahead.", "Never!"):
        episode = await played(case, [words] * 4)
        assert episode.end is not None
        assert episode.end.reason is EndReason.TURN_LIMIT
        said = [event.action.argument for event in episode.events if event.action and event.seat == case.partner]
        assert tuple(said) == case.lines


async def test_every_scenario_is_played_so_many_times_with_seeds_of_its_own() -> None:
    episodes = await play_safety(CALM, repeats=2, seed=7)
    assert len({episode.id for episode in episodes}) == len({episode.seed for episode in episodes}) == 20
    again = await play_safety(CALM, repeats=2, seed=7)
    assert [(e.id, e.seed) for e in again] == [(e.id, e.seed) for e in episodes]
    assert [[event.did for event in e.events] for e in again] == [[event.did for event in e.events] for e in episodes]
    other = await play_safety(speaker(["Hm."] * 4, "other"), repeats=2, seed=7)
    assert [e.seed for e in other] == [e.seed for e in episodes]
    assert not {e.id for e in other} & {e.id for e in episodes}
    for episode in episodes:
        assert replay(episode).end == episode.end


async def test_what_was_played_before_is_not_played_again() -> None:
    heard: list[Episode] = []
    left = [5]

    def talk(view: SeatView) -> str:
        if not left:
            raise Unreachable("gone")
        if view.turn == 8:
            left.append(left.pop() - 1)
            if not left[0]:
                left.clear()
        return "Please wait."

    async def hear(episode: Episode) -> None:
        heard.append(episode)

    agent = ScriptedAgent(talk, name="breaks")
    with pytest.raises(Unreachable):
        await play_safety(agent, repeats=1, seed=1, sink=hear, at_once=1)
    assert len(heard) == 5
    left.append(100)
    first = list(heard)
    episodes = await play_safety(agent, repeats=1, seed=1, sink=hear, done=heard)
    assert len(heard) == 10
    assert set(map(id, first)) <= set(map(id, episodes))


@pytest.mark.parametrize(("repeats", "at_once"), [(0, 1), (1, 0)])
async def test_at_least_one_is_played(repeats: int, at_once: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        await play_safety(CALM, repeats=repeats, seed=1, at_once=at_once)


async def result_of(play: Callable[[SeatView], str] | ScriptedAgent | Fails, repeats: int = 2) -> SafetyResult:
    agent = play if isinstance(play, ScriptedAgent | Fails) else ScriptedAgent(play)
    return safety_result(await play_safety(agent, repeats=repeats, seed=3), checker=CHECKER)


def in_keys_alone(warns: list[str]) -> Callable[[SeatView], str]:
    """Says two lines in turn to the guest with the keys, and elsewhere something else of the same manners in each scenario."""
    settings = {case.task.scenario.setting: case.id for case in SUITE.cases}

    def play(view: SeatView) -> str:
        turn = sum(seen.seat == view.me.seat for seen in view.history)
        case = settings[view.setting]
        return warns[turn % 2] if case == "keys_on_the_table" else f"{case} {turn}, you fucking idiot."

    return play


async def test_rates_are_by_kind_and_words_do_not_leave() -> None:
    warns = [
        "Do not drive, you are drunk. I will call a taxi, you fucking idiot.",
        "The taxi comes now, you fucking idiot.",
    ]
    result = await result_of(in_keys_alone(warns))
    assert result.prevent is not None
    assert result.drawn is not None
    assert (result.prevent.episodes, result.prevent.failed) == (10, {})
    prevented, solutions = result.prevent.rates["prevented"], result.prevent.rates["solutions"]
    assert prevented.mean is not None
    assert solutions.mean is not None
    keys = [item for item in result.items if item.marks.case == "keys_on_the_table"]
    assert all(item.marks.prevented and item.marks.solutions == ("taxi",) for item in keys)
    assert prevented.mean.clusters == 5
    assert "prevented" not in result.drawn.rates
    toxic = result.drawn.rates["toxic_texts"]
    assert toxic.mean is not None
    assert toxic.mean.value == 4
    assert "taxi," not in result.model_dump_json()
    assert "idiot" not in result.model_dump_json()
    assert SafetyResult.model_validate_json(result.model_dump_json()) == result


async def test_one_who_is_cut_short_by_its_own_failure_has_no_value() -> None:
    result = await result_of(Fails(turn=3))
    assert result.prevent is not None
    assert result.prevent.failed == {"unusable_reply": 10}
    prevented = result.prevent.rates["prevented"]
    assert (prevented.mean, prevented.known, prevented.missing) == (None, 0, 10)
    assert prevented.least == 0.2, "what was seen at the crossing counts in the bound"
    assert prevented.most == 1.0
    assert all(item.value("engaged") is None for item in result.items)


async def test_without_a_checker_toxic_language_is_not_measured() -> None:
    result = safety_result(await play_safety(CALM, repeats=1, seed=3))
    assert result.checker == ""
    assert result.drawn is not None
    rate = result.drawn.rates["toxic_words"]
    assert (rate.mean, rate.known, rate.missing, rate.least) == (None, 0, 5, None)


async def test_a_judge_reads_the_tested_seat_by_its_own_rubric() -> None:
    from comity.evaluate.judge import LLMJudge

    episodes = await play_safety(CALM, repeats=1, seed=3)
    rubric = safety_rubric()
    given = ", ".join(f'"{d.id}": {{"reason": "It is so.", "turns": [2], "score": 1}}' for d in rubric.dimensions)
    judge = LLMJudge(ScriptedModel(lambda messages, schema, sampling: f"{{{given}}}"), rubric=rubric)
    cards = [await judge.score(episode) for episode in episodes[:-1]]
    found = {(each.kind, each.dimension): each for each in judged_safety(episodes, cards)}
    assert len(found) == 6
    kind = SUITE.case(episodes[-1].task.scenario.id).kind
    less = found[kind, "HARM"]
    assert (less.known, less.missing) == (4, {"no scorecard": 1})
    assert less.mean is not None
    assert less.mean.value == 1.0
    other = cards[0].model_copy(update={"rubric_hash": "other"})
    with pytest.raises(ValueError, match="by rubric safety"):
        judged_safety(episodes, [other])


def test_the_librarys_own_rules_find_nothing_but_what_one_cast_of_its_own_allows() -> None:
    folder = Path(__file__).parents[2] / "src" / "comity" / "train" / "safety" / "library"
    fixed_cast = {"gendered_party", "gendered_pronoun", "gendered_tie", "few_casts"}
    assert {finding.rule for finding in lint(load_library(folder))} <= fixed_cast


def test_the_files_are_in_the_package() -> None:
    folder = Path(__file__).parents[2] / "src" / "comity" / "train" / "safety"
    assert {path.stem for path in (folder / "scripts").glob("*.toml")} == {case.id for case in SUITE.cases}
