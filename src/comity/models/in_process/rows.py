"""The keys and values of all prompts under way: a row for each, in one tensor that grows. And the pieces of prompts kept for later.

`Rows` is what the model sees as its cache for one step; it neither knows tokens nor decides who has which row.
"""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from comity.models.in_process.attention import BLOCK

__all__ = ["PIECE", "Pieces", "Rows", "Shape"]

PIECE = 32
"""A prompt is read, and kept, in pieces of so many tokens, which begin at multiples of it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What one token takes in each layer."""

    layers: int
    groups: int
    """Heads of keys."""
    size: int
    """Numbers in a head."""
    dtype: torch.dtype
    device: torch.device

    @property
    def bytes(self) -> int:
        """Of one token's keys and values, in all layers."""
        return self.layers * 2 * self.groups * self.size * self.dtype.itemsize


class Rows:
    """Keys and values, (layers, 2, rows, groups, tokens, size). For a step it is told which rows and places are written.

    It stands in for a `transformers` cache: `update` is all that a model asks of it.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._kept = torch.empty(
            shape.layers, 2, 0, shape.groups, 0, shape.size, dtype=shape.dtype, device=shape.device
        )
        self._places = torch.empty(0)
        self._picked: Tensor | int = 0
        self._keys = 0

    @property
    def bytes(self) -> int:
        """Taken at present."""
        return self._kept.numel() * self._shape.dtype.itemsize

    def room(self, rows: int, tokens: int) -> int:
        """Bytes that would be taken if it held so many rows of so many tokens, beside what it holds already."""
        count, length = self._fitting(rows, tokens, tokens)
        return count * length * self._shape.bytes

    def reserve(self, rows: int, tokens: int, most: int) -> None:
        """Hold so many rows of so many tokens at least, with room to grow up to so many tokens."""
        count, length = self._fitting(rows, tokens, most)
        held = self._kept.shape[2], self._kept.shape[4]
        if (count, length) == held:
            return
        shape = self._shape
        grown = torch.zeros(
            shape.layers, 2, count, shape.groups, length, shape.size, dtype=shape.dtype, device=shape.device
        )
        grown[:, :, : held[0], :, : held[1]] = self._kept
        self._kept = grown

    def first(self, rows: int, positions: Tensor, keys: int) -> None:
        """The next step is one of the first so many rows; each writes at its positions and sees so many keys."""
        self._begin(torch.arange(rows, device=positions.device), positions)
        self._picked, self._keys = rows, keys

    def these(self, rows: Tensor, positions: Tensor, keys: int) -> None:
        """The next step is one of these rows, of which one may come more than once."""
        self._begin(rows, positions)
        self._picked, self._keys = rows, keys

    def update(
        self, key: Tensor, value: Tensor, layer_idx: int, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Write a layer's new keys and values, and give all that each row has, as a `transformers` cache does."""
        kept = self._kept[layer_idx]
        size = self._shape.size
        kept[0].view(-1, size).index_copy_(0, self._places, key.reshape(-1, size))
        kept[1].view(-1, size).index_copy_(0, self._places, value.reshape(-1, size))
        if isinstance(self._picked, int):
            seen = kept[:, : self._picked, :, : self._keys]
        else:
            seen = kept[:, :, :, : self._keys].index_select(1, self._picked)
        return seen[0], seen[1]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Asked by some models to find positions, which are always given here."""
        return 0

    def move(self, source: int, target: int, tokens: int) -> None:
        """Copy the first tokens of one row to another."""
        self._kept[:, :, target, :, :tokens] = self._kept[:, :, source, :, :tokens]

    def clear(self, but: Collection[int]) -> None:
        """Zero all rows but these."""
        for row in range(self._kept.shape[2]):
            if row not in but:
                self._kept[:, :, row].zero_()

    def piece(self, row: int, start: int) -> Tensor:
        """A copy of the piece that begins there."""
        return self._kept[:, :, row, :, start : start + PIECE].clone()

    def put(self, row: int, start: int, piece: Tensor) -> None:
        """Write a piece that was kept."""
        self._kept[:, :, row, :, start : start + PIECE] = piece

    def _begin(self, rows: Tensor, positions: Tensor) -> None:
        groups, length = self._shape.groups, self._kept.shape[4]
        heads = rows[:, None] * groups + torch.arange(groups, device=rows.device)
        self._places = (heads[:, :, None] * length + positions[:, None, :]).flatten()

    def _fitting(self, rows: int, tokens: int, most: int) -> tuple[int, int]:
        """Grown by doubling the rows and by halves of the tokens, so that little is copied often; not past what can be needed."""
        count, length = max(4, self._kept.shape[2]), self._kept.shape[4]
        while count < rows:
            count *= 2
        if length < tokens:
            length = -(-max(tokens, min(length * 3 // 2, most)) // BLOCK) * BLOCK
        return count, length


class Pieces:
    """Pieces of prompts that were read, by all the tokens up to their end; those used longest ago make room.

    What any prompt begins with serves every other that begins so, whatever its conversation.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[bytes, Tensor] = OrderedDict()
        self.bytes = 0
        """Held at present."""

    def find(self, keys: Sequence[bytes]) -> list[Tensor]:
        """The pieces of a prompt from its beginning, as far as they are kept."""
        found = []
        for key in keys:
            if (piece := self._kept.get(key)) is None:
                break
            found.append(piece)
        for key in reversed(keys[: len(found)]):
            self._kept.move_to_end(key)  # so that a prompt loses its end before its beginning
        return found

    def keep(self, key: bytes, piece: Tensor) -> None:
        """Keep a piece, at the cost of older ones."""
        if key in self._kept:
            return
        self._kept[key] = piece
        self.bytes += piece.nbytes
        while self.bytes > self._limit and self._kept:
            self.bytes -= self._kept.popitem(last=False)[1].nbytes
