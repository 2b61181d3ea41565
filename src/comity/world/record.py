"""The base of every record that is stored or exchanged, and the content hash that names an immutable snapshot of one."""

import hashlib
import json
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

__all__ = ["JOINERS", "Itself", "Name", "Record", "Slug", "content_hash", "derive_seed"]

R = TypeVar("R", bound=BaseModel)


class Record(BaseModel):
    """A frozen record; a field it does not know is an error, never ignored. Errors do not repeat what may be private."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


JOINERS = "\u200c\u200d"
"""Zero-width non-joiner and joiner, which names in Persian, in Indic scripts and in emoji need."""


def _printable(name: str) -> str:
    bad = next((c for c in name if not c.isprintable() and c not in JOINERS), None)
    if bad is not None:
        raise ValueError(f"a name is one line of printable text; U+{ord(bad):04X} is not printable")
    return name


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_printable)
]
"""A display name: one printable line of 1 to 120 characters, in any script."""

Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
"""An identifier that is safe in a file name, a URL and a command line."""


def content_hash(record: BaseModel) -> str:
    """SHA-256, in hex, of the record's canonical JSON (sorted keys, no spaces)."""
    body = json.dumps(record.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()


class Itself(Generic[R]):
    """A record as a key of a cache: itself and no other, since nothing in it ever changes. To compare and hash what it says
    would cost as much as is saved.
    """

    __slots__ = ("record",)

    def __init__(self, record: R) -> None:
        self.record = record

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Itself) and other.record is self.record

    def __hash__(self) -> int:
        return id(self.record)


def derive_seed(*parts: int | str) -> int:
    """An integer in [0, 2**31) that depends on all parts and nothing else: hash(seed, turn, seat)."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFF_FFFF
