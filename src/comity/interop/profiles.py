"""The lines of SOTOPIA's profile files as they are, in both layouts. What is made of them is in `comity.interop.sotopia`."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, JsonValue

from comity.interop.constraints import is_open
from comity.interop.licences import RELEASE, licence_of, named_source
from comity.interop.remarks import ImportFailed, Report
from comity.interop.rows import lines_of, read_row, without_repeats
from comity.world.record import Name, Slug
from comity.world.relationships import RelationshipKind

__all__ = [
    "AGENTS",
    "COMBOS",
    "ENVIRONMENTS",
    "RELATIONSHIPS",
    "AgentRow",
    "ComboRow",
    "EnvironmentRow",
    "Reading",
    "RelationshipRow",
    "combos_file",
]

AGENTS = "agent_profiles.jsonl"
ENVIRONMENTS = "environment_profiles.jsonl"
RELATIONSHIPS = "relationship_profiles.jsonl"
COMBOS = ("env_agent_combo_storages.jsonl", "env_agent_combos.jsonl")
"""The combinations, as the release calls them and as SOTOPIA-π's dump does; which of the two is there tells the layout."""
_EXPECTED = f"{AGENTS}, {ENVIRONMENTS}, {RELATIONSHIPS} and {COMBOS[0]} (or {COMBOS[1]})"


def combos_file(folder: Path) -> str:
    """The name of the folder's file of combinations, which tells the layout. Raises `ImportFailed` where a file is lacking."""
    if not folder.is_dir():
        raise ImportFailed(f"{folder} is not a folder; give one that holds {_EXPECTED}")
    missing = [name for name in (AGENTS, ENVIRONMENTS, RELATIONSHIPS) if not (folder / name).is_file()]
    combos = [name for name in COMBOS if (folder / name).is_file()]
    if missing or not combos:
        missing += [] if combos else [" or ".join(COMBOS)]
        raise ImportFailed(f"{folder} lacks {', '.join(missing)}; expected are {_EXPECTED}")
    if len(combos) > 1:
        raise ImportFailed(f"{folder} has both {' and '.join(combos)}; keep the one to import")
    return combos[0]


class _Row(BaseModel):
    """One line of a file. Fields it does not name are counted in the report."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: Slug
    origins: tuple[str, ...] = Field((), validation_alias="_source")
    licence: str = ""


_Code = Annotated[int, Field(ge=0, lt=len(RelationshipKind))]
"""A relationship's place in the list from stranger to family."""


class AgentRow(_Row):
    """A character."""

    id: Slug = Field(validation_alias=AliasChoices("agent_id", "pk"))
    first_name: Name
    last_name: str
    age: int | None = Field(None, ge=18, le=120)
    occupation: Name
    gender: Name
    gender_pronoun: Name
    public_info: str
    big_five: str
    moral_values: tuple[str, ...]
    schwartz_personal_values: tuple[str, ...]
    personality_and_values: str
    decision_making_style: str
    secret: str


class EnvironmentRow(_Row):
    """A scenario, its two goals with their mark-up."""

    id: Slug = Field(validation_alias=AliasChoices("env_id", "pk"))
    codename: Name
    origin: str = Field(validation_alias="source")
    scenario: str
    agent_goals: tuple[str, str]
    relationship: _Code
    age_constraint: JsonValue
    occupation_constraint: JsonValue
    agent_constraint: JsonValue = None


class RelationshipRow(_Row):
    """How two characters stand to each other."""

    id: Slug = Field(validation_alias=AliasChoices("relationship_id", "pk"))
    one: Slug = Field(validation_alias=AliasChoices("agent1_id", "agent_1_id"))
    other: Slug = Field(validation_alias=AliasChoices("agent2_id", "agent_2_id"))
    relationship: _Code
    background_story: str


class ComboRow(_Row):
    """A scenario and who is cast in it, in the order of its goals."""

    id: Slug = Field(validation_alias=AliasChoices("combo_id", "pk"))
    env_id: Slug
    agent_ids: tuple[Slug, Slug]


_R = TypeVar("_R", bound=_Row)


@dataclass
class Reading(Report):
    """One import of profiles under way."""

    folder: Path = field(default_factory=Path)
    released: bool = False
    """Whether the folder has the layout of the release, and so, where a line does not say otherwise, its licence."""
    licence: str = ""
    """The licence of everything, where the user says so."""

    def rows(self, name: str, model: type[_R]) -> list[tuple[str, _R]]:
        """Each line of the file that fits, with its place."""
        read = [(where, read_row(self, where, line, model)) for where, line in lines_of(self, self.folder / name)]
        found = without_repeats(self, ((where, row.id, row) for where, row in read if row is not None))
        self._remark_on_fields(name, [row for _, row in found])
        return found

    def provenance(self, row: _Row) -> dict[str, str]:
        """Where a row comes from and under which licence, as fields of a record."""
        source = named_source(row.origins) or (RELEASE if self.released else "SOTOPIA format")
        return {"source": source, "licence": self._licence(row)}

    def _licence(self, row: _Row) -> str:
        origins = row.origins or ((RELEASE,) if self.released else ("",))
        return self.licence or row.licence or licence_of(origins)

    def _remark_on_fields(self, name: str, rows: list[_R]) -> None:
        dropped = Counter(
            key for row in rows for key, value in (row.model_extra or {}).items() if not is_open(str(value))
        )
        for key, count in dropped.items():
            self.remark("field_dropped", name, f"{key}: {count:,} values have no place in a record and were dropped")
        if unknown := sum(not self._licence(row) for row in rows):
            self.remark("licence_unknown", name, f"{unknown:,} lines do not say under which licence they come")
