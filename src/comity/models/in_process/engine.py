"""Many replies at once from one model: requests take rows, a step reads pieces of prompts or draws a token for every row.

It runs in whatever thread calls `step`, one at a time, and knows nothing of threads, event loops, templates or text. Why a reply
does not depend on what else is under way: see the package.
"""

import hashlib
import math
import time
from array import array
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

import torch
from llguidance import LLMatcher
from torch import Tensor
from transformers import PreTrainedModel

from comity.models.in_process.attention import BLOCK, Step
from comity.models.in_process.grammar import Grammars
from comity.models.in_process.rows import PIECE, Pieces, Rows, Shape
from comity.models.in_process.sampling import Drawn, Way, draw
from comity.models.in_process.threads import at_most
from comity.models.protocol import BadRequest, ModelError, ModelNotFound

__all__ = ["Engine", "Limits", "Reply", "Request", "shape_of", "vocabulary_of"]

_MULTIPLE = 4
"""Rows of a step; see the package."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an engine may take."""

    slots: int = 32
    """Replies under way at the same time."""
    pieces: int = 16
    """Of prompts, read in one step."""
    row_bytes: int = 4 << 30
    """For keys and values of what is under way, were every reply as long as it may be. One is always under way, whatever it takes."""
    kept_bytes: int = 1 << 30
    """For what was read of earlier prompts."""
    threads: int = 2
    """Of torch, at most, while a step is computed. With more than two a reply may depend on what else is under way."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a request."""

    tokens: tuple[int, ...]
    """Without the one that ended it."""
    log_probabilities: tuple[float, ...]
    """One for each token drawn, that which ended it included."""
    finish_reason: str
    """`stop` or `length`."""
    cached: int
    """Tokens of the prompt that were not read again."""
    first_token_seconds: float
    """From the request's making to its first token."""


@dataclass(eq=False)
class Request:
    """A prompt to answer."""

    prompt: Sequence[int]
    way: Way
    limit: int
    """Tokens of the reply at most."""
    done: Callable[[Reply | ModelError], None]
    """Called once, from the engine's thread; never for a cancelled request."""
    matcher: LLMatcher | None = None
    hear: Callable[[Sequence[int]], None] | None = None
    """Called with all tokens so far, from the engine's thread."""
    cancelled: bool = False
    """Set from any thread; its row is free at the next step."""
    made: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class _Row:
    """A request under way."""

    request: Request
    place: int
    keys: Sequence[bytes]
    """Of the whole pieces of its prompt."""
    cached: int
    read: int
    """Tokens of the prompt whose keys and values are there. The last one is read by the step that draws the first token."""
    drawn: list[Drawn] = field(default_factory=list)
    first: float = 0.0

    @property
    def is_read(self) -> bool:
        return self.read >= len(self.request.prompt) - 1

    @property
    def position(self) -> int:
        """Of the newest token, whose successor is drawn next."""
        return len(self.request.prompt) - 1 + len(self.drawn)

    @property
    def newest(self) -> int:
        return self.drawn[-1].token if self.drawn else self.request.prompt[-1]


class Engine:
    """One model and the replies under way.

    Args:
        model: with `attention.NAME` as its attention.
        grammars: what masks are made with.
        window: tokens of a prompt and its reply together, at most.
        ends: tokens that end a reply.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        grammars: Grammars,
        *,
        window: int,
        ends: Collection[int],
        limits: Limits | None = None,
    ) -> None:
        self._model, self._grammars, self._window, self._ends = model, grammars, window, frozenset(ends)
        self._limits = limits or Limits()
        self._device = next(model.parameters()).device
        self._shape = shape_of(model)
        self._anything = torch.zeros(1, 1, 1, 1, device=self._device)
        self._waiting: deque[Request] = deque()
        self.reset()

    def reset(self) -> None:
        """Forget everything but those who wait."""
        self._rows = Rows(self._shape)
        self._pieces = Pieces(self._limits.kept_bytes)
        self._under_way: list[_Row] = []

    @property
    def is_busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._waiting or self._under_way)

    @property
    def bytes(self) -> int:
        """Held for keys and values, of prompts under way and of earlier ones."""
        return self._rows.bytes + self._pieces.bytes

    def add(self, requests: Iterable[Request]) -> None:
        """Take requests, to be answered in this order as rows become free."""
        self._waiting.extend(requests)

    def drain(self) -> list[Request]:
        """All that are not answered yet, which it then knows no more."""
        left = [*(row.request for row in self._under_way), *self._waiting]
        self._under_way.clear()
        self._waiting.clear()
        return left

    @torch.inference_mode()
    def step(self) -> None:
        """Do one thing: read a few pieces of prompts, or else draw one token for every reply under way."""
        with at_most(self._limits.threads):
            self._step()

    def _step(self) -> None:
        if any(row.request.cancelled for row in self._under_way):
            self._under_way = [row for row in self._under_way if not row.request.cancelled]
            self._wipe()
        self._admit()
        if unread := [row for row in self._under_way if not row.is_read]:
            self._read(unread)
        elif self._under_way:
            self._close_ranks()
            self._draw()

    def _admit(self) -> None:
        if not self._under_way and self._rows.bytes > self._limits.row_bytes:
            self._rows = Rows(self._shape)  # what one long reply took would leave no room for two short ones
        while self._waiting and len(self._under_way) < self._limits.slots:
            request, place = self._waiting[0], self._free_place()
            most = self._most(request)
            if self._under_way and self._rows.room(place + 1, most) > self._limits.row_bytes:
                return
            self._waiting.popleft()
            if not request.cancelled:
                self._rows.reserve(place + 1, len(request.prompt) + 1, most)
                self._under_way.append(self._begin(request, place))

    def _most(self, *more: Request) -> int:
        """The tokens of the longest row there can come to be."""
        under_way = (row.request for row in self._under_way)
        return max(min(len(each.prompt) + each.limit, self._window) for each in (*under_way, *more))

    def _begin(self, request: Request, place: int) -> _Row:
        keys = _keys(request.prompt)
        found = self._pieces.find(keys)
        for at, piece in enumerate(found):
            self._rows.put(place, at * PIECE, piece)
        read = len(found) * PIECE
        return _Row(request, place, keys, min(read, len(request.prompt) - 1), read)

    def _free_place(self) -> int:
        taken = {row.place for row in self._under_way}
        return next(place for place in range(len(taken) + 1) if place not in taken)

    def _read(self, unread: Sequence[_Row]) -> None:
        """Read the next pieces. A piece of the same row may follow in the same step: all keys are written before any is seen."""
        chosen = [(row, start) for row in unread for start in range(row.read, len(row.request.prompt) - 1, PIECE)][
            : self._limits.pieces
        ]
        tokens = self._tensor([_padded(row.request.prompt[start : start + PIECE]) for row, start in chosen])
        starts = self._tensor([start for _, start in chosen])
        positions = starts[:, None] + torch.arange(PIECE, device=self._device)
        keys = _rounded(max(start for _, start in chosen) + PIECE)
        self._rows.these(self._tensor([row.place for row, _ in chosen]), positions, keys)
        self._forward(self._model.base_model, tokens, positions, keys)
        for row, start in chosen:
            row.read = start + PIECE
            if row.read <= len(row.request.prompt):
                self._pieces.keep(row.keys[start // PIECE], self._rows.piece(row.place, start))
            if row.is_read:
                self._pieces.find(row.keys)

    def _draw(self) -> None:
        count = -(-(max(row.place for row in self._under_way) + 1) // _MULTIPLE) * _MULTIPLE
        newest, position = [0] * count, [0] * count
        for row in self._under_way:
            newest[row.place], position[row.place] = row.newest, row.position
        keys = _rounded(max(position) + 1)
        positions = self._tensor(position)[:, None]
        self._rows.reserve(count, keys, self._most())
        self._rows.first(count, positions, keys)
        logits = self._forward(self._model, self._tensor(newest)[:, None], positions, keys)
        places = self._tensor([row.place for row in self._under_way])
        self._take(self._sampled(logits[:, -1].index_select(0, places).float()))

    def _sampled(self, logits: Tensor) -> list[Drawn | None]:
        sound = torch.isfinite(logits).all(dim=-1).tolist()
        self._mask(logits)
        ways = [row.request.way for row in self._under_way]
        drawn = draw(logits, ways, [len(row.drawn) for row in self._under_way])
        return [token if fine else None for token, fine in zip(drawn, sound, strict=True)]

    def _mask(self, logits: Tensor) -> None:
        held = [(at, row.request.matcher) for at, row in enumerate(self._under_way) if row.request.matcher is not None]
        if held:
            allowed = self._grammars.allowed([matcher for _, matcher in held]).to(self._device)
            at = self._tensor([at for at, _ in held])
            logits[at] = logits[at].masked_fill_(~allowed, -torch.inf)

    def _take(self, drawn: Sequence[Drawn | None]) -> None:
        going_on = []
        for row, token in zip(self._under_way, drawn, strict=True):
            problem = _broken(token, row.request)
            if problem is not None or token is None:
                row.request.done(problem or ModelError("nothing was drawn"))
            elif reason := self._taken(row, token):
                row.request.done(self._reply(row, reason))
            else:
                going_on.append(row)
        self._under_way = going_on
        if None in drawn:
            self._wipe()

    def _wipe(self) -> None:
        """Clear the places that are free. What is masked counts zero times its value, which for what is no number is no number."""
        self._rows.clear({row.place for row in self._under_way})

    def _taken(self, row: _Row, token: Drawn) -> str:
        """Put the token to the reply; why that ends it, if it does."""
        request = row.request
        row.first = row.first or time.monotonic()
        row.drawn.append(token)
        if token.token in self._ends:
            return "stop"
        if request.hear is not None:
            request.hear([drawn.token for drawn in row.drawn])
        if request.matcher is not None:
            request.matcher.consume_token(token.token)
            if request.matcher.is_stopped() and not request.matcher.is_error():
                return "stop"
        return "length" if len(row.drawn) >= request.limit or row.position + 1 >= self._window else ""

    def _reply(self, row: _Row, reason: str) -> Reply:
        tokens = [drawn.token for drawn in row.drawn]
        if tokens[-1] in self._ends:
            tokens.pop()
        logs = tuple(drawn.log_probability for drawn in row.drawn)
        return Reply(tuple(tokens), logs, reason, row.cached, row.first - row.request.made)

    def _close_ranks(self) -> None:
        """Move the last rows to free places where that makes a step smaller."""
        least = -(-len(self._under_way) // _MULTIPLE)
        while (last := max(self._under_way, key=lambda row: row.place)).place // _MULTIPLE >= least:
            place = self._free_place()
            self._rows.move(last.place, place, last.position)
            last.place = place

    def _forward(self, module: torch.nn.Module, tokens: Tensor, positions: Tensor, keys: int) -> Tensor:
        result = module(
            input_ids=tokens,
            position_ids=positions.clamp(max=self._window - 1),
            attention_mask=self._anything,  # four dimensions, so that it is taken as it is: `step` knows what may be seen
            past_key_values=self._rows,
            use_cache=True,
            step=Step(positions, keys, self._shape.dtype),
        )
        output: Tensor = result[0]
        return output

    def _tensor(self, numbers: Sequence[int] | Sequence[Sequence[int]]) -> Tensor:
        return torch.tensor(numbers, device=self._device)


def shape_of(model: PreTrainedModel) -> Shape:
    """What a token takes in the model's cache, as its configuration says."""
    config = model.config.get_text_config()
    heads: int = config.num_attention_heads
    groups = getattr(config, "num_key_value_heads", None) or heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    first = next(model.parameters())
    return Shape(config.num_hidden_layers, groups, size, first.dtype, first.device)


def vocabulary_of(model: PreTrainedModel) -> int:
    """How many tokens the model has scores for."""
    count: int = model.config.get_text_config().vocab_size
    return count


def _keys(prompt: Sequence[int]) -> list[bytes]:
    """For each whole piece, a hash of all tokens up to its end."""
    tokens, digest, keys = array("q", prompt), hashlib.blake2b(digest_size=16), []
    for end in range(PIECE, len(prompt) + 1, PIECE):
        digest.update(tokens[end - PIECE : end].tobytes())
        keys.append(digest.digest())
    return keys


def _padded(piece: Sequence[int]) -> list[int]:
    return [*piece, *[0] * (PIECE - len(piece))]


def _rounded(tokens: int) -> int:
    return -(-tokens // BLOCK) * BLOCK


def _broken(token: Drawn | None, request: Request) -> ModelError | None:
    if token is None:
        return ModelNotFound(
            "the model gives scores that are no numbers; its weights are broken: train or save it again"
        )
    if request.matcher is not None and request.matcher.is_error():
        return BadRequest(f"the schema cannot be held to: {request.matcher.get_error().splitlines()[0]}")
    if not math.isfinite(token.log_probability):
        return BadRequest("the schema leaves no token that could come next")
    return None
