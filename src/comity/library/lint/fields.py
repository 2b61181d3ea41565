"""What a record lacks, or has in a form that no reader should see: empty fields, lengths out of all measure, leftovers of making."""

import re
from collections.abc import Iterator

from comity.library.lint.findings import Found, Shelf, every_text, place, prose
from comity.library.lint.words import is_row, sentences, words
from comity.world.record import JOINERS

__all__ = [
    "hidden_text",
    "leftover",
    "missing_field",
    "no_licence",
    "out_of_measure",
    "speaks_of_models",
    "speaks_to_all",
]


def missing_field(shelf: Shelf) -> Iterator[Found]:
    """An empty field without which a record is of less use: a secret, prose, a role, extra information, a family."""
    for who in shelf.characters:
        told = {"secret": who.secret, "public_info": who.public_info, "personality": who.personality}
        yield from (Found(place(who), field, "is empty") for field, text in told.items() if not text.strip())
    for scenario in shelf.scenarios:
        if not scenario.family:
            yield Found(place(scenario), "family", "is empty; say what kind of situation it is, such as negotiation")
        for seat in scenario.seats:
            if not seat.role.strip():
                yield Found(
                    place(scenario), f"seats.{seat.id}.role", "is empty; say what others may call who sits here"
                )
            if not seat.extra_info.strip():
                yield Found(place(scenario), f"seats.{seat.id}.extra_info", "is empty; give a reason not to yield")


def no_licence(shelf: Shelf) -> Iterator[Found]:
    """A record that does not say where it comes from or under what licence, which rides on all that is made of it."""
    rows = [(place(who), who.source, who.licence) for who in shelf.characters]
    rows += [(place(each), each.source, each.licence) for each in shelf.collection.relationships]
    rows += [(place(each), each.source, each.licence) for each in shelf.scenarios]
    for record, source, licence in rows:
        missing = [name for name, text in (("source", source), ("licence", licence)) if not text.strip()]
        if missing:
            yield Found(record, missing[0], f"{' and '.join(missing)} empty; `library.toml` can say it for all")


def out_of_measure(shelf: Shelf) -> Iterator[Found]:
    """A text of a length that helps nobody: a goal of fewer than four words, a setting of fewer than five, or far too much."""
    for scenario in shelf.scenarios:
        for field, text in prose(scenario):
            least, most = _MEASURES[field.rpartition(".")[2]]
            count = sum(len(words(line)) for line in text.splitlines() if not is_row(line))
            if text and not least <= count <= most:
                yield Found(place(scenario), field, f"{count} words; {least} to {most} are of use")


def speaks_to_all(shelf: Shelf) -> Iterator[Found]:
    """A setting or a role that says "you": everyone reads it, and each would take it for their own."""
    for scenario in shelf.scenarios:
        for field, text in prose(scenario):
            if field in ("title", "setting") or field.endswith(".role"):
                bare = re.sub(r'"[^"]*"|\u201c[^\u201d]*\u201d', "", text)  # what is quoted is said by somebody
                if found := {"you", "your", "yours", "yourself", "you're"} & set(words(bare)):
                    yield Found(place(scenario), field, f"{min(found)!r} in what all are told; write of third persons")


def leftover(shelf: Shelf) -> Iterator[Found]:
    """What was left by whoever or whatever made the text: marks, placeholders, notes to do, a sentence twice."""
    for record, field, text in every_text(shelf):
        found = _LEFT.search(text)
        told = sentences(text)
        twice = next((said for said in told if len(words(said)) > 3 and told.count(said) > 1), "")
        if found:
            yield Found(record, field, f"{found[0]!r} was left over")
        elif twice:
            yield Found(record, field, f'"{twice}" stands here twice')


def speaks_of_models(shelf: Shelf) -> Iterator[Found]:
    """A text that speaks of being a language model, of prompts or of the simulation; an agent would take it for its instructions."""
    for record, field, text in every_text(shelf):
        if found := _OF_MODELS.search(text):
            yield Found(record, field, f"{found[0]!r}: a text is of the world, not of what plays it")


def hidden_text(shelf: Shelf) -> Iterator[Found]:
    """Signs that no reader sees: control and direction signs, and those without width that no script needs."""
    for record, field, text in every_text(shelf):
        if found := next((c for c in text if c not in JOINERS and c != "\n" and not c.isprintable()), ""):
            yield Found(record, field, f"holds U+{ord(found):04X}, which nobody sees")


_MEASURES = {
    "title": (1, 15),
    "setting": (5, 160),
    "role": (1, 25),
    "goal": (4, 100),
    "extra_info": (3, 160),
    "clarification_hint": (2, 80),
    "strategy_hint": (2, 80),
}
"""In words. The longest text of SOTOPIA's by hand has 90."""

_LEFT = re.compile(
    r"""
      </?[a-z_]+(?:\ [a-z]+=[^>]*)?>             # <extra_info>, <p viewer="...">
    | \{\{?\s*\w+\s*\}?\}                        # {name}
    | \[(?:[A-Z][A-Za-z_ ]*|\.\.\.|insert[^]]*)\]   # [NAME]
    | \b(?:TODO|FIXME|XXX|TBD)\b | \blorem\ ipsum\b
    | ^\s*(?:\#+\ |\*\*|-\ \*\*|```) | \*\*\w
    | \b(?:extra\ information|hint|goal|setting|scenario|secret)\s*:\s
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_OF_MODELS = re.compile(
    r"""
      \bas\ an?\ (?:AI|artificial\ intelligence|(?:large\ )?language\ model)\b
    | \b(?:large\ )?language\ model\b | \bAI\ (?:assistant|model|agent)\b | \bchatbot\b
    | \b(?:system|user)\ prompt\b | \bJSON\b | \brole-?play(?:er|ing)?\ (?:as|game)\b
    | \bignore\ (?:all\ |any\ )?(?:previous|prior|above|other)\ instructions\b | \bin\ this\ (?:simulation|dialogue|role-?play|prompt)\b
    | \bI(?:'m|\ am)\ (?:sorry|unable),?\ (?:but\ )?(?:I\ )?(?:can(?:no|')t|to)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
