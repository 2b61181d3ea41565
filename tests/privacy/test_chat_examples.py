"""Training examples hold what their seat saw: the very prompts that its agent was sent, and no canary that it may not know."""

import json
from collections.abc import Callable
from functools import partial
from itertools import groupby
from random import Random

import anyio
import pytest
from games import a_payoff, a_task, orders_of, play_at_random, seats_of
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample
from store_records import episode as blank

from comity.agents import chat
from comity.agents.llm import LLMAgent
from comity.interop.chat_examples import examples_of
from comity.interop.kept import Kept
from comity.models.conversation import Prompt
from comity.models.protocol import Message
from comity.simulate import simulate
from comity.world import environment, views
from comity.world.environment import State
from comity.world.episodes import Episode, Policy
from comity.world.outcomes import outcome_of
from comity.world.views import Projection
from privacy.oracle import Oracle, canaries
from privacy.recording import RecordingModel
from privacy.search import Leak
from privacy.test_canaries import answer
from privacy.test_games import SEALED, WITH_SECRETS, choices_are_seen, replayed, with_other_secrets
from privacy.worlds import World, worlds

Patch = pytest.MonkeyPatch
_MANY = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
_UNTIL_FOUND = settings(
    max_examples=300,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def played(world: World) -> tuple[Episode, RecordingModel]:
    """The world as agents of the chat style play it."""
    model = RecordingModel(lambda asked: answer(world, asked))
    agents = dict.fromkeys(world.seats, LLMAgent(model, style="chat"))
    play = partial(simulate, world.task, agents, seed=world.seed, mode=world.mode, lite=world.lite)
    return anyio.run(play), model


def prompt_of(example: dict[str, object]) -> tuple[Message, ...]:
    messages = example["messages"]
    assert isinstance(messages, list)
    return tuple(Message(message["role"], message["content"]) for message in messages)


@_MANY
@given(worlds())
def test_the_prompt_of_an_example_is_the_one_that_the_agent_was_sent(world: World) -> None:
    episode, model = played(world)
    examples = list(examples_of(Kept(episode, None, ())))
    acted = [event for event in episode.events if event.action]
    assert len(examples) == len(acted)
    for seat in world.seats:
        sent = model.prompts(f"{episode.id}/{seat}")
        own = [event for event in episode.events if event.seat == seat]
        for event, prompt in zip(own, sent, strict=True):
            if event.action is None:
                continue
            messages = prompt_of(examples[acted.index(event)])
            assert messages[:-1] == prompt
            assert Prompt(messages[:-1]).hash == event.trace.calls[0].prompt_hash
            assert messages[-1].role == "assistant"
            reply = json.loads(messages[-1].content)
            names = [episode.task.names[to] for to in event.action.to]
            said = (reply["action_type"], reply["argument"], reply.get("to", []))
            assert said == (event.action.type.value, event.action.argument, names)


def search_examples(world: World) -> None:
    """Raise `Leak` where an example holds what its seat may not know at that moment."""
    episode, _ = played(world)
    oracle = Oracle(world)
    examples = {event["metadata"]["event"]: event for event in examples_of(Kept(episode, None, ()))}  # type: ignore[index]
    for _, turn in groupby(episode.events, key=lambda event: event.turn):
        events = list(turn)
        for event in events:
            if event.action is not None:
                own = canaries(event.action.argument)
                _search(examples[event.index], oracle.known(event.seat), own)
        oracle.happened((event.seat, event.action) for event in events if event.action)


def _search(example: dict[str, object], known: frozenset[str], own: frozenset[str]) -> None:
    *prompt, done = prompt_of(example)
    metadata = {name: value for name, value in dict(example["metadata"]).items() if name != "source"}  # type: ignore[call-overload]
    for what, text, may in (
        ("prompt", "\n".join(message.content for message in prompt), known),
        ("reply", done.content, own | known),
        ("metadata", json.dumps(metadata), frozenset[str]()),
    ):
        if canaries(text) - may:
            raise Leak(f"the {what} of an example holds {sorted(canaries(text) - may)}")


@_MANY
@given(worlds())
def test_no_example_holds_a_canary_that_its_seat_may_not_know(world: World) -> None:
    search_examples(world)


def all_facts_are_open(patch: Patch) -> None:
    patch.setattr(views, "may_know_facts", lambda viewer, of, kind, mode, lite: ("secret",))


def goals_are_open(patch: Patch) -> None:
    patch.setattr(views, "may_know_goal", lambda viewer, of, mode: True)


def private_messages_are_open(patch: Patch) -> None:
    patch.setattr(environment, "audience", lambda action, actor, present, mode: present)


def everything_is_shown_to_all(patch: Patch) -> None:
    def told(self: Projection, event: object, state: State) -> None:
        for shown in self._seats.values():
            shown.history.append(views.Seen(event.turn, event.seat, "x", event.action))  # type: ignore[attr-defined]

    patch.setattr(Projection, "_tell", told)


@pytest.mark.parametrize(
    "mutation", [all_facts_are_open, goals_are_open, private_messages_are_open, everything_is_shown_to_all]
)
def test_a_rule_taken_away_is_found(mutation: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutation(monkeypatch)

    def leaks(world: World) -> bool:
        try:
            search_examples(world)
        except Leak:
            return True
        return False

    try:
        find(worlds(), leaks, settings=_UNTIL_FOUND)
    except NoSuchExample:
        pytest.fail("no example leaks")


def of_game(state: State) -> Episode:
    policies = {seat.id: Policy(agent="human") for seat in state.task.scenario.seats}
    known = {"seed": state.seed, "events": state.events, "end": state.end, "policies": policies}
    return blank(of=state.task).model_copy(update=known)


def messages_of(state: State, seat: str) -> list[object]:
    examples = examples_of(Kept(of_game(state), outcome_of(of_game(state)), ()))
    return [each["messages"] for each in examples if each["metadata"]["seat"] == seat]  # type: ignore[index]


def compare_worth(kind: str) -> int:
    """Give the others other private facts, and compare what a seat's examples hold. Gives how many were compared."""
    compared = 0
    for number in range(20):
        chance = Random(f"examples {kind} {number}")
        seats = seats_of(kind, chance)
        payoff = a_payoff(kind, seats, chance)
        task = a_task(payoff, seats, chance.choice(orders_of(payoff)))
        states = list(play_at_random(task, chance, number))
        for seat in seats:
            other = a_task(with_other_secrets(payoff, seat, chance), seats, task.scenario.turn_order)
            mine = messages_of(states[-1], seat)
            if mine != messages_of(replayed(other, states)[-1], seat):
                raise Leak(f"{kind} {number}: an example of {seat} tells what others have")
            compared += len(mine)
    return compared


def compare_sealed(kind: str) -> int:
    """No example tells what another wrote down in a round before that round is open. Gives how many were looked at."""
    looked = 0
    for number in range(20):
        chance = Random(f"sealed {kind} {number}")
        seats = seats_of(kind, chance)
        *_, last = play_at_random(a_task(a_payoff(kind, seats, chance), seats, turns=20), chance, number)
        for event, example in enumerate(examples_of(Kept(of_game(last), None, ()))):
            # What was written down is told of nobody, and what was opened in a line of its own.
            if "writes down:" in prompt_of(example)[-2].content:
                raise Leak(f"{kind} {number}: the example of event {event} tells what another wrote down")
            looked += 1
    return looked


@pytest.mark.parametrize("kind", WITH_SECRETS)
def test_what_a_game_is_worth_to_others_changes_no_message_of_a_seat(kind: str) -> None:
    assert compare_worth(kind) > 80


@pytest.mark.parametrize("kind", SEALED)
def test_what_others_wrote_down_is_in_no_message_until_it_is_opened(kind: str) -> None:
    assert compare_sealed(kind) > 40


def worth_is_told(patch: Patch) -> None:
    patch.setattr(views, "may_know_payoff", lambda viewer, of, mode: True)
    patch.setattr(chat, "may_know_payoff", lambda viewer, of, mode: True)


@pytest.mark.parametrize(
    ("mutation", "check", "kinds"),
    [(worth_is_told, compare_worth, WITH_SECRETS), (choices_are_seen, compare_sealed, SEALED)],
)
def test_a_rule_about_games_taken_away_is_found(
    mutation: Callable[[Patch], None], check: Callable[[str], int], kinds: tuple[str, ...], monkeypatch: Patch
) -> None:
    mutation(monkeypatch)
    for kind in kinds:
        with pytest.raises(Leak):
            check(kind)
