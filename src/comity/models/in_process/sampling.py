"""Drawing the next token of many replies at once. Each draw has its own chance, and no row's result depends on another's."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Drawn", "Way", "chance", "draw"]


@dataclass(frozen=True, slots=True)
class Way:
    """How one reply's tokens are drawn."""

    temperature: float = 1.0
    """0 takes the likeliest."""
    top_p: float = 1.0
    """Only from the likeliest tokens that together have this probability."""
    top_k: int = 0
    """Only from so many of the likeliest; 0 for all."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Drawn:
    """One token."""

    token: int
    log_probability: float
    """Among those that could be drawn, in the way they were; not a number where the model gave none."""


def chance(seed: int, step: int) -> float:
    """A number from 0 up to but not including 1, the same for the same seed and step, whatever else is drawn."""
    digest = hashlib.blake2b(f"{seed} {step}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") / 2**32


def draw(logits: Tensor, ways: Sequence[Way], steps: Sequence[int]) -> list[Drawn]:
    """One token for each row.

    Args:
        logits: (rows, vocabulary), float32; minus infinity for what may not be drawn.
        ways: for each row.
        steps: how many tokens each reply has already.
    """
    device = logits.device
    heat = torch.tensor([way.temperature or 1.0 for way in ways], device=device)
    shares = torch.softmax(logits / heat[:, None], dim=-1)
    for row, way in enumerate(ways):
        if way.temperature and (way.top_p < 1 or way.top_k):
            shares[row] = _likeliest(shares[row], way)
    sums = shares.double().cumsum(dim=-1)
    chances = torch.tensor([chance(way.seed, step) for way, step in zip(ways, steps, strict=True)], dtype=torch.float64)
    aims = chances.to(device) * sums[:, -1]
    tokens = torch.searchsorted(sums, aims[:, None], right=True)[:, 0].clamp_(max=shares.shape[1] - 1)
    greedy = torch.tensor([way.temperature == 0 for way in ways], device=device)
    tokens = torch.where(greedy, logits.argmax(dim=-1), tokens)
    logs = torch.log(shares.gather(1, tokens[:, None])[:, 0])
    return [Drawn(token, log) for token, log in zip(tokens.tolist(), logs.tolist(), strict=True)]


def _likeliest(shares: Tensor, way: Way) -> Tensor:
    ordered, places = shares.sort(descending=True, stable=True)
    kept = ordered.cumsum(0) - ordered < way.top_p
    if way.top_k:
        kept[way.top_k :] = False
    left = torch.zeros_like(shares)
    left[places] = ordered * kept
    return left / left.sum()
