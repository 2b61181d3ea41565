"""Who exists: characters, in the terms of SOTOPIA (arXiv 2310.11667, section 2). What others may know of them is in `visibility`."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from comity.world.record import Name, Record, Slug

__all__ = ["BigFive", "Character", "Level", "MoralValue", "SchwartzValue"]

Level = Literal["low", "medium", "high"]


class BigFive(Record):
    """The five factors of personality; `None` where nothing is known."""

    openness: Level | None = None
    conscientiousness: Level | None = None
    extraversion: Level | None = None
    agreeableness: Level | None = None
    neuroticism: Level | None = None


class MoralValue(StrEnum):
    """The foundations of Moral Foundations Theory (Haidt and Joseph 2004), with the later liberty."""

    CARE = "care"
    FAIRNESS = "fairness"
    LOYALTY = "loyalty"
    AUTHORITY = "authority"
    PURITY = "purity"
    LIBERTY = "liberty"


class SchwartzValue(StrEnum):
    """The ten basic personal values (Schwartz 1992)."""

    SELF_DIRECTION = "self-direction"
    STIMULATION = "stimulation"
    HEDONISM = "hedonism"
    ACHIEVEMENT = "achievement"
    POWER = "power"
    SECURITY = "security"
    CONFORMITY = "conformity"
    TRADITION = "tradition"
    BENEVOLENCE = "benevolence"
    UNIVERSALISM = "universalism"


class Character(Record):
    """One person. Everything but the name is shown to others only as the relationship allows; the secret never is."""

    id: Slug
    name: Name
    age: int | None = Field(ge=18, le=120)
    """In years. Characters are adults; `None` for one of whom no more is known, such as a participant of a study."""
    gender: Name
    pronouns: Name
    occupation: Name
    public_info: str = ""
    """What an acquaintance may know, in a sentence or two."""
    big_five: BigFive = BigFive()
    moral_values: tuple[MoralValue, ...] = ()
    schwartz_values: tuple[SchwartzValue, ...] = ()
    decision_style: str = ""
    personality: str = ""
    """Personality and values, in prose."""
    secret: str = ""
    source: str = ""
    """Where the record comes from."""
    licence: str = ""
    """The licence of the record's text as an SPDX expression, such as `CC-BY-4.0`; empty where it is not known."""
