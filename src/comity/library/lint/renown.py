"""Who and what exists and should not stand in a text: real people of note, and makers, shops and services. The lists are in `people.toml`."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache

from comity.library.lint.findings import Found, Shelf, every_text
from comity.library.lint.lists import listed

__all__ = ["brand", "real_person"]


def real_person(shelf: Shelf) -> Iterator[Found]:
    """A real person of note, as a character or in any text: by full name, or by the one name that means nobody else."""
    keys = {_plain(name): name for name in listed("real_people")}
    longest = max(len(key.split()) for key in keys)
    invented = {part for who in shelf.people for part in _unaccented(who.name).split()[1:]}
    for record, field, text in every_text(shelf):
        if name := _named_in(text, keys, longest):
            yield Found(record, field, f"{name} is a real person; invent somebody")
        elif (name := _named_alone(text, whole=field == "name")) and name not in invented:
            yield Found(record, field, f"{name!r} is taken for the real person of that name; invent somebody")


def brand(shelf: Shelf) -> Iterator[Found]:
    """A maker, a shop or a service that exists, by its name with its capital letters."""
    pattern = _brands()
    for record, field, text in every_text(shelf):
        if found := pattern.search(text):
            yield Found(record, field, f"{found[0]!r} exists; say what it is, or invent one")


_TITLES = {
    "Chairman", "Chancellor", "Comrade", "Dame", "Doctor", "Dr", "King", "Lady", "Lord", "Miss", "Mr", "Mrs", "Ms", "Pope", "President",
    "Professor", "Queen", "Saint", "Sir",
}  # fmt: skip


@cache
def _alone() -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, map(_unaccented, listed("known_by_one_name"))), key=len, reverse=True))
    return re.compile(rf"(?<![\w-])({names})(?![\w-])(?! [A-Z][a-z])")


@cache
def _brands() -> re.Pattern[str]:
    names = sorted(listed("brands"), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")


def _named_in(text: str, keys: Mapping[str, str], longest: int) -> str:
    found = _plain(text).split()
    for size in range(2, longest + 1):
        for at in range(len(found) - size + 1):
            if name := keys.get(" ".join(found[at : at + size])):
                return name
    return ""


def _named_alone(text: str, *, whole: bool) -> str:
    """A name that means one person, unless another first name makes it somebody else's. `whole`: the text is a name."""
    plain = _unaccented(text)
    for found in _alone().finditer(plain):
        before = re.search(r"(^|[.!?:;] )?([A-Z][a-z]+) $", plain[: found.start()])
        others = before and (before[1] is None or before[2] in listed("first_names")) and before[2] not in _TITLES
        if not others and (not whole or found[0] == plain):
            return found[1]
    return ""


def _unaccented(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _plain(text: str) -> str:
    """Words with their capitals, without accents, points and other signs."""
    return " ".join(re.findall(r"[^\W_]+", re.sub(r"(?:'|\u2019)s\b", "", _unaccented(text))))
