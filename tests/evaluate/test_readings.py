"""From a judge's text to scores, each dimension by itself, whatever the text is."""

import json

from hypothesis import given
from hypothesis import strategies as st

from comity.evaluate.readings import read_scores
from comity.evaluate.rubric import sotopia

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["score", "reason", "turns"]) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)
RANGES = {dimension.id: range(dimension.low, dimension.high + 1) for dimension in sotopia().dimensions}


@given(st.dictionaries(st.sampled_from(sorted(RANGES)), json_values), st.frozensets(st.integers(1, 20)))
def test_whatever_the_judge_says_a_score_is_in_range_or_absent_with_a_cause(
    body: dict[str, object], turns: frozenset[int]
) -> None:
    reading = read_scores(json.dumps(body), sotopia(), turns)
    assert list(reading.scores) == list(RANGES)
    for dimension, score in reading.scores.items():
        assert score.cause or score.score in RANGES[dimension]
        assert set(score.turns) <= turns


@given(st.text())
def test_whatever_the_text_every_dimension_has_an_entry(text: str) -> None:
    assert list(read_scores(text, sotopia(), frozenset({1})).scores) == list(RANGES)


def test_one_dimension_that_cannot_be_read_does_not_take_the_others_with_it() -> None:
    good = {"score": 0, "reason": "because", "turns": [1]}
    scores = read_scores(json.dumps({"GOAL": good, "SEC": "fine", "SOC": good}), sotopia(), frozenset({1})).scores
    assert [name for name, score in scores.items() if score.score is not None] == ["GOAL", "SOC"]
