"""Records as the files of a library, in the form of those that ship. Reading them is the library's loader's."""

import json
import re
from collections.abc import Mapping, Sequence

from comity.generate.candidates import Draft
from comity.generate.casts import Cast
from comity.world.characters import Character
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario

__all__ = ["character_file", "draft_file", "relationship_entry", "scenario_file"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED = re.compile("[\x7f-\x9f]")
"""Control characters that JSON lets pass and TOML does not, or that no reader would see."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def character_file(who: Character, comments: Sequence[str] = ()) -> str:
    """A character's file. Each comment is a line at its head."""
    fields = _said(who)
    factors = fields.pop("big_five", {})
    table = (
        "".join(f"{name} = {_value(level)}\n" for name, level in factors.items()) if isinstance(factors, dict) else ""
    )
    return _comments(comments) + _lines(fields) + (f"\n[big_five]\n{table}" if table else "")


def relationship_entry(each: Relationship, comments: Sequence[str] = ()) -> str:
    """The table that is added to the file of all relationships."""
    fields = {"id": each.id, **_said(each)}
    return f"\n{_comments(comments)}[[relationship]]\n{_lines(fields)}"


def scenario_file(scenario: Scenario, casts: Mapping[str, Cast], comments: Sequence[str] = ()) -> str:
    """A scenario's file, with its casts by their ids."""
    fields = _said(scenario)
    first = {name: fields.pop(name) for name in ("title", "family", "setting") if name in fields}
    del fields["seats"]
    parts = [_comments(comments) + _lines(first | fields)]
    parts += [f"[[seats]]\n{_lines(seat.model_dump(mode='json', exclude_defaults=True))}" for seat in scenario.seats]
    for id_, cast in casts.items():
        parts.append(f"[[casts]]\n{_lines({'id': id_, 'seats': {seat: who.id for seat, who in cast.items()}})}")
    return "\n".join(parts)


def draft_file(draft: Draft) -> str:
    """A draft as a file for its editor: the record with its notes, without casts."""
    notes = [f"{name}: {text}" for name, text in draft.notes.items() if text]
    match draft.record:
        case Character():
            return character_file(draft.record, notes)
        case Relationship():
            return relationship_entry(draft.record, notes).lstrip("\n")
        case Scenario():
            return scenario_file(draft.record, {}, notes)


def _said(record: Character | Relationship | Scenario) -> dict[str, object]:
    """The fields that say something, and the source in any case: without it, it would be that of `library.toml`."""
    told: dict[str, object] = record.model_dump(mode="json", exclude_defaults=True, exclude={"id"}, exclude_none=True)
    if isinstance(record, Scenario) and record.payoff is not None:
        told["payoff"] = record.payoff.model_dump(
            mode="json", exclude_none=True
        )  # its kind is a default of its own class
    return told | {"source": record.source}


def _comments(lines: Sequence[str]) -> str:
    """Each on one line, as a comment ends with it, and without what TOML does not take even there."""
    told = (" ".join(_CONTROL.sub(" ", line).split()) for line in lines)
    return "".join(f"# {line}\n" for line in told if line)


def _lines(fields: Mapping[str, object]) -> str:
    return "".join(f"{_key(name)} = {_value(value)}\n" for name, value in fields.items())


def _value(value: object) -> str:
    match value:
        case dict():
            return f"{{ {', '.join(f'{_key(str(name))} = {_value(of)}' for name, of in value.items())} }}"
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            text = json.dumps(value, ensure_ascii=False)
            return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)
