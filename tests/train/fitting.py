"""A model small enough to be fitted in a second, and conversations to fit it to."""

import random
from functools import cache
from pathlib import Path
from typing import Any

from comity.train.examples import Example, Said
from comity.train.nano import NanoSpec, new_model
from comity.train.settings import FitPlan

__all__ = ["TINY", "conversation", "conversations", "plan", "tiny_model"]

TINY = NanoSpec(hidden=32, layers=2, heads=4, kv_heads=2, intermediate=64, vocab=300, window=128)


def conversation(seed: int, turns: int | None = None) -> Example:
    """A few offers and an answer to each, drawn by the seed; the answer depends on the offer, so that there is something to learn."""
    chance = random.Random(seed)
    said = [Said(role="system", content="Share 3 hats.")]
    for _ in range(turns or chance.randint(1, 3)):
        offer = chance.randint(0, 3)
        said.append(Said(role="user", content=f"You get {offer}."))
        said.append(Said(role="assistant", content='{"do":"accept"}' if offer > 1 else '{"do":"reject"}'))
    return Example(messages=tuple(said), weights=tuple(float(each.role == "assistant") for each in said))


@cache
def conversations(count: int, begin: int = 0) -> tuple[Example, ...]:
    """So many of them."""
    return tuple(conversation(seed) for seed in range(begin, begin + count))


def tiny_model(folder: Path) -> str:
    """The specification of a model with random weights, made in this folder."""
    return f"hf:{new_model(conversations(40), TINY, 0, folder / 'tiny')}"


def plan(method: str = "full", **fields: Any) -> FitPlan:
    """Few steps of a large learning rate."""
    small = {"learning_rate": 1e-2, "batch": 4, "cutoff": 128, "evaluate_every": 4, "seed": 1, "warmup": 0.1}
    return FitPlan.model_validate({"method": method, **small, **fields})
