"""Sentences: every act has enough of them in every book, each is known again, and none comes twice while others are left."""

import re
from random import Random

import pytest
from games import a_payoff, a_task
from negotiating import ALL, playing, seated
from worlds import opened, played, say

from comity.agents.negotiators.moment import Decision, Moment
from comity.agents.negotiators.speech import Book, Frame, affirms, load_book, put_in_words
from comity.agents.negotiators.styles import named_styles
from comity.world.payoffs import Payoff
from comity.world.scenarios import TurnOrder
from comity.world.views import view

BOOKS = sorted({style.book for style in named_styles().values()})
SEVERAL = 4
"""How many sentences there are at least for what is said again and again."""


@pytest.fixture(params=BOOKS)
def book(request: pytest.FixtureRequest) -> Book:
    return load_book(request.param)


def test_a_frame_is_filled_and_a_capital_slot_begins_a_sentence() -> None:
    frame = Frame.of("I take {mine}. {Yours} are for you.")
    assert (
        frame.fill({"mine": "both books", "yours": "all three hats"})
        == "I take both books. All three hats are for you."
    )
    assert frame.mark == " are for you."
    assert frame.slots == {"mine", "yours"}


def test_no_frame_could_be_taken_for_another_of_its_kind(book: Book) -> None:
    for name, frames in book.frames.items():
        kind = name.partition(".")[0]
        near = [
            f for other, of in book.frames.items() if other.partition(".")[0] in (kind, "deal", "choice") for f in of
        ]
        for frame in frames:
            assert len(frame.mark.strip()) >= 3, frame.text
            assert [f.text for f in near if frame.mark in f.text] == [frame.text]


def test_frames_are_sentences(book: Book) -> None:
    for frames in book.frames.values():
        for frame in frames:
            assert re.fullmatch(r"[A-Z{\"].*[.?!]", frame.text), frame.text
            starts = re.findall(r"(?:^|[.?!] )\{(\w)", frame.text)
            assert all(first.isupper() for first in starts), frame.text
            assert not re.search(r"[a-z,;:] \{[A-Z]", frame.text), frame.text


@pytest.mark.parametrize("act", ["counter", "insist", "hold"])
@pytest.mark.parametrize("kind", ["division", "price", "contract"])
@pytest.mark.parametrize("temper", ["soft", "even", "hard"])
def test_there_are_several_sentences_for_what_is_said_often(book: Book, kind: str, act: str, temper: str) -> None:
    assert len(book.for_act((kind, "deal"), act, temper)) >= SEVERAL


@pytest.mark.parametrize("spec", ["negotiator:linear", "negotiator:pleaser", "negotiator:held-out@1/late-folder"])
def test_no_sentence_comes_twice_before_all_have_come_once(spec: str) -> None:
    style = ALL[spec].style
    game = a_task(a_payoff("price", ("p1", "p2"), Random(5)), ("p1", "p2"), turns=99)
    frames = load_book(style.book).for_act(("price", "deal"), "counter", style.temper)
    said: list[str] = []
    state = opened(game, seed=8)
    for count in range(1, len(frames) + 4):
        now = Moment[Payoff](view(state, "p1"))
        words = put_in_words(style, now, Decision("counter", {"price": "$70"}))
        said.append(next(frame.text for frame in frames if frame.mark in words))
        assert len(set(said)) == min(count, len(frames))
        state = played(state, say(words), say("Hm."))


def test_nobody_says_what_another_has_just_said_either() -> None:
    game = a_task(a_payoff("price", ("p1", "p2"), Random(5)), ("p1", "p2"), turns=12)
    style, frames = ALL["negotiator:linear"].style, load_book("plain").for_act(("price", "deal"), "counter", "even")
    for seed in range(20):
        state = opened(game, seed=seed)
        for frame in frames[:-1]:
            state = played(state, say(frame.fill({"price": "$70"})))
        words = put_in_words(style, Moment[Payoff](view(state, "p1")), Decision("counter", {"price": "$70"}))
        assert words == frames[-1].fill({"price": "$70"})


def test_who_speaks_at_the_same_time_does_not_say_the_same() -> None:
    chance = Random(5)
    game = a_task(a_payoff("public_goods", ("p1", "p2"), chance), ("p1", "p2"), TurnOrder.SIMULTANEOUS)
    for seed in range(20):
        first = [
            e.action.argument
            for e in playing(game, seated(game, "linear"), seed=seed).events
            if e.turn == 1 and e.action
        ]
        assert len(set(first)) == 2


def test_to_know_somebody_is_said_in_sentences_that_no_other_act_has(book: Book) -> None:
    for name, frames in book.frames.items():
        for frame in frames:
            words = frame.fill(dict.fromkeys(frame.slots, "Ada Quill"))
            assert affirms(words) == (name in ("mutual_friend.affirm", "mutual_friend.write")), frame.text
