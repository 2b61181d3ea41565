"""From a model's text to an action that its seat may take."""

from typing import NamedTuple

from pydantic import ValidationError

from comity.models.replies import UnusableReply, read_object
from comity.world.actions import Action, ActionSpec, ActionType, IllegalAction

__all__ = ["Parsed", "checked", "parse_action"]


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
    return Parsed(checked(action_type, argument or "", _seats(to, spec), spec), repaired)


def checked(action_type: ActionType, argument: str, to: tuple[str, ...], spec: ActionSpec) -> Action:
    """The action of these parts, if the seat may take it. Raises `UnusableReply`."""
    nothing = action_type is ActionType.NONE
    try:
        action = Action(type=action_type, argument="" if nothing else argument, to=() if nothing else to)
        spec.check(action)
    except IllegalAction as error:
        raise UnusableReply(str(error), legal=False) from None
    except ValidationError as error:
        raise UnusableReply(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    return action


def _seats(to: object, spec: ActionSpec) -> tuple[str, ...]:
    names = [to] if isinstance(to, str) and to else to or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UnusableReply('"to" must be a list of names')
    try:
        return spec.seats_named(names)
    except IllegalAction as error:
        raise UnusableReply(str(error), legal=False) from None
