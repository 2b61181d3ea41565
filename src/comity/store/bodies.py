"""Records as column text and back. Text that cannot be read back is `Damaged`, said without quoting it: it may be private."""

import json
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from comity.store.errors import Damaged

__all__ = ["damaged", "dump", "from_column", "load", "read", "time_text", "to_column"]

R = TypeVar("R", bound=BaseModel)


def to_column(value: object, *, sort_keys: bool = False) -> str:
    """JSON in ASCII: every other character, a NUL and half a surrogate pair included, is escaped."""
    return (_SORTED if sort_keys else _ENCODER).encode(value)


def from_column(text: object) -> object:
    """The value of JSON text. Raises `ValueError` where it is not what `to_column` wrote."""
    if not isinstance(text, str) or not text.isascii():
        raise ValueError("not the text that was written")
    return json.loads(text)


def dump(record: BaseModel, *, columns: frozenset[str] = frozenset()) -> str:
    """The record's body without the fields that have columns of their own."""
    # Not in pydantic's JSON mode, which replaces half a surrogate pair in a key and cuts a zone's seconds.
    return to_column(record.model_dump(exclude=set(columns)))


def load(text: object) -> dict[str, object]:
    """A body's fields. Raises `ValueError` where it is not a JSON object."""
    body = from_column(text)
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")
    return body


def read(model: type[R], text: object, what: str, **columns: object) -> R:
    """The record of a body and its columns. Raises `Damaged`, naming `what`."""
    try:
        return model.model_validate(load(text) | columns)
    except ValidationError as error:
        problem = _fields(error)
    except ValueError:
        problem = "its body is not the JSON that was written"
    # Outside the handler, so that the error carries no exception that holds the text.
    raise damaged(what, problem)


def damaged(what: str, problem: str) -> Damaged:
    """The error for a record that cannot be read back."""
    return Damaged(f"{what} is damaged: {problem}; everything else is unaffected; restore it from a copy of the store")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return time_text(value)
    raise TypeError(f"a record holds no {type(value).__name__}")


def _fields(error: ValidationError) -> str:
    wrong = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(f"{'.'.join(map(str, item['loc'])) or 'record'} ({item['type']})" for item in wrong[:5])


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_plain)
_SORTED = json.JSONEncoder(separators=(",", ":"), default=_plain, sort_keys=True)


def time_text(time: datetime) -> str:
    """ISO 8601 of one width, in UTC, so that text sorts as time does. A time without a zone stays without."""
    known = time if time.tzinfo is None else time.astimezone(UTC)
    return known.isoformat(timespec="microseconds")
