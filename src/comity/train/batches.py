"""Tokens in batches: which examples are learned from together and in what order, decided before the start by the seed alone.

Examples of like length go together, since what is padded is computed for nothing.
"""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["ordered", "padded", "sorted_batches"]

_POOL = 32
"""Batches whose examples are sorted by length among themselves; the more there are, the less is padded and the less chance has a say."""


def ordered(lengths: Sequence[int], batch: int, epochs: int, seed: int) -> list[list[int]]:
    """All batches of all epochs, each a list of indices into `lengths`; in an epoch every index comes once."""
    chance = random.Random(seed)
    batches = list[list[int]]()
    for _ in range(epochs):
        order = list(range(len(lengths)))
        chance.shuffle(order)
        pools = (order[at : at + batch * _POOL] for at in range(0, len(order), batch * _POOL))
        epoch = [each for pool in pools for each in sorted_batches([lengths[i] for i in pool], batch, pool)]
        chance.shuffle(epoch)
        batches += epoch
    return batches


def sorted_batches(lengths: Sequence[int], batch: int, indices: Sequence[int] | None = None) -> list[list[int]]:
    """Every index once, the longest first, which shows at once whether a batch has room in memory."""
    at = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    names = at if indices is None else [indices[i] for i in at]
    return [names[start : start + batch] for start in range(0, len(names), batch)]


def padded(rows: Sequence[tuple[list[int], list[float]]], pad: int) -> dict[str, "torch.Tensor"]:
    """Tokens and weights as long as the longest row. They are filled up at the end, where no token that counts sees it, so that no
    mask is needed."""
    import torch

    longest = max(len(ids) for ids, _ in rows)
    return {
        "input_ids": torch.tensor([ids + [pad] * (longest - len(ids)) for ids, _ in rows]),
        "weights": torch.tensor([weights + [0.0] * (longest - len(weights)) for _, weights in rows]),
    }
