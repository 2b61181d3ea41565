"""What is measured of one seat of one played episode: the outcome first, then how it was played. Numbers and ids only; words are counted
here and stay here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Self, cast

from pydantic import JsonValue

from comity.evaluate.panel import Aggregate, pool
from comity.interop.kept import Kept
from comity.train.reward import RewardPlan, rewards_of
from comity.train.words import contradicts
from comity.world.actions import ActionType
from comity.world.deals import Deal
from comity.world.episodes import Episode
from comity.world.scorecards import Rubric

__all__ = ["MEASURES", "Row", "rows_of"]

MEASURES: Mapping[str, str] = {
    "reward": "0 to 10",
    "agreed": "share of episodes that ended in a deal",
    "pareto": "share in which nobody could have had more without another's loss",
    "efficiency": "all points together over the most there could have been",
    "failed": "share of episodes that an unusable reply ended",
    "malformed": "share of first replies that could not be used or had to be repaired",
    "contradicted": "share of moves whose words said another",
    "leaked": "share of episodes in which words of the own secret were said",
    "words": "words in a turn spoken",
}
"""What is compared, with its unit."""

_RUN = 5
"""So many words in a row, as they stand in a secret, are a leak: fewer happen by chance."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Row:
    """One evaluated seat. What does not apply or could not be had is `None`."""

    episode: str
    task: str
    scenario: str
    seat: str
    partner: str
    """The other seats' policies, by label; `itself` for the same one, whatever it is called."""
    seed: int
    reward: float | None
    agreed: float | None
    pareto: float | None
    efficiency: float | None
    failed: float
    malformed: float | None
    contradicted: float | None
    leaked: float | None
    words: float | None
    turns: int
    dimensions: Mapping[str, float | None]
    """Judged, pooled over the panel; empty where nobody was asked."""

    @property
    def slot(self) -> tuple[str, str, str, int]:
        """The same for two policies that were given the same to do."""
        return self.task, self.seat, self.partner, self.seed

    def measure(self, name: str) -> float | None:
        """A measure, or a judged dimension, by its name."""
        if name in self.dimensions:
            return self.dimensions[name]
        return cast("float | None", getattr(self, name)) if name in MEASURES else None

    @property
    def plain(self) -> dict[str, JsonValue]:
        """As JSON."""
        return cast("dict[str, JsonValue]", asdict(self))

    @classmethod
    def of(cls, plain: Mapping[str, JsonValue]) -> Self:
        """From JSON."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in plain.items() if name in known})  # type: ignore[arg-type]


def rows_of(
    kept: Kept,
    mine: Iterable[str],
    labels: Mapping[str, str],
    seed: int,
    reward: RewardPlan,
    rubrics: Mapping[str, Rubric],
    aggregate: Aggregate = "mean",
) -> list[Row]:
    """The rows of the evaluated seats of a finished episode.

    Args:
        mine: the seats that are evaluated.
        labels: by seat, what the policy is called in its run.
    """
    episode, outcome = kept.episode, kept.outcome
    given = rewards_of(kept, reward, rubrics)
    is_deal = isinstance(episode.task.scenario.payoff, Deal)
    judged = pool(kept.cards, aggregate).scores if kept.cards else {}
    rows: list[Row] = []
    for seat in mine:
        rows.append(
            Row(
                episode=episode.id,
                task=episode.task.id,
                scenario=episode.task.scenario.id,
                seat=seat,
                partner=",".join(
                    _told_partner(label, labels[seat]) for other, label in labels.items() if other != seat
                ),
                seed=seed,
                reward=given[seat].value,
                agreed=float(outcome.status == "agreed") if outcome and is_deal else None,
                pareto=None if outcome is None or outcome.pareto_efficient is None else float(outcome.pareto_efficient),
                efficiency=outcome.efficiency if outcome else None,
                failed=float(any(e.failure is not None and e.seat == seat for e in episode.events)),
                malformed=_malformed(episode, seat),
                contradicted=_contradicted(episode, seat),
                leaked=_leaked(episode, seat),
                words=_words(_spoken(episode, seat)),
                turns=episode.turns,
                dimensions={name: score.value for name, score in judged.get(seat, {}).items()},
            )
        )
    return rows


def _told_partner(label: str, mine: str) -> str:
    return "itself" if label == mine else label


def _malformed(episode: Episode, seat: str) -> float | None:
    """Of its first replies; `None` where no model was asked."""
    first = [call for e in episode.events if e.seat == seat for call in e.trace.calls if call.attempt == 1]
    return sum(call.outcome != "ok" for call in first) / len(first) if first else None


def _contradicted(episode: Episode, seat: str) -> float | None:
    payoff = episode.task.scenario.payoff
    actions = [
        e.action for e in episode.events if e.seat == seat and e.action is not None and e.action.move is not None
    ]
    told = [found for action in actions if payoff is not None and (found := contradicts(action, payoff)) is not None]
    return sum(told) / len(told) if told else None


def _spoken(episode: Episode, seat: str) -> list[str]:
    actions = [e.action for e in episode.events if e.seat == seat and e.action is not None]
    return [action.argument for action in actions if action.type is ActionType.SPEAK]


def _words(spoken: Sequence[str]) -> float | None:
    return sum(len(text.split()) for text in spoken) / len(spoken) if spoken else None


def _leaked(episode: Episode, seat: str) -> float | None:
    """Whether it said five words in a row of its secret or of what only it knows; `None` where it has neither."""
    task = episode.task
    told = next(each for each in task.scenario.seats if each.id == seat)
    secrets = [text for text in (task.cast[seat].secret, told.extra_info) if text]
    if not secrets:
        return None
    said = _runs([e.action.argument for e in episode.events if e.seat == seat and e.action is not None])
    return float(bool(said & _runs(secrets)))


def _runs(texts: Iterable[str]) -> set[tuple[str, ...]]:
    words = [[word.casefold() for word in _WORD.findall(text)] for text in texts]
    return {tuple(each[at : at + _RUN]) for each in words for at in range(len(each) - _RUN + 1)}
