"""Tasks as PettingZoo environments: PettingZoo's own tests, whose turn it is, illegal actions, rewards, seeds and the episode."""

import functools
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from games import a_task
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test  # type: ignore[import-untyped]
from worlds import LEAVE, NOTHING, bare, roll, say, task

from comity.agents.scripted import ScriptedAgent
from comity.evaluate.judge import LLMJudge
from comity.interop.pettingzoo import ComityEnv, env, parallel_env
from comity.models.scripted import scripted
from comity.simulate import simulate
from comity.store import Store
from comity.world.actions import Action, ActionType
from comity.world.deals import Price
from comity.world.environment import EndReason, Limits
from comity.world.episodes import Policy
from comity.world.moves import Move, MoveKind
from comity.world.outcomes import outcome_of
from comity.world.scenarios import TurnOrder
from comity.world.tasks import Task
from comity.world.views import SeatView
from interop.zoo import PLAYABLE, Zoo, doing, drawn, game, judged_only, of_five, played, seeded

PAGE = (Path(__file__).parents[2] / "docs" / "pettingzoo.md").read_text(encoding="utf-8")
SALE = a_task(Price(buyer="p1", seller="p2", range=(50, 150), reserves={"p1": 120, "p2": 80}), ("p1", "p2"))
OFFER, ACCEPT = (
    Action(type=ActionType.SPEAK, argument="So.", move=move)
    for move in (Move(kind=MoveKind.PROPOSE, terms={"price": 90}), Move(kind=MoveKind.ACCEPT))
)

# Recommendations for spaces that a network reads directly, which a Dict with text in it is not. PettingZoo's own games with
# such spaces are excused from the first two by a list of their names in its test; the third is said to every Dict.
recommendations = [
    "ignore:Observation is not a NumPy array$:UserWarning",
    "ignore:Observation space for each agent probably should be gymnasium.spaces.box:UserWarning",
    "ignore:Action space for each agent probably should be gymnasium.spaces.box:UserWarning",
]

TASKS: list[tuple[functools.partial[Task], TurnOrder]] = [
    *((functools.partial(judged_only, seats), order) for seats in (2, 5) for order in TurnOrder),
    *((functools.partial(game, kind), order) for kind, order in PLAYABLE),
    *((functools.partial(of_five, kind), order) for kind, order in PLAYABLE if kind in ("contract", "public_goods")),
]


def called(make: object) -> str:
    return "-".join(map(str, [make.func.__name__, *make.args])) if isinstance(make, functools.partial) else str(make)


@pytest.mark.filterwarnings(*recommendations)
@pytest.mark.parametrize("illegal", ["fail", "none"])
@pytest.mark.parametrize(("make", "order"), TASKS, ids=called)
class TestPettingZoosOwn:
    """What PettingZoo asks of every environment."""

    def test_parallel_api(self, make: Callable[[TurnOrder], Task], order: TurnOrder, illegal: str) -> None:
        parallel_api_test(parallel_env(make(order), illegal=illegal), num_cycles=50)  # type: ignore[arg-type]

    def test_api(self, make: Callable[[TurnOrder], Task], order: TurnOrder, illegal: str) -> None:
        api_test(env(make(order), illegal=illegal), num_cycles=50)  # type: ignore[arg-type]

    def test_seeds(self, make: Callable[[TurnOrder], Task], order: TurnOrder, illegal: str) -> None:
        seed_test(lambda: env(make(order), illegal=illegal), num_cycles=50)  # type: ignore[arg-type]
        parallel_seed_test(lambda: parallel_env(make(order), illegal=illegal), num_cycles=50)  # type: ignore[arg-type]


# Turns


def test_those_who_do_not_act_are_told_and_what_they_do_is_not_read() -> None:
    zoo = parallel_env(judged_only(2))
    observations, infos = zoo.reset()
    assert [observations[agent]["acting"] for agent in zoo.agents] == [1, 0]
    assert [infos[agent]["action_mask"]["type"].any() for agent in zoo.agents] == [True, False]  # type: ignore[index]
    zoo.step({"seat_0": doing(zoo, "seat_0", say("One.")), "seat_1": {"not": "read"}})
    zoo.step({"seat_1": doing(zoo, "seat_1", say("Two."))})
    assert [(event.turn, event.seat) for event in zoo.episode().events] == [(1, "a"), (2, "b")]


def test_who_acts_and_gives_nothing_or_no_action_is_an_error_and_no_turn_is_played() -> None:
    zoo = parallel_env(judged_only(2))
    zoo.reset()
    with pytest.raises(ValueError, match="turn 1 needs an action of seat_0"):
        zoo.step({"seat_1": doing(zoo, "seat_1", say("One."))})
    with pytest.raises(ValueError, match="an action is a dictionary of argument, type"):
        zoo.step({"seat_0": {"type": 0}})
    assert zoo.episode().events == ()


@pytest.mark.parametrize("make", [env, parallel_env])
def test_before_reset_and_after_the_end_the_error_says_to_call_it(make: Callable[[Task], Zoo]) -> None:
    zoo = make(task("Ana", "Ben"))
    leave = doing(zoo, "seat_0", LEAVE)
    with pytest.raises(RuntimeError, match="no episode is being played: call reset"):
        zoo.step({"seat_0": leave})
    with pytest.raises(RuntimeError, match="no episode has begun: call reset"):
        zoo.episode()
    zoo.reset()
    if isinstance(zoo, ComityEnv):
        for action in (leave, None, None):
            zoo.step(action)
    else:
        zoo.step({"seat_0": leave})
    with pytest.raises(RuntimeError, match="no episode is being played: call reset"):
        zoo.step({"seat_0": leave})


def test_one_by_one_nobody_sees_what_others_do_in_the_same_turn() -> None:
    zoo = env(judged_only(5, TurnOrder.SIMULTANEOUS))
    zoo.reset()
    for at, agent in enumerate(zoo.possible_agents):
        assert zoo.agent_selection == agent
        assert "word" not in str(zoo.observe(agent)["text"])
        zoo.step(doing(zoo, agent, say(f"word {at}")))
    assert all(f"word {at}" in str(zoo.observe("seat_3")["text"]) for at in range(5))
    assert zoo.observe("seat_3")["turn"] == 2


def test_a_seat_that_has_left_stays_an_agent_until_the_end_and_has_its_reward() -> None:
    zoo = parallel_env(task("Ana", "Ben", "Cem"), reward=lambda episode: {"a": 1, "b": 2, "c": 3})
    zoo.reset()
    _, rewards, over, *_ = zoo.step({"seat_0": doing(zoo, "seat_0", LEAVE)})
    assert (zoo.agents, any(over.values()), sum(rewards.values())) == (["seat_0", "seat_1", "seat_2"], False, 0)
    _, rewards, over, cut, infos = zoo.step({"seat_1": doing(zoo, "seat_1", LEAVE)})
    assert (zoo.agents, all(over.values()), any(cut.values())) == ([], True, False)
    assert rewards == {"seat_0": 1.0, "seat_1": 2.0, "seat_2": 3.0}
    assert {info["end"] for info in infos.values()} == {"too_few_left"}
    assert zoo.step({}) == ({}, {}, {}, {}, {})


# Illegal actions


def test_an_illegal_action_is_the_agents_failure_and_ends_the_episode() -> None:
    zoo = parallel_env(SALE)
    zoo.reset()
    _, rewards, over, _, infos = zoo.step({"seat_0": doing(zoo, "seat_0", ACCEPT)})
    assert (zoo.agents, set(over.values()), rewards) == ([], {True}, {"seat_0": 0, "seat_1": 0})
    why = "the move 'accept' is not possible now; possible: propose, claim"
    assert {agent: info["illegal"] for agent, info in infos.items()} == {"seat_0": why, "seat_1": ""}
    assert {info["end"] for info in infos.values()} == {"agent_failure"}
    episode = zoo.episode()
    assert episode.end
    assert (episode.end.reason, episode.end.seat) == (EndReason.AGENT_FAILURE, "p1")
    assert episode.events[0].failure
    assert (episode.events[0].failure.kind, episode.events[0].failure.detail) == ("illegal_action", why)


def test_where_the_caller_says_so_an_illegal_action_is_doing_nothing_and_the_info_says_why() -> None:
    zoo = env(SALE, illegal="none")
    zoo.reset()
    zoo.step(doing(zoo, "seat_0", ACCEPT))
    assert (zoo.episode().events[0].action, zoo.episode().end) == (NOTHING, None)
    assert "'accept' is not possible now" in str(zoo.infos["seat_0"]["illegal"])
    zoo.step(doing(zoo, "seat_1", OFFER))
    assert {info["illegal"] for info in zoo.infos.values()} == {""}
    with pytest.raises(ValueError, match="has no action 'none'"):
        env(task("Ana", "Ben", actions=[ActionType.SPEAK]), illegal="none")


# The episode


@pytest.mark.parametrize(("kind", "order"), PLAYABLE)
def test_it_is_the_episode_that_simulate_gives_and_its_outcome_is_the_reward(kind: str, order: TurnOrder) -> None:
    of = game(kind, order, seed=3, private=True)
    parallel, one_by_one = played(of, 3), env(of)
    did = {(event.turn, event.seat): event.action or NOTHING for event in parallel.episode().events}
    one_by_one.reset(seed=3)
    earned = {}
    for agent in one_by_one.agent_iter():
        _, earned[one_by_one.seats[agent]], over, _, _ = one_by_one.last()
        now = one_by_one.view(agent).turn, one_by_one.seats[agent]
        one_by_one.step(None if over else doing(one_by_one, agent, did[now]))

    again = ScriptedAgent(lambda view: did[view.turn, view.me.seat], name="pettingzoo")
    simulated = anyio.run(functools.partial(simulate, seed=3), of, dict.fromkeys(of.cast, again))
    assert bare(parallel.episode()) == bare(one_by_one.episode()) == bare(simulated)
    outcome = outcome_of(simulated)
    assert outcome
    assert earned == outcome.utilities


def test_an_illegal_action_too_is_what_it_is_in_simulate() -> None:
    zoo = parallel_env(SALE)
    zoo.reset(seed=1)
    zoo.step({"seat_0": doing(zoo, "seat_0", ACCEPT)})
    agents = dict.fromkeys(SALE.cast, ScriptedAgent(lambda view: ACCEPT, name="pettingzoo"))
    assert bare(zoo.episode()) == bare(anyio.run(functools.partial(simulate, seed=1), SALE, agents))


def test_comitys_own_agents_can_play_seats() -> None:
    zoo, agent = env(judged_only(5, TurnOrder.RANDOM)), ScriptedAgent(roll, name="dice")
    zoo.policies = dict.fromkeys(zoo.task.cast, agent.policy)
    zoo.reset(seed=5)
    while zoo.episode().end is None:
        seen: SeatView = zoo.view(zoo.agent_selection)
        action = anyio.run(agent.act, seen).action
        assert isinstance(action, Action)
        zoo.step(doing(zoo, zoo.agent_selection, action))
    alone = anyio.run(functools.partial(simulate, seed=5), zoo.task, dict.fromkeys(zoo.task.cast, agent))
    assert bare(zoo.episode()) == bare(alone)


def test_it_ends_at_the_limits_that_were_given_and_says_when() -> None:
    zoo = parallel_env(judged_only(2), limits=Limits(turns=2))
    zoo.reset()
    for agent in zoo.possible_agents:
        assert zoo.episode().finished_at is None
        *_, infos = zoo.step({agent: doing(zoo, agent, say())})
    episode = zoo.episode()
    assert (infos["seat_0"]["end"], episode.limits, episode.turns) == ("turn_limit", Limits(turns=2), 2)
    assert episode.finished_at == episode.events[-1].trace.at


def test_the_store_keeps_it_show_prints_it_and_a_judge_scores_it(tmp_path: Path) -> None:
    zoo = env(SALE, limits=Limits(turns=4), policies={"p1": Policy(agent="mine"), "p2": Policy(agent="other")})
    zoo.reset(seed=9)
    unfinished = zoo.episode()
    assert (unfinished.events, unfinished.end, unfinished.finished_at) == ((), None, None)
    for action in (OFFER, ACCEPT):
        zoo.step(doing(zoo, zoo.agent_selection, action))
    episode = zoo.episode()
    assert (episode.id, episode.seed, episode.limits.turns) == (unfinished.id, 9, 4)
    with Store.open(f"sqlite:///{tmp_path / 'kept.db'}") as store:
        store.begin(episode)
        assert store.episode(episode.id) == episode
    shown = subprocess.run(
        [sys.executable, "-m", "comity", "show", "last", "--store", f"sqlite:///{tmp_path / 'kept.db'}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Player p1: So. [proposes: 90]" in shown
    assert "By the rules: a deal" in shown
    card = anyio.run(LLMJudge(scripted("demo")).score, episode)
    assert set(card.scores) == {"p1", "p2"}


def test_render_gives_all_that_was_done_where_it_was_asked_for() -> None:
    zoo = parallel_env(judged_only(3), render_mode="ansi")
    zoo.reset()
    zoo.step({"seat_0": doing(zoo, "seat_0", say("psst", "c"))})
    assert zoo.render() == "Ana (to Cem alone): psst"
    assert parallel_env(judged_only(3)).render() is None


# Rewards and seeds


def test_there_is_no_reward_before_the_end_and_then_the_outcome() -> None:
    zoo = parallel_env(SALE)
    zoo.reset()
    _, rewards, *_ = zoo.step({"seat_0": doing(zoo, "seat_0", OFFER)})
    assert rewards == {"seat_0": 0, "seat_1": 0}
    _, rewards, *_ = zoo.step({"seat_1": doing(zoo, "seat_1", ACCEPT)})
    assert rewards == {"seat_0": 120 - 90, "seat_1": 90 - 80}


def test_without_a_payoff_the_reward_is_nothing_or_what_the_caller_makes_of_the_finished_episode() -> None:
    of, heard = task("Ana", "Ben"), []
    for reward in (None, lambda episode: heard.append(episode) or {"a": 0.5, "b": -1}):  # type: ignore[func-returns-value]
        zoo = parallel_env(of, reward=reward)
        zoo.reset()
        _, rewards, *_ = zoo.step({"seat_0": doing(zoo, "seat_0", LEAVE)})
        assert rewards == ({"seat_0": 0.5, "seat_1": -1} if reward else {"seat_0": 0, "seat_1": 0})
        assert heard == ([zoo.episode()] if reward else [])


@pytest.mark.parametrize("given", [{"a": 1.0}, {"a": 1.0, "b": None}])
def test_a_reward_that_is_not_known_is_not_zero(given: dict[str, float]) -> None:
    zoo = parallel_env(task("Ana", "Ben"), reward=lambda episode: given)
    zoo.reset()
    with pytest.raises(ValueError, match="`reward` gave no number for b"):
        zoo.step({"seat_0": doing(zoo, "seat_0", LEAVE)})


def test_the_seed_of_reset_is_the_episodes_and_later_ones_follow_from_it() -> None:
    zoo = parallel_env(judged_only(5, TurnOrder.RANDOM))
    seeds = []
    for seed in (None, 7, None, None, 7, None):
        zoo.reset(seed=seed)
        seeds.append(zoo.episode().seed)
    assert seeds[:2] == [0, 7]
    assert len(set(seeds[1:4])) == 3
    assert seeds[4:] == seeds[1:3]


def test_the_same_seed_and_actions_give_the_same_observations() -> None:
    def told(of: Task) -> list[str]:
        zoo = parallel_env(of)
        seeded(zoo, 2)
        observations, infos = zoo.reset(seed=11)
        all_of_it = [str(observations)]
        while zoo.agents:
            given = {agent: drawn(zoo, agent, infos) for agent in zoo.agents}
            observations, *_, infos = zoo.step(given)
            all_of_it.append(str((observations, infos)))
        return all_of_it

    of = judged_only(5, TurnOrder.RANDOM)
    once = told(of)
    assert told(of) == once
    assert len(once) > 5


# What is refused


def test_the_modes_and_the_policies_are_checked() -> None:
    of = task("Ana", "Ben")
    one, other = Policy(agent="one"), Policy(agent="other")
    with pytest.raises(ValueError, match="`policies` is by seat, one for each of a, b"):
        parallel_env(of, policies={"seat_0": one, "seat_1": other})
    with pytest.raises(ValueError, match="in script mode one writer"):
        parallel_env(of, mode="script", policies={"a": one, "b": other})
    zoo = parallel_env(of, mode="omniscient", lite=True)
    observations, _ = zoo.reset()
    assert "the goal of seat b" in str(observations["seat_0"]["text"])
    assert (zoo.episode().mode, zoo.episode().lite) == ("omniscient", True)


def test_without_the_extra_the_error_says_what_to_install() -> None:
    code = """
import sys
sys.modules["pettingzoo"] = None
try:
    import comity.interop.pettingzoo
except ModuleNotFoundError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "pettingzoo is not installed; the adapter needs it: pip install 'comity[pettingzoo]'\n"


def test_nothing_else_loads_pettingzoo() -> None:
    code = "import sys, comity, comity.interop, comity.cli; print([m for m in ('pettingzoo', 'gymnasium') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# The page


@pytest.mark.parametrize("at", range(PAGE.count("```python")))
def test_the_page_shows_what_its_code_prints(at: int, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = re.findall(r"^```python\n(.*?)^```\n\n```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[at]
    exec(compile(code, "docs/pettingzoo.md", "exec"), {})
    assert capsys.readouterr().out == printed
