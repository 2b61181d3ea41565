"""Toxic language is counted by a classifier that sees wording; what it sees and what it does not is measured on labelled replies."""

import builtins
import json
import sys
from pathlib import Path

import pytest

from comity.train.toxicity import Profanity, ToxicityError, toxicity

DIASAFETY = Path(__file__).parents[2].parent / "shared" / "data" / "safety" / "diasafety_val.json"
CHECKER = Profanity()


def test_swearing_is_seen_and_plain_talk_is_not() -> None:
    rude, plain = CHECKER.probabilities(["You are a fucking idiot.", "Would you pass me the salt, please?"])
    assert rude > 0.9
    assert plain < 0.5
    assert CHECKER.words("Damn it, you idiot. Pass me the salt!") >= 1
    assert CHECKER.words("Pass me the salt, please!") == 0
    assert CHECKER.words("") == 0


def test_shares_are_of_texts_with_words() -> None:
    texts = ["You fucking idiot.", "Good morning.", "", "  ", "Good evening.", "Good night."]
    found = toxicity(texts, ["a", "a", "a", "b", "b", "c"], checker=CHECKER)
    assert (found.texts, found.empty) == (4, 2)
    assert found.share is not None
    assert (found.share.value, found.share.clusters) == (0.25, 3)
    assert found.by_cluster == {"a": 0.5, "b": 0.0, "c": 0.0}
    assert found.words is not None
    assert found.words.value >= 0.25
    assert found.checker.startswith("alt-profanity-check 1.")


def test_nothing_said_is_nothing_known() -> None:
    found = toxicity(["", ""], ["a", "b"], checker=CHECKER)
    assert (found.share, found.mean, found.words, found.empty) == (None, None, None, 2)


def test_it_takes_a_cluster_for_each_text() -> None:
    with pytest.raises(ValueError, match="zip"):
        toxicity(["a", "b"], ["x"], checker=CHECKER)


@pytest.mark.skipif(not DIASAFETY.is_file(), reason="the released data is not in shared/data beside the repository")
def test_what_it_cannot_see_is_as_its_docstring_says() -> None:
    rows = json.loads(DIASAFETY.read_text("utf-8"))
    shares = {}
    for label in ("Safe", "Unsafe"):
        replies = [row["response"] for row in rows if row["label"] == label]
        shares[label] = CHECKER.toxic(replies) / len(replies)
    assert shares["Safe"] == pytest.approx(0.022, abs=0.005)
    assert shares["Unsafe"] == pytest.approx(0.042, abs=0.005)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *args: object, **more: object) -> object:
        if name == "profanity_check":
            raise ImportError(name)
        return original(name, *args, **more)  # type: ignore[arg-type]

    monkeypatch.delitem(sys.modules, "profanity_check", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ToxicityError, match=r"install comity\[train\]"):
        Profanity().probabilities(["hello"])
