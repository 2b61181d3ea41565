"""SOTOPIA's words for personality and values, as comity's closed sets. What is in neither is reported, never guessed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from comity.world.characters import BigFive, Level, MoralValue, SchwartzValue

__all__ = [
    "read_big_five",
    "read_moral_values",
    "read_schwartz_values",
    "write_big_five",
    "write_moral_values",
    "write_schwartz_values",
]

_MORAL: Mapping[str, MoralValue] = {
    "care": MoralValue.CARE,
    "harm": MoralValue.CARE,
    "fairness": MoralValue.FAIRNESS,
    "reciprocity": MoralValue.FAIRNESS,
    "cheating": MoralValue.FAIRNESS,
    "justice": MoralValue.FAIRNESS,
    "loyalty": MoralValue.LOYALTY,
    "in-group loyalty": MoralValue.LOYALTY,
    "ingroup": MoralValue.LOYALTY,
    "betrayal": MoralValue.LOYALTY,
    "authority": MoralValue.AUTHORITY,
    "subversion": MoralValue.AUTHORITY,
    "sanctity": MoralValue.PURITY,
    "purity": MoralValue.PURITY,
    "degradation": MoralValue.PURITY,
    "liberty": MoralValue.LIBERTY,
    "oppression": MoralValue.LIBERTY,
}
_SCHWARTZ: Mapping[str, SchwartzValue] = {value.value: value for value in SchwartzValue} | {
    "obedience": SchwartzValue.CONFORMITY
}
_TRANSLATED = {
    "justice": "names no foundation; read as fairness",
    "obedience": "is not one of Schwartz's ten values; read as conformity, which contains it",
}
_MORAL_WORDS = {
    MoralValue.CARE: ("Care", "Harm"),
    MoralValue.FAIRNESS: ("Fairness", "Reciprocity"),
    MoralValue.LOYALTY: ("Loyalty", "Betrayal"),
    MoralValue.AUTHORITY: ("Authority", "Subversion"),
    MoralValue.PURITY: ("Sanctity", "Purity"),
    MoralValue.LIBERTY: ("Liberty", "Oppression"),
}
"""Each foundation as the release mostly calls it: by its first word among others, by both where it stands alone."""
_LEVELS: Mapping[str, Level] = {"low": "low", "medium": "medium", "moderate": "medium", "high": "high"}
_V = TypeVar("_V")


def read_big_five(raw: str) -> tuple[BigFive, list[str]]:
    """The levels from the likes of `Openness to Experience - High; Extraversion - Low`; and what there is to report."""
    levels: dict[str, Level] = {}
    report: list[str] = []
    for part in filter(None, map(str.strip, raw.split(";"))):
        name, _, level = part.rpartition(" - ")
        trait = name.lower().removesuffix(" to experience").strip()
        if trait in BigFive.model_fields and level.strip().lower() in _LEVELS:
            levels[trait] = _LEVELS[level.strip().lower()]
        else:
            report.append(f"big_five: {part!r} is not a trait with its level; dropped")
    return BigFive.model_validate(levels), report


def read_moral_values(raw: Iterable[str]) -> tuple[tuple[MoralValue, ...], list[str]]:
    """The foundations from the likes of `["Care/Harm"]` and `["['Authority'", " ' Care']"]`; and what there is to report."""
    return _values("moral_values", raw, _MORAL)


def read_schwartz_values(raw: Iterable[str]) -> tuple[tuple[SchwartzValue, ...], list[str]]:
    """The values from the likes of `["Power", " Achievement"]`; and what there is to report."""
    return _values("schwartz_personal_values", raw, _SCHWARTZ)


def write_big_five(traits: BigFive) -> str:
    """The levels in SOTOPIA's words; a trait of which nothing is known is left out."""
    named = {"openness": "Openness to Experience"}
    levels = ((named.get(trait, trait.title()), level) for trait, level in traits.model_dump().items() if level)
    return "; ".join(f"{trait} - {level.title()}" for trait, level in levels)


def write_moral_values(values: Sequence[MoralValue]) -> list[str]:
    """The foundations in SOTOPIA's words, each but the first after a blank, as the release has them."""
    if len(values) == 1:
        return ["/".join(_MORAL_WORDS[values[0]])]
    return _listed(_MORAL_WORDS[value][0] for value in values)


def write_schwartz_values(values: Sequence[SchwartzValue]) -> list[str]:
    """The values in SOTOPIA's words, each but the first after a blank, as the release has them."""
    return _listed(value.value.title() for value in values)


def _listed(words: Iterable[str]) -> list[str]:
    return [word if i == 0 else f" {word}" for i, word in enumerate(words)]


def _values(name: str, raw: Iterable[str], meaning: Mapping[str, _V]) -> tuple[tuple[_V, ...], list[str]]:
    words = [word.strip(" []'\"") for word in re.split(r"[,/&]", ",".join(raw))]
    found: dict[_V, None] = {}
    report: list[str] = []
    for word in filter(None, words):
        key = word.lower()
        if key in _TRANSLATED and key in meaning:
            report.append(f"{name}: {word!r} {_TRANSLATED[key]}")
        if key in meaning:
            found[meaning[key]] = None
        else:
            report.append(f"{name}: {word!r} is not a value we know; dropped")
    return tuple(found), report
