"""The compact style: what it tells and what not, the move before the words, and what an offer is worth to whoever reads of it."""

import json
from random import Random

import pytest
from games import KINDS, a_payoff, a_task, play_at_random, seats_of
from worlds import opened, played, say, task

from comity.agents.compact import CompactStyle
from comity.agents.replies import Parsed
from comity.models.replies import UnusableReply
from comity.world.actions import Action, ActionSpec, ActionType
from comity.world.deals import Contract, Deal, Division
from comity.world.environment import Environment, State
from comity.world.moves import Move, MoveKind
from comity.world.positions import Offer
from comity.world.relationships import RelationshipKind
from comity.world.views import SeatView, view

STYLE = CompactStyle()
BOOKS = Division(
    items={"books": 2, "hats": 3},
    values={"p1": {"books": 3, "hats": 1}, "p2": {"books": 4, "hats": 2}},
    disagreement={"p2": 1},
)


def at_books(*acts: Action) -> State:
    return played(opened(a_task(BOOKS, ("p1", "p2"))), *acts)


def proposes(words: str = "So?", **terms: int) -> Action:
    return Action(type=ActionType.SPEAK, argument=words, move=Move(kind=MoveKind.PROPOSE, terms=terms))


def test_of_a_game_it_tells_what_matters_and_not_the_setting() -> None:
    seen = view(at_books(), "p2")
    system, asked = STYLE.messages(seen)
    assert system.content.splitlines() == [
        "You are Player p2, player p2.",
        "With you: Player p1, player p1 (a stranger).",
        "Goal: Do well as p2.",
        "To be shared: books (2), hats (3). A proposal says what its maker takes; the other gets the rest if they accept.",
        "In terms, a is books, b is hats.",
        "Worth to you alone: each of books 4, hats 2; no deal 1",
        "Reply in JSON, such as",
        '{"do":"propose","terms":{"a":1,"b":1},"say":"..."}',
        '{"do":"claim","terms":{"a":10},"say":"..."}',
        '"do" is one of: propose, claim, accept, reject, none, speak, non-verbal communication, action, leave.',
    ]
    assert asked.content == 'Turn 1 of 12.\nThere {"a":2,"b":3}, worth {"a":4,"b":2}.'


def test_an_offer_is_told_with_what_it_is_worth_to_the_reader() -> None:
    state = at_books(proposes(books=1, hats=1), proposes("No.", books=2, hats=1))
    told = [message.content for message in STYLE.messages(view(state, "p1"))[2:]]
    assert told == [
        '{"do":"propose","terms":{"a":1,"b":1},"say":"So?"}',
        'Player p2 proposes {"a":2,"b":1} (worth 2 to you): "No."\nTurn 3 of 12.\nThere {"a":2,"b":3}, worth {"a":3,"b":1}.',
    ]
    assert 'Player p1 proposes {"a":1,"b":1} (worth 8 to you): "So?"' in STYLE.messages(view(state, "p2"))[1].content


@pytest.mark.parametrize("kind", ["division", "price", "contract"])
def test_what_is_told_of_an_offer_is_its_worth_by_the_rules(kind: str) -> None:
    told = 0
    for seed in range(5):
        chance = Random(f"{kind} {seed}")
        seats = seats_of(kind, chance)
        payoff = a_payoff(kind, seats, chance)
        assert isinstance(payoff, Deal)
        for state in play_at_random(a_task(payoff, seats, turns=30), chance):
            last = state.events[-1] if state.events else None
            move = last.action.move if last and last.action else None
            for seat in set(seats) - {last.seat} if last and move else ():
                assert last
                assert move
                news = STYLE.messages(view(state, seat))[-1].content.splitlines()[-3 if kind == "division" else -2]
                offered = move.kind is MoveKind.PROPOSE
                assert ("to you)" in news) == offered
                if offered:
                    assert f"(worth {payoff.worth(seat, Offer(last.seat, move.terms))} to you)" in news
                    told += 1
    assert told > 10


def test_a_term_that_is_called_by_another_ones_letter_is_told_from_it() -> None:
    odd = Division(items={"hats": 3, "a": 2}, values={each: {"hats": 1, "a": 2} for each in ("p1", "p2")})
    seen = view(opened(a_task(odd, ("p1", "p2"))), "p1")
    assert "In terms, a is hats, b is a." in STYLE.messages(seen)[0].content
    for terms, meant in (({"a": 3, "b": 0}, {"hats": 3, "a": 0}), ({"hats": 3, "a": 0}, {"hats": 3, "a": 0})):
        reply = json.dumps({"do": "propose", "terms": terms, "say": "So?"})
        move = STYLE.parse(seen, reply).action.move
        assert move is not None
        assert move.terms == meant


def test_what_a_contract_is_worth_is_told_by_letters() -> None:
    seats = ("p1", "p2")
    payoff = a_payoff("contract", seats, Random(1))
    assert isinstance(payoff, Contract)
    system = STYLE.messages(view(opened(a_task(payoff, seats)), "p1"))[0].content
    worth = next(line for line in system.splitlines() if line.startswith("Worth to you alone: "))
    first, *_ = payoff.issues
    assert worth.startswith(f"Worth to you alone: a: {payoff.issues[first][0]} ")
    assert f"In terms, a is {first}" in system


def test_a_writer_of_all_parts_is_told_of_no_worth_to_you() -> None:
    state = opened(a_task(BOOKS, ("p1", "p2")))
    script = Environment().reset(state.task, seed=0, mode="script")
    prompt = str(STYLE.messages(view(played(script, proposes(books=1, hats=1)), "p2")))
    assert "to you)" not in prompt
    assert "Worth to Player p1: each of books 3, hats 1; no deal 0" in prompt
    assert "Worth to Player p2: each of books 4, hats 2; no deal 1" in prompt


def test_without_a_game_the_setting_and_the_relationship_are_told() -> None:
    of = task(edges={"ab": RelationshipKind.FRIEND})
    system = STYLE.messages(view(opened(of), "a"))[0].content
    for held in (
        "A quiet room with a table.",
        "With you: Ben (a friend).",
        "Your secret: the secret of Ana",
        "works as",
    ):
        assert held in system
    assert "the secret of Ben" not in system


def test_who_one_is_is_told_where_there_is_no_game_and_to_nobody_else() -> None:
    of = task(edges={"ab": RelationshipKind.FRIEND})
    ana = of.cast["a"].model_copy(update={"pronouns": "fae/faer", "age": 41, "decision_style": "slow and\n# sure"})
    of = of.model_copy(update={"cast": {**of.cast, "a": ana}})
    mine, theirs = (STYLE.messages(view(opened(of), seat))[0].content for seat in "ab")
    line = next(line for line in mine.splitlines() if line.startswith("About you: "))
    assert "pronouns: fae/faer; age: 41; gender: woman; decision style: slow and # sure" in line
    assert "secret" not in line
    assert "fae/faer" not in theirs
    assert "slow and" not in theirs
    lite = Environment().reset(of, seed=0, lite=True)
    assert "About" not in STYLE.messages(view(lite, "a"))[0].content
    script = STYLE.messages(view(Environment().reset(of, seed=0, mode="script"), "b"))[0].content
    assert line.removeprefix("About you: ") in script
    assert "About Ben: " in script


def test_a_partners_long_words_are_cut_to_what_one_may_say_oneself_and_visibly() -> None:
    long, just = "a" * 281, "b" * 280
    told = STYLE.messages(view(played(opened(task()), say(long)), "b"))[-1].content
    assert told.splitlines()[0] == f'Ana: "{"a" * 279}…"'
    assert f'"{just}"' in STYLE.messages(view(played(opened(task()), say(just)), "b"))[-1].content
    whole = STYLE.messages(view(played(opened(task()), say(long), say()), "a"))
    assert long in whole[2].content  # what one said oneself is the reply that was given
    offered = played(opened(a_task(BOOKS, ("p1", "p2"))), proposes(long, books=1, hats=1))
    assert f'(worth 8 to you): "{"a" * 279}…"\n' in STYLE.messages(view(offered, "p2"))[-1].content


@pytest.mark.parametrize(
    ("reply", "action"),
    [
        (
            {"do": "accept", "say": "Yes."},
            Action(type=ActionType.SPEAK, argument="Yes.", move=Move(kind=MoveKind.ACCEPT)),
        ),
        (
            {"do": " Reject ", "say": "No."},
            Action(type=ActionType.SPEAK, argument="No.", move=Move(kind=MoveKind.REJECT)),
        ),
        ({"do": "propose", "terms": {"books": "1", "hats": 2.0}, "say": "So?"}, proposes(books=1, hats=2)),
        ({"do": "propose", "terms": {"b": "2", "a": 1}, "say": "So?"}, proposes(books=1, hats=2)),
        ({"do": "propose", "terms": {"A": 1, "B": 2}, "say": "So?"}, proposes(books=1, hats=2)),
        ({"do": "propose", "terms": {"a": 1, "hats": 2}, "say": "So?"}, proposes(books=1, hats=2)),
        (
            {"do": "accept", "terms": {}, "say": "Yes."},
            Action(type=ActionType.SPEAK, argument="Yes.", move=Move(kind=MoveKind.ACCEPT)),
        ),
        ({"do": "speak", "say": "hello"}, say()),
        ({"do": "leave"}, Action(type=ActionType.LEAVE)),
        ({"do": "none"}, Action(type=ActionType.NONE)),
        ({"do": "action", "say": "nods"}, Action(type=ActionType.ACTION, argument="nods")),
        (
            {"do": "accept", "by": "action", "say": "signs"},
            Action(type=ActionType.ACTION, argument="signs", move=Move(kind=MoveKind.ACCEPT)),
        ),
    ],
)
def test_what_is_done_comes_first_and_is_read(reply: dict[str, object], action: Action) -> None:
    assert STYLE.parse(offered(), json.dumps(reply)).action == action


def offered() -> SeatView:
    return view(at_books(proposes(books=1, hats=1)), "p2")


@pytest.mark.parametrize(
    ("reply", "problem", "legal"),
    [
        ({"do": "accept"}, "needs words", True),
        ({"do": "shout", "say": "hey"}, "it must be one of: propose, accept, reject, claim, none, speak", True),
        ({"do": ["accept"], "say": "hey"}, "it must be one of", True),
        ({"say": "hey"}, '"do" is None', True),
        ({"do": "speak", "say": 3}, '"say" must be a string', True),
        ({"do": "accept", "terms": {"books": 1}, "say": "Yes."}, "has no terms of its own", True),
        ({"do": "propose", "say": "So?"}, "needs terms", True),
        ({"do": "propose", "terms": {"books": 1}, "say": "So?"}, "not possible (hats)", False),
        ({"do": "propose", "terms": {"a": 1}, "say": "So?"}, "not possible (hats)", False),
        ({"do": "propose", "terms": {"a": 1, "b": 9}, "say": "So?"}, "not possible (hats)", False),
        ({"do": "propose", "terms": {"a": 1, "c": 1}, "say": "So?"}, "not possible", False),
        (
            {"do": "propose", "terms": [1, 2], "say": "So?"},
            '"terms" must be an object that names each, such as {"a":1}',
            True,
        ),
        ({"do": "accept", "terms": {"a": 1}, "say": "Yes."}, "has no terms of its own", True),
        ({"do": "choose", "terms": {"books": 1}, "say": "So?"}, "'choose' is not possible now", False),
        ({"do": "accept", "to": ["Player p1"], "say": "Yes."}, "private messages are not possible here", False),
    ],
)
def test_what_cannot_be_used_is_said(reply: dict[str, object], problem: str, legal: bool) -> None:
    with pytest.raises(UnusableReply) as found:
        STYLE.parse(offered(), json.dumps(reply))
    assert problem in str(found.value)
    assert found.value.legal is legal


def test_the_schema_puts_the_move_before_the_words() -> None:
    for form in STYLE.schema(offered()).body["anyOf"]:
        order = [key for key in ("do", "terms", "to", "say") if key in form["properties"]]
        assert list(form["properties"]) == form["required"] == order


def test_only_what_is_possible_now_is_offered() -> None:
    def kinds(of: SeatView) -> set[str]:
        return {kind for form in STYLE.schema(of).body["anyOf"] for kind in form["properties"]["do"]["enum"]}

    assert kinds(offered()) - kinds(view(at_books(), "p1")) == {"accept", "reject"}
    plain = view(opened(task()), "a")
    assert kinds(plain) == set(ActionType)


def test_a_move_on_a_deed_is_written_so_that_it_is_read_back() -> None:
    deed = Action(type=ActionType.ACTION, argument="slides it over", move=Move(kind=MoveKind.ACCEPT))
    before = at_books(proposes(books=1, hats=1), say(), proposes(books=1, hats=2))
    after = Environment().step(before, {"p2": deed})
    own = STYLE.messages(view(after, "p2"))[-2].content
    assert own == '{"do":"accept","by":"action","say":"slides it over"}'
    assert STYLE.parse(view(before, "p2"), own) == Parsed(deed, "")
    assert 'Player p2 accepts, by this: "slides it over"' in STYLE.messages(view(after, "p1"))[-1].content


def test_who_cannot_speak_moves_by_deeds_without_saying_so() -> None:
    of = a_task(BOOKS, ("p1", "p2"))
    mute = of.model_copy(update={"scenario": of.scenario.model_copy(update={"actions": (ActionType.ACTION,)})})
    deed = Action(type=ActionType.ACTION, argument="points", move=proposes(books=1, hats=1).move)
    own = STYLE.messages(view(played(opened(mute), deed), "p1"))[2].content
    assert own == '{"do":"propose","terms":{"a":1,"b":1},"say":"points"}'
    assert STYLE.parse(view(opened(mute), "p1"), own).action == deed


@pytest.mark.parametrize("kind", KINDS)
def test_the_forms_that_are_shown_and_the_kinds_that_are_named_can_come_up(kind: str) -> None:
    chance = Random(kind)
    seats = seats_of(kind, chance)
    states = list(play_at_random(a_task(a_payoff(kind, seats, chance), seats, turns=30), chance))
    for seat in seats:
        system = STYLE.messages(view(states[0], seat))[0].content
        named = set(system.rpartition('"do" is one of: ')[2].rstrip(".").split(", "))
        met = {kind.value for state in states for kind in moves_of(state.spec(seat))}
        assert met | set(states[0].spec(seat).types) <= named
        assert named - set(ActionType) <= set(MoveKind)
        examples = [line for line in system.splitlines() if line.startswith('{"do"')]
        assert all(STYLE.parse(view(states[0], seat), example).repaired == "" for example in examples)
        assert examples


def moves_of(spec: ActionSpec) -> tuple[MoveKind, ...]:
    return spec.moves.kinds if spec.moves else ()
