"""What trivial players say: short sentences by kind of move, from `sentences.toml`. Their numbers and names are those of the move."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from comity.agents.negotiators.moment import Decision, Moment
from comity.agents.negotiators.speech import Frame
from comity.world.payoffs import Payoff

__all__ = ["Sentences", "load_sentences", "put_in_words"]


@dataclass(frozen=True, slots=True)
class Sentences:
    """By act, or `act.kind` for one kind of payoff alone."""

    hash: str
    """SHA-256 of the file."""
    frames: Mapping[str, tuple[Frame, ...]]

    def for_act(self, act: str, kind: str) -> tuple[Frame, ...]:
        """Every sentence for this act in a game of this kind."""
        return self.frames.get(f"{act}.{kind}", ()) or self.frames[act]


@cache
def load_sentences() -> Sentences:
    """Read once."""
    raw = resources.files("comity.agents.trivial").joinpath("sentences.toml").read_bytes()
    data = tomllib.loads(raw.decode())
    return Sentences(hashlib.sha256(raw).hexdigest(), {act: tuple(map(Frame.of, said)) for act, said in data.items()})


def put_in_words(now: Moment[Payoff], decision: Decision) -> str:
    """One of the sentences for the decision, by chance."""
    frames = load_sentences().for_act(decision.act, now.payoff.kind)
    return frames[now.dice.below(len(frames), "words")].fill(decision.words)
