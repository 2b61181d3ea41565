"""As a PettingZoo agent too, a seat can tell nothing from what it is given about what is private to others: spaces, observations,
infos and rewards so far are the same, to the letter, whatever others have, keep or wrote down unseen.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random

import pytest
from games import KINDS, a_payoff, a_task, orders_of, seats_of
from gymnasium.utils.env_checker import data_equivalence
from worlds import character, say, task

from comity.agents import briefing
from comity.interop import encoded_views
from comity.interop.pettingzoo import ComityParallelEnv, parallel_env
from comity.world import environment, views
from comity.world.actions import Action, ActionType
from comity.world.choices import Secret
from comity.world.moves import Move, MoveKind
from comity.world.payoffs import Payoff
from comity.world.tasks import Task
from privacy.test_games import SEALED, WITH_SECRETS, Interference, with_other_secrets

Patch = pytest.MonkeyPatch
Turn = Mapping[str, dict[str, object]]
GAMES = 25


def met(zoo: ComityParallelEnv, turns: Sequence[Turn], agent: str) -> list[object]:
    """All that one agent is given in an episode of these actions, but for the reward at its end."""
    observations, infos = zoo.reset(seed=1)
    given: list[object] = [
        str(zoo.action_space(agent)),
        str(zoo.observation_space(agent)),
        observations[agent],
        infos[agent],
    ]
    for actions in turns:
        observations, rewards, over, _, infos = zoo.step(actions)
        given += [observations[agent], infos[agent], over[agent], rewards[agent] if zoo.agents else None]
    return given


def same(one: object, other: object) -> bool:
    return data_equivalence(one, other, exact=True)


def at_random(zoo: ComityParallelEnv, seed: int) -> list[Turn]:
    """Legal and illegal actions, whispers among them, until the end."""
    chance = Random(seed)
    turns: list[Turn] = []
    for at, agent in enumerate(zoo.possible_agents):
        zoo.action_space(agent).seed(100 * seed + at)
    _, infos = zoo.reset(seed=1)
    while zoo.agents:
        masks = {agent: infos[agent]["action_mask"] if chance.random() < 0.7 else None for agent in zoo.agents}
        turns.append({agent: zoo.action_space(agent).sample(mask) for agent, mask in masks.items()})  # type: ignore[arg-type]
        *_, infos = zoo.step(turns[-1])
    return turns


def compare(kind: str, seed: int) -> int:
    """Play one game, change what is private to others, and compare what each agent is given. Gives how much was compared."""
    chance = Random(f"{kind} {seed} zoo")
    seats = seats_of(kind, chance)
    payoff = a_payoff(kind, seats, chance)
    order = chance.choice(orders_of(payoff))
    zoo = parallel_env(private(a_task(payoff, seats, order)), illegal="none")
    turns = at_random(zoo, seed)
    for agent, seat in zoo.seats.items():
        changed = private(a_task(with_other_secrets(payoff, seat, chance), seats, order))
        if not same(met(zoo, turns, agent), met(parallel_env(changed, illegal="none"), turns, agent)):
            raise Interference(f"{kind} {seed}: {seat} can tell what others have")
    return len(turns) * len(seats)


def private(of: Task) -> Task:
    return of.model_copy(update={"scenario": of.scenario.model_copy(update={"private_messages": True})})


def compare_sealed(kind: str, seed: int) -> int:
    """Let the first who can write something down write each thing it could, and compare what the others are given."""
    chance = Random(f"{kind} {seed} zoo sealed")
    seats = seats_of(kind, chance)
    zoo = parallel_env(a_task(a_payoff(kind, seats, chance), seats))
    zoo.reset(seed=1)
    quiet = {"seat_0": zoo.action_space("seat_0").encode(say("Well."))}
    chooses = "seat_0" if MoveKind.CHOOSE in zoo.action_space("seat_0").kinds else "seat_1"
    turns = [[*([quiet] if chooses == "seat_1" else []), {chooses: wrote}] for wrote in choices(zoo, chooses)]
    for agent in zoo.possible_agents:
        told = [met(zoo, each, agent) for each in turns]
        if not zoo.agents:
            return 0
        if agent != chooses and not all(same(each, told[0]) for each in told):
            raise Interference(f"{kind} {seed}: {agent} can tell what {chooses} wrote down")
    return len(turns)


def choices(zoo: ComityParallelEnv, agent: str) -> list[dict[str, object]]:
    spec = zoo.view(agent).spec.moves
    assert spec
    first = {term.id: next(iter(term)) for term in spec.terms}
    moves = [Move(kind=MoveKind.CHOOSE, terms=first | {term.id: value}) for term in spec.terms for value in term]
    return [zoo.action_space(agent).encode(say("There.").model_copy(update={"move": move})) for move in moves]


@pytest.mark.parametrize("kind", WITH_SECRETS)
def test_what_a_game_is_worth_to_others_changes_nothing_that_an_agent_is_given(kind: str) -> None:
    assert sum(compare(kind, seed) for seed in range(GAMES)) > 5 * GAMES


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind in SEALED])
def test_what_was_written_down_changes_nothing_for_others_until_it_is_opened(kind: str) -> None:
    assert sum(compare_sealed(kind, seed) for seed in range(GAMES)) > 0


def whispered(words: str) -> bool:
    """Whether the third seat is given the same as where the first does nothing; the second is told something in private."""
    zoo = parallel_env(task("Ana", "Ben", "Cem", private=True))
    nothing, told = (Action(type=ActionType.NONE), say(words, "b"))
    given = [met(zoo, [{"seat_0": zoo.action_space("seat_0").encode(did)}], "seat_2") for did in (nothing, told)]
    return same(*given)


def test_a_private_message_changes_nothing_for_those_it_is_kept_from() -> None:
    assert whispered("Do not tell Cem.")


def profiled(words: str) -> list[object]:
    """What a stranger is given of somebody with these words in every private field."""
    of = task("Ana", "Ben", "Cem")
    facts = dict.fromkeys(("secret", "personality", "occupation", "public_info", "decision_style", "gender"), words)
    seat = of.scenario.seats[0].model_copy(update=dict.fromkeys(("goal", "extra_info", "strategy_hint"), words))
    scenario = of.scenario.model_copy(update={"seats": (seat, *of.scenario.seats[1:]), "judge_note": words})
    cast = {**of.cast, "a": character("Ana").model_copy(update=facts)}
    changed = of.model_copy(update={"scenario": scenario, "cast": cast})
    zoo = parallel_env(changed)
    return met(zoo, [{"seat_0": zoo.action_space("seat_0").encode(say())}], "seat_1")


def test_a_strangers_profile_and_goal_change_nothing() -> None:
    assert same(profiled("one"), profiled("Something else, żółty and longer"))


def test_why_an_action_was_illegal_is_told_to_its_agent_alone() -> None:
    of = a_task(Secret(keeper="p1", question="Which?", options=("red", "blue"), answer="red"), ("p1", "p2", "p3"))
    zoo = parallel_env(of)
    zoo.reset()
    wrong = zoo.action_space("seat_0").sample() | {"type": 1, "argument": " "}
    *_, infos = zoo.step({"seat_0": wrong})
    assert [info["illegal"] for info in infos.values()] == ["'speak' needs words", "", ""]


def others_worth_is_open(patch: Patch) -> None:
    for where in (views, briefing):
        patch.setattr(where, "may_know_payoff", lambda viewer, of, mode: True)


def worth_is_taken_of_another_seat(patch: Patch) -> None:
    table = encoded_views._encoded_table
    patch.setattr(Payoff, "known_to", lambda self, seats: self)
    patch.setattr(encoded_views, "_encoded_table", lambda of, me, seats: table(of, seats[0], seats))


def choices_are_seen(patch: Patch) -> None:
    patch.setattr(views, "as_seen", lambda action, actor, viewer, mode: action)


@pytest.mark.parametrize(
    ("mutation", "check", "kinds"),
    [
        (others_worth_is_open, compare, WITH_SECRETS),
        (worth_is_taken_of_another_seat, compare, ("division", "price", "contract")),
        (choices_are_seen, compare_sealed, SEALED),
    ],
)
def test_a_rule_taken_away_is_found(
    mutation: Callable[[Patch], None],
    check: Callable[[str, int], int],
    kinds: tuple[str, ...],
    monkeypatch: Patch,
) -> None:
    mutation(monkeypatch)
    for kind in kinds:
        with pytest.raises(Interference):
            sum(check(kind, seed) for seed in range(GAMES))


def test_a_private_message_that_all_perceive_is_found(monkeypatch: Patch) -> None:
    monkeypatch.setattr(environment, "audience", lambda action, actor, present, mode: present)
    assert not whispered("Do not tell Cem.")
