"""Actions as elements of a Gymnasium space, and back. The space is made from an `ActionSpec` alone, like reply schemas and forms.

What may be done changes from turn to turn and a space does not, so that a space holds all that can ever come up; `ActionSpace.mask`
says what of it is possible now.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, cast

import numpy as np
from gymnasium.spaces import Dict, Discrete, MultiBinary, Space, Text
from numpy.typing import NDArray
from pydantic import ValidationError

from comity.world.actions import MOVING, Action, ActionSpec, ActionType, IllegalAction
from comity.world.moves import Move, MoveKind, MoveSpec, Term, Terms, Value

__all__ = ["ActionSpace", "Encoded", "Words", "index_of", "indexes", "value_at"]

Encoded = Mapping[str, object]
"""An element of a `Dict` space."""


class Words(Text):
    """Any text of up to `max_length` characters, in any script. A sample is one to 24 letters and digits.

    To flatten it is only possible where all characters are letters and digits: that is the character set as Gymnasium knows it.
    """

    def __init__(self, max_length: int) -> None:
        super().__init__(max_length, min_length=0)

    def sample(self, mask: object = None, probability: object = None) -> str:
        """A few letters and digits. Masks are for single characters and are not read."""
        length = self.np_random.integers(1, min(24, self.max_length) + 1)
        return super().sample(mask=(int(length), None))

    def contains(self, x: object) -> bool:
        """Whether it is a text of at most so many characters that can be written down: no half of a surrogate pair."""
        if not isinstance(x, str) or len(x) > self.max_length:
            return False
        try:
            x.encode()
        except UnicodeEncodeError:
            return False
        return True


class _Move(TypedDict, total=False):
    kind: int
    terms: Mapping[str, int]
    claims: Mapping[str, int]


class _Action(TypedDict, total=False):
    type: int
    argument: str
    recipients: Sequence[int]
    move: _Move


class ActionSpace(Dict):
    """What one seat can do, as a space.

    - `type`: index into `types`.
    - `argument`: the words.
    - `recipients`, where there are private messages: a flag for each of `others`; none means that everyone present hears it.
    - `move`, where the scenario has a payoff: its `kind` (0 is none, else 1 + index into `kinds`); for a proposal or a choice
      `terms`, the index of each term's value; for a claim `claims`, 1 + the index of what is claimed of each term, 0 for nothing.

    With the type `none` nothing else is read, and with each kind of move only its own part. All else has to fit: `decode` refuses
    what would be another action without a part of it.
    """

    def __init__(self, spec: ActionSpec) -> None:
        """Make the space of what a seat may do at an episode's start; the answers to proposals are added."""
        self.types: tuple[ActionType, ...] = spec.types
        self.others: tuple[str, ...] = tuple(seat for seat, _ in spec.recipients)
        """The seats that a private message can go to, in seat order."""
        moves = spec.moves or MoveSpec(())
        self.kinds: tuple[MoveKind, ...] = _with_answers(moves.kinds)
        self._terms, self._claims = moves.terms, moves.claims if MoveKind.CLAIM in self.kinds else ()
        self._parts: dict[str, tuple[Term, ...]] = {"terms": self._terms, "claims": self._claims}
        self._parts = {name: terms for name, terms in self._parts.items() if terms}
        super().__init__(self._spaces(spec.max_argument))

    def _spaces(self, max_argument: int) -> dict[str, Space[Any]]:
        spaces: dict[str, Space[Any]] = {"type": Discrete(len(self.types)), "argument": Words(max_argument)}
        if self.others:
            spaces["recipients"] = MultiBinary(len(self.others))
        if self.kinds:
            move: dict[str, Space[Any]] = {"kind": Discrete(1 + len(self.kinds))}
            for name, terms in self._parts.items():
                move[name] = Dict({term.id: Discrete(len(term) + (name == "claims")) for term in terms})
            spaces["move"] = Dict(move)
        return spaces

    def encode(self, action: Action) -> dict[str, object]:
        """The action as an element. Raises `IllegalAction` for one that this seat can never take."""
        if action.type not in self.types or not set(action.to) <= set(self.others):
            raise IllegalAction(f"{action.type.value!r} to {', '.join(action.to) or 'all'} is not in this action space")
        encoded: dict[str, object] = {"type": np.int64(self.types.index(action.type)), "argument": action.argument}
        if self.others:
            encoded["recipients"] = _flags(seat in action.to for seat in self.others)
        if self.kinds:
            encoded["move"] = self._encoded_move(action.move)
        elif action.move is not None:
            raise IllegalAction("no move is in this action space")
        return encoded

    def _encoded_move(self, move: Move | None) -> dict[str, object]:
        said: dict[str, Terms] = {"terms": {}, "claims": {}}
        if move is not None:
            if move.kind not in self.kinds:
                raise IllegalAction(f"the move {move.kind.value!r} is not in this action space")
            said["claims" if move.kind is MoveKind.CLAIM else "terms"] = move.terms
        kind = 0 if move is None else 1 + self.kinds.index(move.kind)
        encoded: dict[str, object] = {"kind": np.int64(kind)}
        for name, terms in self._parts.items():
            encoded[name] = indexes(terms, said[name], first=int(name == "claims"))
        return encoded

    def decode(self, encoded: Encoded) -> Action:
        """The action of an element; whether it is possible now is for the `ActionSpec` to say.

        Raises `IllegalAction` where the parts make no action, such as speech without words or a move in a private message, and
        `ValueError` for what is not an element of this space.
        """
        if not self.contains(encoded):
            raise ValueError(self._stranger(encoded))
        given = cast(_Action, encoded)
        action_type = self.types[int(given["type"])]
        if action_type is ActionType.NONE:
            return Action(type=action_type)
        flags = given.get("recipients", ())
        to = tuple(seat for seat, chosen in zip(self.others, flags, strict=True) if chosen)
        try:
            move = self._decoded_move(given["move"]) if self.kinds else None
            return Action(type=action_type, argument=given["argument"], to=to, move=move)
        except ValidationError as error:
            raise IllegalAction(error.errors()[0]["msg"].removeprefix("Value error, ")) from None

    def _decoded_move(self, given: _Move) -> Move | None:
        if given["kind"] == 0:
            return None
        kind = self.kinds[int(given["kind"]) - 1]
        if kind in _ANSWERS:
            return Move(kind=kind)
        if kind is MoveKind.CLAIM:
            said = given["claims"]
            return Move(kind=kind, terms={t.id: value_at(t, said[t.id] - 1) for t in self._claims if said[t.id]})
        return Move(kind=kind, terms={term.id: value_at(term, given["terms"][term.id]) for term in self._terms})

    def _stranger(self, encoded: object) -> str:
        if not isinstance(encoded, dict) or encoded.keys() != self.spaces.keys():
            return f"an action is a dictionary of {', '.join(self.spaces)}"
        wrong = next(name for name, space in self.spaces.items() if encoded[name] not in space)
        return f"{wrong!r} of the action is not in {self.spaces[wrong]}"

    def mask(self, spec: ActionSpec | None) -> dict[str, object]:
        """What of this space is possible now, in the form that `sample` takes; `None` for a seat that does not act now."""
        types = spec.types if spec else ()
        mask: dict[str, object] = {"type": _flags(each in types for each in self.types), "argument": None}
        if self.others:
            reachable = [seat for seat, _ in spec.recipients] if spec else []
            mask["recipients"] = 2 * _flags(seat in reachable for seat in self.others)  # 2 means as one likes
        if self.kinds:
            now = spec.moves.kinds if spec and spec.moves else ()
            kinds = _flags([True, *(kind in now for kind in self.kinds)])
            mask["move"] = {"kind": kinds} | {name: dict.fromkeys(t.id for t in of) for name, of in self._parts.items()}
        return mask

    def sample(self, mask: dict[str, Any] | None = None, probability: dict[str, Any] | None = None) -> dict[str, Any]:
        """An action at random that `decode` takes; under the `mask` of a seat that acts it is one that is legal now."""
        drawn = super().sample(mask, probability)
        action_type = self.types[int(drawn["type"])]
        if self.kinds and (action_type not in MOVING or not self._says(drawn["move"])):
            drawn["move"]["kind"] = np.int64(0)
        alone = action_type in (ActionType.NONE, ActionType.LEAVE) or (self.kinds and drawn["move"]["kind"])
        if self.others and alone:
            drawn["recipients"] = np.zeros_like(drawn["recipients"])
        return drawn

    def _says(self, move: _Move) -> bool:
        """Whether it is anything but a claim of nothing."""
        claims = move["kind"] and self.kinds[int(move["kind"]) - 1] is MoveKind.CLAIM
        return not claims or any(move["claims"].values())


_ANSWERS = (MoveKind.ACCEPT, MoveKind.REJECT)


def _with_answers(kinds: tuple[MoveKind, ...]) -> tuple[MoveKind, ...]:
    """All kinds that can come up, in the order of `MoveKind`: what can be proposed can be answered."""
    answers = _ANSWERS if MoveKind.PROPOSE in kinds else ()
    return tuple(kind for kind in MoveKind if kind in (*kinds, *answers))


def _flags(each: Iterable[bool]) -> NDArray[np.int8]:
    return np.array(list(each), dtype=np.int8)


def indexes(terms: Iterable[Term], said: Terms, *, first: int = 0) -> dict[str, object]:
    """Each term's value by its index, counted from `first`; 0 where the term is not said. Raises `IllegalAction`."""
    strange = set(said) - {term.id for term in terms}
    if strange:
        raise IllegalAction(f"there is no term {', '.join(sorted(strange))}")
    return {t.id: np.int64(first + index_of(t, said[t.id]) if t.id in said else 0) for t in terms}


def index_of(term: Term, value: Value) -> int:
    """Where the value stands among those of the term, from 0. Raises `IllegalAction` where it is none of them."""
    if value not in term:
        raise IllegalAction(f"{value!r} is not possible; {term}")
    return term.options.index(str(value)) if term.options else (int(value) - term.low) // term.step


def value_at(term: Term, index: int) -> Value:
    """The value that stands there among those of the term, from 0."""
    return term.options[index] if term.options else term.low + int(index) * term.step
