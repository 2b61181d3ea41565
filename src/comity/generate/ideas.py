"""Seed ideas, a line each by family, and which of them are asked next. Those that ship are in `seeds/`; a file of one's own has their form.

An idea is used once in a folder. The order in which ideas are taken depends on the seed and on the ideas alone.
"""

import tomllib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from comity.world.record import Record, derive_seed

__all__ = ["Idea", "IdeasError", "Kind", "load_ideas", "next_ideas"]

Kind = Literal["scenarios", "characters", "relationships"]
"""What is generated, by the name of its place in a library."""

_LONGEST = 2000


class IdeasError(ValueError):
    """Ideas that cannot be used; the message names the file and the fix."""


class Idea(Record):
    """What a candidate is made from."""

    text: str
    family: str = ""
    """Of a scenario its family, of a relationship its kind, of a character what fills their days."""

    def candidate(self, kind: Kind) -> str:
        """The id of the one candidate that a folder has of this idea, whatever its family: ten hex digits."""
        return sha256(f"{kind}\n{self.text}".encode()).hexdigest()[:10]


def load_ideas(kind: Kind, file: Path | None = None) -> tuple[Idea, ...]:
    """The ideas in a TOML file of `family = ["idea", ...]`; without a file those that ship. Raises `IdeasError`."""
    where: Traversable = files("comity.generate").joinpath("seeds", f"{kind}.toml") if file is None else file
    try:
        table = tomllib.loads(where.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise IdeasError(f"{where}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise IdeasError(f'{where}: is not TOML; write `family = ["idea", "idea"]` ({error})') from error
    found = [idea for family, lines in table.items() for idea in _of_family(str(where), family, lines)]
    if not found:
        raise IdeasError(f'{where}: holds no ideas; write `family = ["idea", "idea"]`')
    texts = [idea.text for idea in found]
    if twice := next((text for text in texts if texts.count(text) > 1), None):
        raise IdeasError(f"{where}: {twice!r} stands there twice; an idea is used once")
    return tuple(found)


def next_ideas(
    ideas: Sequence[Idea], kind: Kind, seed: int, count: int, used: Mapping[str, bool]
) -> tuple[tuple[Idea, ...], int]:
    """The first so many ideas of this seed's order, and how many there were to choose from.

    `used` says of the candidates that a folder has whether they are of this same asking: then they count among the many, while
    an idea that another asking used is passed over. So the same asking comes to the same ideas, however often it is interrupted.
    """
    free = [idea for idea in ideas if used.get(idea.candidate(kind), True)]
    free.sort(key=lambda idea: (derive_seed("idea", seed, kind, idea.text), idea.text))
    return tuple(free[:count]), len(free)


def _of_family(where: str, family: str, lines: object) -> list[Idea]:
    if not isinstance(lines, list):
        raise IdeasError(f"{where}: {family}: is no list; write `{family} = [...]`, an idea a line")
    found = []
    for number, line in enumerate(lines, 1):
        if not isinstance(line, str) or not line.strip():
            raise IdeasError(f"{where}: {family}.#{number}: is no text")
        if len(line) > _LONGEST:
            raise IdeasError(f"{where}: {family}.#{number}: has {len(line):,} characters; {_LONGEST:,} at most")
        found.append(Idea(text=line.strip(), family=family))
    return found
