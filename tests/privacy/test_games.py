"""What a game is worth to others, and what they wrote down unseen, changes nothing that reaches a seat, to the letter, until it is opened."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

import pytest
from games import KINDS, a_move, a_payoff, a_task, orders_of, play_at_random, seats_of
from pydantic_core import to_json

from comity.agents.briefing import briefing, shown
from comity.agents.styles import style_named
from comity.cli.show import view_record
from comity.world import views
from comity.world.actions import Action, IllegalAction
from comity.world.choices import MutualFriend, Secret
from comity.world.deals import Contract, Division, Price
from comity.world.environment import Environment, State
from comity.world.events import Failure
from comity.world.moves import Move, MoveKind
from comity.world.payoffs import Payoff
from comity.world.positions import Position
from comity.world.tasks import Task

Patch = pytest.MonkeyPatch
WITH_SECRETS = ("division", "selection", "price", "contract", "mutual_friend", "secret")
SEALED = ("selection", "dilemma", "public_goods", "mutual_friend", "secret")
GAMES = 60


class Interference(AssertionError):
    """Something private of another seat can be told from what a seat meets."""


def met(state: State, seat: str) -> Mapping[str, object]:
    """All that reaches one seat before one turn: view, prompts, schemas, what a person reads, and what a refusal says."""
    view = views.view(state, seat, episode="game")
    payoff = view.table.payoff if view.table else None
    styles = {name: style_named(name) for name in ("chat", "transcript", "compact")}
    return {
        "record": to_json(view_record(view)),
        "table": repr(view.table),
        "prompts": {name: style.messages(view) for name, style in styles.items()},
        "schemas": {name: style.schema(view) for name, style in styles.items()},
        "person": "\n".join([briefing(view), *(shown(seen, payoff) for seen in view.history)]),
        "refusal": refusal(state, seat),
    }


def refusal(state: State, seat: str) -> str:
    """What a seat is told that makes a move which nobody may make."""
    action = Action.model_validate(
        {"type": "speak", "argument": "x", "move": Move(kind=MoveKind.PROPOSE, terms={"x": -1})}
    )
    try:
        state.spec(seat).check(action)
    except IllegalAction as error:
        return str(error)
    raise AssertionError("nobody may make this move")


def with_other_secrets(payoff: Payoff, keep: str, chance: Random) -> Payoff:
    """The same game in which all but one seat have other private facts."""

    def other(seat: str, mine: int) -> int:
        return mine if seat == keep else mine + 1 + chance.randrange(9)

    match payoff:
        case Division(values=values):
            units = {s: {item: other(s, v) for item, v in of.items()} for s, of in values.items()}
            said = [s for s in values if s != keep or s in payoff.disagreement]
            fallback = {s: other(s, payoff.fallback(s)) for s in said}
            return payoff.model_copy(update={"values": units, "disagreement": fallback})
        case Price(reserves=reserves):
            return payoff.model_copy(
                update={"reserves": {s: r if s == keep else 50 + (r - 43) % 101 for s, r in reserves.items()}}
            )
        case Contract(points=points):
            each = {s: {i: tuple(other(s, p) for p in of) for i, of in own.items()} for s, own in points.items()}
            return payoff.model_copy(update={"points": each})
        case MutualFriend(contacts=contacts):
            others = {s: people if s == keep else (*people, "Di") for s, people in contacts.items()}
            return payoff.model_copy(update={"contacts": others})
        case Secret(keeper=keeper, options=options, answer=answer) if keeper != keep:
            return payoff.model_copy(update={"answer": next(option for option in options if option != answer)})
        case _:
            return payoff


def replayed(task: Task, states: list[State]) -> list[State]:
    """The states of the same actions under another task."""
    state = Environment().reset(task, seed=states[0].seed)
    again = [state]
    for after in states[1:]:
        new = after.events[len(state.events) :]
        did: dict[str, Action | Failure] = {event.seat: event.did for event in new}
        state = Environment().step(state, did)
        again.append(state)
    return again


def compare(kind: str, seed: int) -> int:
    """Play one game, change what is private to others, and compare what each seat meets. Gives how much was compared."""
    chance = Random(f"{kind} {seed}")
    seats = seats_of(kind, chance)
    payoff = a_payoff(kind, seats, chance)
    task = a_task(payoff, seats, chance.choice(orders_of(payoff)))
    states = list(play_at_random(task, chance, seed))
    for seat in seats:
        changed = a_task(with_other_secrets(payoff, seat, chance), seats, task.scenario.turn_order)
        for before, after in zip(states, replayed(changed, states), strict=True):
            if met(before, seat) != met(after, seat):
                raise Interference(f"{kind} {seed}: {seat} in turn {before.turn} can tell what others have")
    return len(states) * len(seats)


def compare_sealed(kind: str, seed: int) -> int:
    """Let one seat write down something else and compare what the others meet until it is opened."""
    chance = Random(f"{kind} {seed} sealed")
    seats = seats_of(kind, chance)
    task = a_task(a_payoff(kind, seats, chance), seats, turns=20)
    state = Environment().reset(task, seed=seed)
    for seat in seats:
        spec = state.spec(seat).moves
        if spec is None or MoveKind.CHOOSE not in spec.kinds:
            state = Environment().step(state, {seat: Action.model_validate({"type": "speak", "argument": "Well."})})
            continue
        choices = [wrote(state, seat, replace(spec, kinds=(MoveKind.CHOOSE,)), chance) for _ in range(4)]
        if any(after.end or (after.position and after.position.rounds) for after in choices):
            return 0
        for other in set(seats) - {seat}:
            if len({to_json(view_record(views.view(after, other))) for after in choices}) > 1:
                raise Interference(f"{kind} {seed}: {other} can tell what {seat} wrote down")
            if any(met(after, other) != met(choices[0], other) for after in choices):
                raise Interference(f"{kind} {seed}: {other} reads what {seat} wrote down")
        state = choices[0]
    return 1


def wrote(state: State, seat: str, spec: object, chance: Random) -> State:
    move = a_move(spec, chance)  # type: ignore[arg-type]
    action = Action.model_validate({"type": "speak", "argument": "Done.", "move": move})
    return Environment().step(state, {seat: action})


@pytest.mark.parametrize("kind", WITH_SECRETS)
def test_what_a_game_is_worth_to_others_changes_nothing_that_reaches_a_seat(kind: str) -> None:
    assert sum(compare(kind, seed) for seed in range(GAMES)) > 10 * GAMES


@pytest.mark.parametrize("kind", SEALED)
def test_what_was_written_down_changes_nothing_for_others_until_it_is_opened(kind: str) -> None:
    for seed in range(GAMES):
        compare_sealed(kind, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_own_worth_rules_and_what_was_opened_are_told(kind: str) -> None:
    """The other side: nothing that a seat needs is withheld, in words for models and for people."""
    chance = Random(f"{kind} told")
    seats = seats_of(kind, chance)
    payoff = a_payoff(kind, seats, chance)
    for state in play_at_random(a_task(payoff, seats, turns=40), chance):
        last = state
    for seat in seats:
        told = met(last, seat)
        for where in (str(told["prompts"]), str(told["person"])):
            for fact in own_facts(payoff, seat):
                assert fact in where, (kind, seat, fact)
            if last.position and last.position.rounds:
                assert "Now open" in where


def own_facts(payoff: Payoff, seat: str) -> list[str]:
    match payoff:
        case Division(values=values):
            return [f"{item} {value}" for item, value in values[seat].items()]
        case Price(reserves=reserves):
            return [str(reserves[seat])]
        case Contract(points=points, issues=issues):
            return [f"{o} {p}" for i, of in points[seat].items() for o, p in zip(issues[i], of, strict=True)]
        case MutualFriend(contacts=contacts):
            return list(contacts[seat])
        case Secret(keeper=keeper, answer=answer) if keeper == seat:
            return [f"the answer: {answer}"]
        case _:
            return []


def others_worth_is_open(patch: Patch) -> None:
    patch.setattr(views, "may_know_payoff", lambda viewer, of, mode: True)


def payoffs_are_not_redacted(patch: Patch) -> None:
    patch.setattr(Payoff, "known_to", lambda self, seats: self)
    patch.setattr(Secret, "known_to", lambda self, seats: self)


def choices_are_seen(patch: Patch) -> None:
    patch.setattr(views, "as_seen", lambda action, actor, viewer, mode: action)


def positions_are_not_redacted(patch: Patch) -> None:
    patch.setattr(Position, "known_to", lambda self, seats: self)


@pytest.mark.parametrize(
    ("mutation", "check", "kinds"),
    [
        (others_worth_is_open, compare, WITH_SECRETS),
        (payoffs_are_not_redacted, compare, WITH_SECRETS),
        (choices_are_seen, compare_sealed, SEALED),
        (positions_are_not_redacted, compare_sealed, SEALED),
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
