"""From a model's text to an action that its seat may take."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pydantic import ValidationError

from comity.models.replies import UnusableReply, read_object
from comity.world.actions import Action, ActionSpec, ActionType, IllegalAction
from comity.world.moves import Move, MoveKind, MoveSpec, Term

__all__ = [
    "Parsed",
    "checked",
    "move_forms",
    "object_form",
    "parse_action",
    "read_move",
    "read_recipients",
    "terms_form",
]

_LISTED = 64
"""Up to so many whole numbers are listed one by one in a schema; not every server holds a reply to a range."""
_LISTED_STEPS = 512
"""And up to so many numbers in steps: hardly any server holds a reply to multiples."""

_NO_MOVE = ("", "none", "null")
_NUMBER = re.compile(r"(\d{1,18})(\.0*)?")
"""A whole number in quotation marks."""


class Parsed(NamedTuple):
    """An action and what had to be repaired to read it; empty where nothing was."""

    action: Action
    repaired: str


def parse_action(text: str, spec: ActionSpec) -> Parsed:
    """The action in a reply. Raises `UnusableReply`."""
    found, repaired = read_object(text)
    kind, argument, to = found.get("action_type"), found.get("argument"), found.get("to")
    try:
        # `None` in words is "none": a reply without a type would do nothing instead of failing
        action_type = ActionType(kind.strip().lower() if isinstance(kind, str) else "")
    except ValueError:
        raise UnusableReply(f'"action_type" is {repr(kind)[:60]}; it must be one of: {", ".join(spec.types)}') from None
    if argument is not None and not isinstance(argument, str):
        raise UnusableReply('"argument" must be a string')
    move = read_move(found.get("move"), spec)
    return Parsed(checked(action_type, argument or "", read_recipients(to, spec), spec, move), repaired)


def checked(
    action_type: ActionType, argument: str, to: tuple[str, ...], spec: ActionSpec, move: Move | None = None
) -> Action:
    """The action of these parts, if the seat may take it. Raises `UnusableReply`."""
    nothing = action_type is ActionType.NONE
    try:
        action = Action(type=action_type, argument="" if nothing else argument, to=() if nothing else to, move=move)
        spec.check(action)
    except IllegalAction as error:
        raise UnusableReply(str(error), legal=False) from None
    except ValidationError as error:
        raise UnusableReply(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    return action


def move_forms(spec: MoveSpec | None) -> list[dict[str, object]]:
    """A JSON schema for each form that a move may take now. A claim states one thing."""
    if spec is None:
        return []
    forms: list[dict[str, object]] = []
    for kind in spec.kinds:
        if kind is MoveKind.CLAIM:
            forms += [_form(kind, (term,)) for term in spec.claims]
        else:
            forms.append(_form(kind, () if kind in (MoveKind.ACCEPT, MoveKind.REJECT) else spec.terms))
    return forms


def _form(kind: MoveKind, terms: Sequence[Term]) -> dict[str, object]:
    said: dict[str, object] = {"kind": {"type": "string", "enum": [kind.value]}}
    return object_form(said | ({"terms": terms_form(terms)} if terms else {}))


def terms_form(terms: Sequence[Term], called: Mapping[str, str] = MappingProxyType({})) -> dict[str, object]:
    """The JSON schema of a move's terms, by their names or by what they are `called` instead."""
    return object_form({called.get(term.id, term.id): _value_form(term) for term in terms})


def _value_form(term: Term) -> dict[str, object]:
    """The JSON schema of a term's value."""
    if term.options:
        return {"type": "string", "enum": list(term.options)}
    if len(term) <= (_LISTED if term.step == 1 else _LISTED_STEPS):
        return {"type": "integer", "enum": list(term)}
    steps = {"multipleOf": term.step} if term.step > 1 and term.low % term.step == 0 else {}
    return {"type": "integer", "minimum": term.low, "maximum": term.high, **steps}


def object_form(properties: dict[str, object]) -> dict[str, object]:
    """The JSON schema of an object with these properties, all of them required and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def read_move(found: object, spec: ActionSpec) -> Move | None:
    """The move in a reply, `{"kind": …, "terms": {…}}`; `None` for null. A number in quotation marks is one all the same.

    Raises `UnusableReply`; whether the seat may make it is for `checked` to say.
    """
    if found is None or found == {} or (isinstance(found, str) and found.strip().lower() in _NO_MOVE):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("terms") or {}, dict):
        raise UnusableReply('"move" must be null or an object with "kind" and "terms"')
    numbers = {term.id for term in (*spec.moves.terms, *spec.moves.claims) if not term.options} if spec.moves else set()
    terms = {term: _value(value, term in numbers) for term, value in (found.get("terms") or {}).items()}
    try:
        kind = found.get("kind")
        return Move.model_validate({"kind": kind.strip().lower() if isinstance(kind, str) else kind, "terms": terms})
    except ValidationError as error:
        raise UnusableReply(f'"move": {error.errors()[0]["msg"].removeprefix("Value error, ")}') from None


def _value(value: object, number: bool) -> object:
    if number and isinstance(value, str) and (whole := _NUMBER.fullmatch(value.strip())):
        return int(whole[1])
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read_recipients(to: object, spec: ActionSpec) -> tuple[str, ...]:
    """The seats that a reply's `to` names: a name or a list of them. Raises `UnusableReply`."""
    names = [to] if isinstance(to, str) and to else to or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UnusableReply('"to" must be a list of names')
    try:
        return spec.seats_named(names)
    except IllegalAction as error:
        raise UnusableReply(str(error), legal=False) from None
