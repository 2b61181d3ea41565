"""The tokenizer over SOTOPIA's marks: what goes where, and that no word is lost."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.interop.marks import Marked, read_marks


def kinds(marked: Marked) -> list[str]:
    return [oddity.kind for oddity in marked.oddities]


def words(*texts: str) -> Counter[str]:
    return Counter(word for text in texts for word in re.findall(r"\w+", text.casefold()))


def test_marks_labels_and_parentheses_go() -> None:
    marked = read_marks("Sell the bike (<extra_info>Extra information: you paid $50 for it.</extra_info>)")
    assert marked == Marked("Sell the bike", extra_info="you paid $50 for it.")


@pytest.mark.parametrize(
    ("label", "mark"),
    [
        ("Hint:", "strategy_hint"),
        ("Strategy:", "strategy_hint"),
        ("Strategy hint: ", "strategy_hint"),
        ("Clarification hint:", "clarification_hint"),
        (" hint :", "clarification_hint"),
        ("Extra info:", "extra_info"),
    ],
)
def test_every_label_of_the_data_goes(label: str, mark: str) -> None:
    marked = read_marks(f"Go <{mark}>{label} be kind</{mark}>")
    assert {"extra_info": marked.extra_info, "strategy_hint": marked.strategy_hint}.get(
        mark, marked.clarification_hint
    ) == "be kind"


def test_words_that_are_no_label_stay() -> None:
    assert (
        read_marks("Go <extra_info>You know these friends: Ann</extra_info>").extra_info
        == "You know these friends: Ann"
    )


def test_a_nested_mark_is_a_field_of_its_own() -> None:
    marked = read_marks(
        "Stay (<extra_info>Extra information: it is late. <strategy_hint>Hint: say so</strategy_hint> Buses are gone.</extra_info>)"
    )
    assert marked == Marked("Stay", extra_info="it is late. Buses are gone.", strategy_hint="say so")


def test_parentheses_around_an_inner_mark_go() -> None:
    marked = read_marks("<extra_info>Race safely (<strategy_hint>Strategy hint: smile</strategy_hint>)</extra_info>")
    assert marked == Marked("", extra_info="Race safely", strategy_hint="smile")


def test_marks_side_by_side_with_a_comma() -> None:
    marked = read_marks("Win (<extra_info>a</extra_info>, <clarification_hint>b</clarification_hint>)")
    assert marked == Marked("Win", extra_info="a", clarification_hint="b")


def test_two_marks_of_one_kind_make_two_lines() -> None:
    assert read_marks("<extra_info>a</extra_info> go <extra_info>b</extra_info>") == Marked("go", extra_info="a\nb")


def test_words_around_a_mark_do_not_run_together() -> None:
    assert read_marks("visit<strategy_hint>x</strategy_hint>them").text == "visit them"
    assert read_marks("visit <strategy_hint>x</strategy_hint>, then go").text == "visit, then go"


def test_parentheses_of_the_writer_stay() -> None:
    assert read_marks("Ask (politely) for it (<extra_info>now (today)</extra_info>)") == Marked(
        "Ask (politely) for it", extra_info="now (today)"
    )


def test_quotation_marks_around_the_whole_go() -> None:
    marked = read_marks("'Ask for Ann's car (<extra_info>Extra information: it is red.</extra_info>)'")
    assert marked == Marked("Ask for Ann's car", extra_info="it is red.")


def test_quotation_marks_around_the_whole_go_when_a_mark_is_unclosed_too() -> None:
    marked = read_marks("'Go (<extra_info>it rains. <clarification_hint>Hint: run</clarification_hint>)'")
    assert (marked.text, marked.extra_info, marked.clarification_hint) == ("Go", "it rains.", "run")


def test_quotation_marks_around_a_part_stay() -> None:
    assert read_marks('"Yes" or "no" <extra_info>a</extra_info>').text == '"Yes" or "no"'


def test_an_unclosed_mark_runs_to_the_end_and_is_reported() -> None:
    marked = read_marks("Go (<extra_info>it rains. <clarification_hint>Hint: run</clarification_hint>)")
    assert (marked.text, marked.extra_info, marked.clarification_hint) == ("Go", "it rains.", "run")
    assert kinds(marked) == ["unclosed_mark"]


def test_crossed_marks_run_from_their_own_start_to_their_own_end() -> None:
    marked = read_marks("a <extra_info>b <strategy_hint>c</extra_info> d</strategy_hint> e")
    assert (marked.text, marked.extra_info, marked.strategy_hint) == ("a e", "b", "c d")
    assert kinds(marked) == ["crossed_marks"]


def test_words_on_both_sides_of_a_crossed_end_do_not_run_together() -> None:
    marked = read_marks("<extra_info>a<strategy_hint>b</extra_info>c</strategy_hint>")
    assert (marked.extra_info, marked.strategy_hint) == ("a", "b c")


def test_a_mark_that_closes_nothing_is_dropped_and_reported() -> None:
    marked = read_marks("a </extra_info> b")
    assert marked.text == "a b"
    assert kinds(marked) == ["stray_mark"]


def test_unknown_tags_are_words_and_are_reported() -> None:
    marked = read_marks("<b>Bold</b> (<extra_info>x <root>y</extra_info>)")
    assert (marked.text, marked.extra_info) == ("<b>Bold</b>", "x <root>y")
    assert kinds(marked) == ["unknown_tag", "unknown_tag", "unknown_tag"]


@pytest.mark.parametrize(
    "text", ["I <3 you", "1 < 2 and 3 > 2", "x</root>y", "<b>bold</b>", "'quoted'", " spaces ", "a && b <"]
)
def test_a_text_without_marks_is_untouched(text: str) -> None:
    assert read_marks(text).text == text


def test_a_heart_survives_beside_marks() -> None:
    marked = read_marks("I <3 you (<extra_info>Extra information: they <3 you</extra_info>)")
    assert marked == Marked("I <3 you", extra_info="they <3 you")


def test_viewers() -> None:
    marked = read_marks("A party. <p viewer=\"environment\">Friend: Alvin.</p> Loud. <p viewer='agent_1'>You sing.</p>")
    assert marked.text == "A party. Loud."
    assert marked.viewers == (("environment", "Friend: Alvin."), ("agent_1", "You sing."))


@pytest.mark.parametrize(
    "text",
    [
        '<p viewer="environment">a <p>TRUTH</p> TRUTH</p> b',
        '<p viewer="environment">a <extra_info>TRUTH</extra_info></p> b',
        '<extra_info>a <p viewer="environment">TRUTH</extra_info> TRUTH</p> b',
        '<p viewer="environment"><p viewer="agent_1">TRUTH</p></p> b',
        "<P Viewer=environment>TRUTH</P> b",
        "<p viewer='>TRUTH</p> b",
        '<div class="x" viewer="environment">TRUTH</div> b',
        'b <p viewer="environment">TRUTH',
        'b <p viewer="environment">TRUTH</extra_info> TRUTH</strategy_hint> TRUTH</p>',
    ],
)
def test_what_a_viewer_hides_is_in_no_other_field(text: str) -> None:
    marked = read_marks(text)
    assert all("TRUTH" in hidden for _, hidden in marked.viewers)
    assert marked.viewers
    assert "TRUTH" not in marked.text + marked.extra_info + marked.strategy_hint + marked.clarification_hint
    assert "b" in marked.text


def test_an_oddity_quotes_no_words() -> None:
    marked = read_marks('a <extra_info note="SECRET">SECRET <b SECRET>SECRET')
    assert set(kinds(marked)) == {"mark_attributes", "unknown_tag", "unclosed_mark"}
    assert not any("SECRET" in oddity.message for oddity in marked.oddities)


@given(st.text())
def test_any_text_without_marks_passes_through(text: str) -> None:
    assert read_marks(text).text == text


_TAGS = [
    f"<{slash}{name}>" for name in ("extra_info", "strategy_hint", "clarification_hint") for slash in ("", "/")
] + ['<p viewer="environment">', '<p viewer="agent_2">', "</p>"]
_PIECES = st.sampled_from([*_TAGS, "(", ")", " ", ", ", "'", '"', ". ", "\n", "<3", "\ue000", "apple", "Bär ", "c "])


@given(st.lists(_PIECES, max_size=30))
def test_every_word_of_any_nesting_is_in_exactly_one_field(pieces: list[str]) -> None:
    marked = read_marks("".join(pieces))
    # An end tag of a paragraph that no viewer opened is no mark, and stays as the word it is.
    literal = Counter(p=sum((oddity.kind, oddity.message[:4]) == ("unknown_tag", "</p>") for oddity in marked.oddities))
    assert words(*marked.words()) == words("".join(" " if piece in _TAGS else piece for piece in pieces)) + literal


@given(st.lists(_PIECES, max_size=30))
def test_no_mark_is_left_in_any_field(pieces: list[str]) -> None:
    marks = r"</?(?:extra_info|strategy_hint|clarification_hint)|viewer"
    assert not any(re.search(marks, field) for field in read_marks("".join(pieces)).words())
