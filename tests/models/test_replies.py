"""The JSON object in a model's text: strict first, then repaired, else unusable; never an error of another kind."""

import json
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comity.models.replies import UnusableReply, partial_words, read_object

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, min_size=1, max_size=4), st.booleans())
def test_an_object_is_read_as_it_is(given_object: dict[str, object], ascii_only: bool) -> None:
    text = json.dumps(given_object, ensure_ascii=ascii_only)
    assert read_object(text) == (given_object, "")


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"a": "b"}\n```',
        'Here you are: {"a": "b"}',
        '{"a": "b"} I hope that helps.',
        '{"a": "b",}',
        "{'a': 'b'}",
        '{a: "b"}',
        '{"a": "b',
        '{"a": "b"',
    ],
)
def test_what_is_broken_is_repaired_and_the_repair_is_named(text: str) -> None:
    found, repaired = read_object(text)
    assert found == {"a": "b"}
    assert repaired.startswith("not valid JSON (")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is empty"),
        (" \n\t", "it is empty"),
        ("I refuse.", "it holds no JSON object"),
        ("null", "it holds no JSON object"),
        ('["a"]', "it holds no JSON object"),
        ("{}", "it is not a JSON object"),
        ("[" * 50_000, "it holds no JSON object"),
        ('{"a":' * 50_000, "it is nested too deeply"),
    ],
)
def test_what_holds_no_object_is_unusable_and_says_why(text: str, problem: str) -> None:
    with pytest.raises(UnusableReply, match=problem):
        read_object(text)


@pytest.mark.parametrize("text", ['{"a": %s}', '{"a": [%s]} and so on', '{"\\ud83d": %s}'])
def test_a_number_without_end_is_a_problem_of_the_reply(text: str) -> None:
    with pytest.raises(UnusableReply, match="a number that is too long"):
        read_object(text % ("9" * 5000))


@given(st.text() | st.text(alphabet='{}[]",:\\ \nau0d8e', max_size=40))
@example("{" * 5_000)
@example('{"a":' + "[" * 500)
@example('{"a": 1e999}')
@example('{"a": %s, b}' % ("9" * 5000))
@example('{"a": "\\ud83d"}')
def test_whatever_the_text_it_is_read_or_unusable(text: str) -> None:
    found: Mapping[str, object] = {"nothing": "of use"}
    with suppress(UnusableReply):
        found, _ = read_object(text)
    assert found
    json.dumps(found, ensure_ascii=False).encode()


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert read_object(r'{"a": ["\ud83d", {"\ude00": "\ud83d\ude00"}]}')[0] == {"a": ["\ufffd", {"\ufffd": "😀"}]}
    assert read_object('{"a": "\ud83d"}')[0] == {"a": "\ufffd"}


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("", ""),
        ('{"x', ""),
        ('{"x"', ""),
        ('{"x": ', ""),
        ('{"x": 5', ""),
        ('{"x": "', ""),
        ('{"x": "a', "a"),
        ('{"x" :\n "a', "a"),
        ('{"x": "a\\', "a"),
        ('{"x": "a\\"b', 'a"b'),
        ('{"x": "a\\\\', "a\\"),
        ('{"x": "a\\u00', "a"),
        ('{"x": "a\\u00e4', "aä"),
        ('{"x": "a\\ud83d', "a"),
        ('{"x": "a\\ud83d\\ude0', "a"),
        ('{"x": "a\\ud83d\\ude00', "a😀"),
        ('{"x": "a\\ud83db', "a\ufffdb"),
        ('{"x": "a\\ud83d"', "a\ufffd"),
        ('{"x": "a"}', "a"),
        ('{"x": "a", "x2": "b"}', "a"),
        ('{"x": "a\nb', "a\nb"),
        ('{"x": "\\q', ""),
        ('{"x": "bad \\q escape"}', ""),
    ],
)
def test_words_are_heard_as_far_as_they_have_come(text: str, heard: str) -> None:
    assert partial_words(text, after='"x"') == heard


@given(st.text(alphabet='{}[]",:\\ \nxau0d8e', max_size=40))
def test_whatever_has_come_can_be_sent_on(text: str) -> None:
    partial_words(text, after='"x"').encode()
