"""Attention whose result for one row does not depend on the others, nor on how many keys are masked; and where each row stands.

`engine` hands a `Step` to the model, which hands it on to `attend`, registered with transformers under `NAME`.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import AttentionInterface

__all__ = ["BLOCK", "NAME", "Step", "Unsupported"]

NAME = "comity_rows"
BLOCK = 64
"""Keys are summed over in blocks of so many; the number of keys is a multiple of it."""
_EVEN = 8
"""Numbers of a head: where they are no multiple of four, a product's last bits depend on where in memory the row begins."""


class Unsupported(Exception):
    """The model's attention is of a kind that is not computed here."""


@dataclass
class Step:
    """One forward pass: where in its own text each token stands, and what it may look back on."""

    positions: Tensor
    """(rows, tokens), each from 0."""
    keys: int
    """How many keys each row has, those that nobody may see included; a multiple of `BLOCK`."""
    dtype: torch.dtype
    _masks: dict[int | None, Tensor] = field(default_factory=dict)

    def mask(self, sliding: int | None) -> Tensor:
        """What is added to the scores, (rows, 1, 1, tokens, keys): 0 for what may be seen, else minus infinity.

        Args:
            sliding: how many tokens back may be seen; all unless given.
        """
        if sliding is not None and sliding >= self.keys:
            sliding = None
        if sliding not in self._masks:
            at = torch.arange(self.keys, device=self.positions.device)
            own = self.positions[:, :, None]
            seen = at <= own
            if sliding is not None:
                seen &= at > own - sliding
            mask = torch.zeros(seen.shape, dtype=self.dtype, device=seen.device).masked_fill_(~seen, -torch.inf)
            self._masks[sliding] = mask[:, None, None]
        return self._masks[sliding]


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    step: Step | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    position_bias: Tensor | None = None,
    s_aux: Tensor | None = None,
    **others: object,
) -> tuple[Tensor, None]:
    """Attention as transformers calls it: queries (rows, heads, tokens, size), keys and values (rows, groups, keys, size)."""
    if step is None or position_bias is not None or s_aux is not None:
        raise Unsupported(f"{type(module).__name__} computes its attention in a way that is not supported")
    own = key.shape[-1]
    scaling = own**-0.5 if scaling is None else scaling
    if own % _EVEN:
        query, key, value = (torch.nn.functional.pad(part, (0, -own % _EVEN)) for part in (query, key, value))
    rows, groups, keys, size = key.shape
    tokens = query.shape[2]
    shared = query.shape[1] // groups
    scaled = query.reshape(rows * groups, shared * tokens, size) * scaling
    scores = torch.bmm(scaled, key.flatten(0, 1).transpose(1, 2))
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    scores.view(rows, groups, shared, tokens, keys).add_(step.mask(sliding_window))
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(value.dtype)
    mixed = _weighted(weights, value.flatten(0, 1))
    return mixed.view(rows, groups * shared, tokens, size)[..., :own].transpose(1, 2).contiguous(), None


def _weighted(weights: Tensor, values: Tensor) -> Tensor:
    """The product, summed block by block: in one piece the order of its sums would depend on the number of keys."""
    out = torch.bmm(weights[:, :, :BLOCK], values[:, :BLOCK])
    for start in range(BLOCK, values.shape[1], BLOCK):
        out.baddbmm_(weights[:, :, start : start + BLOCK], values[:, start : start + BLOCK])
    return out


AttentionInterface.register(NAME, attend)
