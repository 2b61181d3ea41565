"""Moves in prompts, replies and a person's lines: what is offered is legal, what is legal can be said, and prompts only grow."""

import json
from collections.abc import Mapping, Sequence
from random import Random

import pytest
from games import KINDS, a_move, a_payoff, a_task, orders_of, play_at_random, seats_of
from privacy.recording import Asked, RecordingModel, assert_prompts_grow

from comity.agents.games import game_template, told_game, told_move
from comity.agents.human import HumanAgent, read_line
from comity.agents.llm import LLMAgent
from comity.agents.replies import move_forms, parse_action, terms_form
from comity.agents.styles import style_named
from comity.models.replies import UnusableReply
from comity.simulate import simulate
from comity.world.actions import Action, ActionType
from comity.world.choices import Dilemma
from comity.world.deals import Contract, Division, Price
from comity.world.environment import Environment, State
from comity.world.moves import Move, MoveKind
from comity.world.payoffs import Payoff
from comity.world.scenarios import TurnOrder
from comity.world.views import view

pytestmark = pytest.mark.anyio

BOOKS = Division(items={"books": 2}, values={"p1": {"books": 3}, "p2": {"books": 4}})


def begun(payoff: Payoff, *seats: str) -> State:
    return Environment().reset(a_task(payoff, seats or ("p1", "p2")), seed=1)


def offered(payoff: Payoff, **terms: int | str) -> State:
    """The other seat's turn, with an offer on the table."""
    action = Action(type=ActionType.SPEAK, argument="So?", move=Move(kind=MoveKind.PROPOSE, terms=terms))
    return Environment().step(begun(payoff), {"p1": action})


def any_of(schema: Mapping[str, object], chance: Random) -> object:
    """A value that the schema allows, whichever it is."""
    if "anyOf" in schema:
        forms = schema["anyOf"]
        assert isinstance(forms, Sequence)
        return any_of(chance.choice(forms), chance)
    match schema:
        case {"enum": list(values)}:
            return chance.choice(values)
        case {"type": "object", "properties": dict(properties)}:
            return {name: any_of(of, chance) for name, of in properties.items()}
        case {"type": "integer", "minimum": int(low), "maximum": int(high)}:
            return chance.randint(low, high)
        case {"type": "array"}:
            return []
        case {"type": "null"}:
            return None
        case {"type": "string"}:
            return "Yes, gladly."
    raise AssertionError(f"a schema of another form: {schema}")


def whatever_is_offered(asked: Asked) -> str:
    assert asked.schema is not None
    chance = Random(f"{asked.sampling.seed}")
    answer = any_of(asked.schema.body, chance)
    assert isinstance(answer, dict)
    if answer.get("action_type") not in (None, "speak", "action"):
        answer = {**answer, "action_type": "speak"}
    if answer.get("do") in ("leave", "none"):
        answer = {"do": "speak", "say": "Well."}
    return json.dumps(answer)


@pytest.mark.parametrize("style", ["chat", "transcript", "compact"])
@pytest.mark.parametrize("kind", KINDS)
async def test_whatever_the_schema_offers_is_legal_and_prompts_only_grow(kind: str, style: str) -> None:
    moves = 0
    for seed in range(6):
        chance = Random(f"{kind} {seed}")
        seats = seats_of(kind, chance)
        payoff = a_payoff(kind, seats, chance)
        task = a_task(payoff, seats, chance.choice(orders_of(payoff)))
        model = RecordingModel(whatever_is_offered)
        agent = LLMAgent(model, style=style)
        episode = await simulate(task, dict.fromkeys(seats, agent), seed=seed)
        calls = [call for event in episode.events for call in event.trace.calls]
        assert [call.problem for call in calls if call.problem] == []
        assert_prompts_grow(model)
        moves += sum(event.action is not None and event.action.move is not None for event in episode.events)
    assert moves > 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("style", ["chat", "compact"])
def test_what_is_legal_can_be_said_and_comes_back_the_same(kind: str, style: str) -> None:
    chance = Random(kind)
    seats = seats_of(kind, chance)
    said = 0
    for state in play_at_random(a_task(a_payoff(kind, seats, chance), seats, turns=30), chance):
        for seat in state.acting:
            spec = state.spec(seat)
            if spec.moves is None:
                continue
            action = Action(type=ActionType.SPEAK, argument="So.", move=a_move(spec.moves, chance))
            after = Environment().step(state, {s: action if s == seat else _nothing() for s in state.acting})
            own = [m for m in style_named(style).messages(view(after, seat)) if m.role == "assistant"]
            assert style_named(style).parse(view(state, seat), own[-1].content) == (action, "")
            said += 1
    assert said > 0


def _nothing() -> Action:
    return Action(type=ActionType.SPEAK, argument="Hm.")


@pytest.mark.parametrize(
    ("move", "terms"),
    [
        ({"kind": "propose", "terms": {"books": "1"}}, {"books": 1}),
        ({"kind": "propose", "terms": {"books": 1.0}}, {"books": 1}),
        ({"kind": "reject", "terms": {}}, {}),
        ({"kind": "accept"}, {}),
        ({"kind": " Accept"}, {}),
        ({"kind": "propose", "terms": {"books": "2.0"}}, {"books": 2}),
        (None, None),
        ("none", None),
        ({}, None),
    ],
)
def test_a_move_is_read_as_it_is_meant(move: object, terms: object) -> None:
    spec = offered(BOOKS, books=2).spec("p2")
    found = parse_action(json.dumps({"action_type": "speak", "argument": "Well.", "move": move}), spec).action.move
    assert (found.terms if found else None) == terms


@pytest.mark.parametrize(
    ("reply", "why", "legal"),
    [
        ({"move": "accept"}, '"move" must be null or an object', True),
        ({"move": {"kind": "buy"}}, '"move"', True),
        ({"move": {"terms": {"books": 1}}}, '"move"', True),
        ({"move": {"kind": "propose", "terms": {"books": "9" * 5000}}}, "books: 0 to 2", False),
        ({"move": {"kind": "propose", "terms": {"books": 1e300}}}, "books: 0 to 2", False),
        ({"move": {"kind": "propose"}}, "'propose' needs terms", True),
        ({"move": {"kind": "propose", "terms": [1]}}, '"move" must be null or an object', True),
        ({"move": {"kind": "propose", "terms": {"books": 9}}}, "books: 0 to 2", False),
        ({"move": {"kind": "propose", "terms": {"books": "some"}}}, "books: 0 to 2", False),
        ({"move": {"kind": "choose", "terms": {"books": 1}}}, "'choose' is not possible now", False),
        ({"move": {"kind": "accept"}, "action_type": "leave"}, "a move rides on 'speak' or 'action'", True),
    ],
)
def test_a_move_that_cannot_be_used_is_asked_for_again_with_the_reason(
    reply: Mapping[str, object], why: str, legal: bool
) -> None:
    spec = offered(BOOKS, books=2).spec("p2")
    with pytest.raises(UnusableReply, match=why) as found:
        parse_action(json.dumps({"action_type": "speak", "argument": "Well.", **reply}), spec)
    assert found.value.legal is legal


def test_where_there_is_no_game_nothing_of_moves_is_said_or_asked() -> None:
    task = a_task(BOOKS, ("p1", "p2"))
    plain = task.model_copy(update={"scenario": task.scenario.model_copy(update={"payoff": None})})
    seen = view(Environment().reset(plain, seed=1), "p1")
    for name in ("chat", "transcript", "compact"):
        style = style_named(name)
        assert "move" not in str(style.messages(seen)) + str(style.schema(seen))


# A person


@pytest.mark.parametrize(
    ("line", "move", "words"),
    [
        ("/propose books=1 | half each", Move(kind=MoveKind.PROPOSE, terms={"books": 1}), "half each"),
        ("/propose 1", Move(kind=MoveKind.PROPOSE, terms={"books": 1}), "I propose 1."),
        ("/accept", Move(kind=MoveKind.ACCEPT), "I accept."),
        ("/reject | no, thanks", Move(kind=MoveKind.REJECT), "no, thanks"),
        ("/claim 7 | worth a lot", Move(kind=MoveKind.CLAIM, terms={"books": 7}), "worth a lot"),
    ],
)
def test_a_persons_line_makes_a_move(line: str, move: Move, words: str) -> None:
    action = read_line(line, offered(BOOKS, books=2).spec("p2"))
    assert (action.move, action.argument) == (move, words)


def test_words_with_spaces_are_terms_too() -> None:
    issues = {"pay": ("a lot", "a little"), "start day": ("mon", "tue")}
    del issues["start day"]
    issues["start"] = ("mon next", "tue")
    points: dict[str, dict[str, tuple[int, ...]]] = {seat: dict.fromkeys(issues, (1, 2)) for seat in ("p1", "p2")}
    spec = begun(Contract(issues=issues, points=points)).spec("p1")
    found = read_line("/propose pay=a little start=mon next | how about that", spec).move
    assert found is not None
    assert found.terms == {"pay": "a little", "start": "mon next"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/propose", "needs terms"),
        ("/propose books=9", "books: 0 to 2"),
        ("/propose pears=1", "books: 0 to 2"),
        ("/choose 1", "'choose' is not possible now"),
    ],
)
def test_a_persons_line_that_cannot_be_a_move_says_what_can(line: str, why: str) -> None:
    with pytest.raises(UnusableReply, match=why):
        read_line(line, offered(BOOKS, books=2).spec("p2"))


def test_what_is_written_down_without_words_is_not_said_aloud() -> None:
    chance = Random(1)
    spec = begun(a_payoff("dilemma", ("p1", "p2"), chance)).spec("p1")
    action = read_line("/choose tell", spec)
    assert action.move == Move(kind=MoveKind.CHOOSE, terms={"choice": "tell"})
    assert "tell" not in action.argument


async def test_a_person_is_told_the_rules_their_worth_and_how_to_move() -> None:
    shown: list[str] = []
    lines = iter(["/propose 1", "/leave"])
    person = HumanAgent(lambda prompt: next(lines), shown.append)
    await simulate(a_task(BOOKS, ("p1", "p2")), {"p1": person, "p2": HumanAgent(lambda _: "/accept", shown.append)})
    told = "\n".join(shown)
    assert "You two are to share out: books (2)" in told
    assert "worth to Player p1 (known to nobody else): points for one unit: books 3; without a deal: 0" in told
    assert "/propose TERM=VALUE" in told
    assert "[proposes: 1]" in told


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_words(kind: str) -> None:
    chance = Random(kind)
    seats = seats_of(kind, chance)
    payoff = a_payoff(kind, seats, chance)
    told = told_game(game_template(), payoff, {seat: f"Player {seat}" for seat in seats}, seats[0])
    assert "{" not in told.rules + told.worth
    assert len(told.rules) > 80
    spec = payoff.spec(payoff.begin(seats), seats[-1])
    assert spec is not None
    for _ in range(20):
        move = a_move(spec, chance)
        assert all(str(value) in told_move(game_template(), move, payoff) for value in move.terms.values())


def test_the_message_about_a_wrong_move_is_no_longer_than_what_can_be_read() -> None:
    terms = {f"{n}-" + "x" * 5000: n for n in range(500)}
    with pytest.raises(UnusableReply) as found:
        parse_action(
            json.dumps({"action_type": "speak", "argument": "Well.", "move": {"kind": "propose", "terms": terms}}),
            offered(BOOKS, books=2).spec("p2"),
        )
    assert len(str(found.value)) < 3000


@pytest.mark.parametrize(("step", "low"), [(5, 50), (5, 52), (20, 40), (1, 50)])
def test_every_price_that_a_schema_offers_is_one_that_can_be_named(step: int, low: int) -> None:
    price = Price(
        buyer="p1", seller="p2", range=(low, low + 400 * step), step=step, reserves={"p1": low + 9, "p2": low + 8}
    )
    spec = begun(price).spec("p1").moves
    assert spec is not None
    (form,) = [form for form in move_forms(spec) if form["properties"]["kind"]["enum"] == ["propose"]]  # type: ignore[index]
    chance = Random(step)
    for _ in range(200):
        spec.check(Move.model_validate(any_of(form, chance)))


def test_more_prices_than_are_listed_are_multiples_of_their_step() -> None:
    price = Price(buyer="p1", seller="p2", range=(100, 100_000), step=100, reserves={"p1": 900, "p2": 800})
    form = terms_form(price.terms("p1"))
    named = {"type": "integer", "minimum": 100, "maximum": 100_000, "multipleOf": 100}
    assert form["properties"] == {"price": named}


@pytest.mark.parametrize(
    "line", ["/propose books=1, hats=0", "/propose books = 1 hats = 0", "/propose books=1 hats=0 "]
)
def test_a_person_may_set_terms_apart_as_people_do(line: str) -> None:
    values = {seat: {"books": 3, "hats": 1} for seat in ("p1", "p2")}
    found = read_line(line, begun(Division(items={"books": 2, "hats": 1}, values=values)).spec("p1"))
    assert found.move == Move(kind=MoveKind.PROPOSE, terms={"books": 1, "hats": 0})


@pytest.mark.parametrize("style", ["chat", "transcript", "compact"])
@pytest.mark.parametrize("seat", ["p1", "p2"])
def test_what_is_opened_is_told_after_all_that_was_done_in_the_turn(style: str, seat: str) -> None:
    game = Dilemma(cooperate="hold", defect="tell", rounds=2)
    state = Environment().reset(a_task(game, ("p1", "p2"), TurnOrder.SIMULTANEOUS), seed=1)
    chosen = Move(kind=MoveKind.CHOOSE, terms={"choice": "hold"})
    words = {each: f"These are words of {each}." for each in state.acting}
    acts = {each: Action(type=ActionType.SPEAK, argument=said, move=chosen) for each, said in words.items()}
    prompt = "\n".join(m.content for m in style_named(style).messages(view(Environment().step(state, acts), seat)))
    assert prompt.count("Now open") == 1
    assert all(prompt.index(said) < prompt.index("Now open") for said in words.values())
