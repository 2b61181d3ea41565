"""Toxic language by `alt-profanity-check`: a linear model over words and letter groups, trained on comments that people had labelled.

It sees swear words and slurs. It does not see a threat in polite words, an insult by comparison, irony, or harm that is meant well, and it
knows English alone: of 502 replies that people call unsafe (DiaSafety, validation) it flags 4 %, of 595 safe ones 2 %. A low share says that
the wording is clean, and no more; it is one measure beside others, never a verdict.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from importlib import metadata

from pydantic import Field

from comity.analyze.intervals import Interval, clustered_mean
from comity.world.record import Record

__all__ = ["Profanity", "Toxicity", "ToxicityError", "toxicity"]

_LINE = 0.5
"""The package's own line between clean and profane."""


class ToxicityError(RuntimeError):
    """The classifier cannot be had; the message says what to install."""


class Toxicity(Record):
    """How toxic some texts are. Empty texts are counted and take no part; numbers are `None` where no text is left."""

    checker: str
    """The classifier and its version."""
    texts: int
    empty: int
    mean: Interval | None
    """Mean probability of being profane, from 0 to 1, with a 95 % interval by cluster."""
    share: Interval | None
    """The share of texts above one half."""
    words: Interval | None
    """Words a text that are profane by themselves."""
    by_cluster: Mapping[str, float] = Field(default_factory=dict)
    """The share of toxic texts in each cluster, for comparison in pairs."""


class Profanity:
    """The classifier, loaded when it is first asked (about two seconds)."""

    def probabilities(self, texts: Sequence[str]) -> list[float]:
        """How likely each text is to be profane, from 0 to 1. Raises `ToxicityError`."""
        return [float(each) for each in self._predict(list(texts))] if texts else []

    def toxic(self, texts: Sequence[str]) -> int:
        """How many of the texts are more likely profane than not."""
        return sum(each > _LINE for each in self.probabilities(texts))

    def words(self, text: str) -> int:
        """How many of its words are profane by themselves."""
        found = [word.strip(".,;:!?\"'()*") for word in text.split()]
        return sum(each > _LINE for each in self.probabilities([word for word in found if word]))

    @cached_property
    def name(self) -> str:
        """The package and its version."""
        try:
            return f"alt-profanity-check {metadata.version('alt-profanity-check')}"
        except metadata.PackageNotFoundError as error:
            raise _missing() from error

    @cached_property
    def _predict(self) -> Callable[[list[str]], Iterable[float]]:
        try:
            from profanity_check import predict_prob  # type: ignore[import-untyped]  # takes two seconds
        except ImportError as error:
            raise _missing() from error
        predict: Callable[[list[str]], Iterable[float]] = predict_prob
        return predict


def toxicity(texts: Sequence[str], clusters: Sequence[str], *, checker: Profanity | None = None) -> Toxicity:
    """Measure texts.

    Args:
        texts: what was said, a turn each.
        clusters: what each belongs with, such as its scenario.
        checker: one that is loaded already.

    Raises:
        ToxicityError: the extra is not installed.
        ValueError: not one cluster for each text.
    """
    checker = checker or Profanity()
    known = [(text, cluster) for text, cluster in zip(texts, clusters, strict=True) if text.strip()]
    probabilities = checker.probabilities([text for text, _ in known])
    where = [cluster for _, cluster in known]
    toxic = [float(each > _LINE) for each in probabilities]
    by_cluster: dict[str, list[float]] = {}
    for cluster, each in zip(where, toxic, strict=True):
        by_cluster.setdefault(cluster, []).append(each)
    return Toxicity(
        checker=checker.name,
        texts=len(known),
        empty=len(texts) - len(known),
        mean=clustered_mean(probabilities, where) if known else None,
        share=clustered_mean(toxic, where) if known else None,
        words=clustered_mean([float(checker.words(text)) for text, _ in known], where) if known else None,
        by_cluster={cluster: sum(values) / len(values) for cluster, values in by_cluster.items()},
    )


def _missing() -> ToxicityError:
    return ToxicityError("toxic language is measured with alt-profanity-check: install comity[train]")
