"""Activations whose result for one number does not depend on where it stands, nor on how many threads compute them.

torch computes SiLU and its like by vectors of a processor's width, and what is left at the end of a thread's share by single numbers,
with other last bits. Where a share ends depends on the rows of a step and on the number of threads.
"""

import torch
from torch import Tensor
from transformers.activations import ACT2CLS

__all__ = ["Even", "make_even"]

_WHOLE = 64
"""Numbers: a multiple of what any processor takes in one go (32 with AVX-512)."""
_SHARE = 16384
"""Numbers of which torch makes no shares: the least of its grain sizes, that of GELU."""

_NAMED = frozenset(entry[0] if isinstance(entry, tuple) else entry for entry in ACT2CLS.values())
"""The activations that transformers knows, by their classes."""


class Even(torch.nn.Module):
    """An activation, computed in parts so small that one thread has them whole, and that leave no rest."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, numbers: Tensor) -> Tensor:
        """The inner activation of each number."""
        count = numbers.numel()
        shared = count > _SHARE and torch.get_num_threads() > 1
        if numbers.is_contiguous() and count % _WHOLE == 0 and not shared:
            result: Tensor = self.inner(numbers)
            return result
        flat = numbers.reshape(-1)
        if count % _WHOLE:
            flat = torch.nn.functional.pad(flat, (0, -count % _WHOLE))
        done = torch.empty_like(flat)
        for part, place in zip(torch.split(flat, _SHARE), torch.split(done, _SHARE), strict=True):
            place.copy_(self.inner(part))
        return done[:count].view(numbers.shape)


def make_even(model: torch.nn.Module) -> None:
    """Have the model's activations computed so: those without weights that transformers knows by a name. On a GPU nothing changes."""
    if next(model.parameters()).device.type != "cpu":
        return
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) in _NAMED and not isinstance(parent, Even) and not list(child.parameters()):
                setattr(parent, name, Even(child))
