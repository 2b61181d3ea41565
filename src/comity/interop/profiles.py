"""The lines of SOTOPIA's files as they are, and what is found wrong or worth saying while they are read.

What is made of them is in `comity.interop.sotopia`.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from comity.interop.constraints import is_open
from comity.interop.marks import OddityKind
from comity.world.record import Name, Slug
from comity.world.relationships import RelationshipKind

__all__ = [
    "AgentRow",
    "ComboRow",
    "EnvironmentRow",
    "ImportFailed",
    "Reading",
    "RelationshipRow",
    "Remark",
    "RemarkKind",
    "combos_file",
]

RemarkKind = (
    OddityKind
    | Literal[
        "ages",
        "agent_constraint",
        "cast",
        "field_dropped",
        "goal_moved",
        "licence_unknown",
        "mark_in_setting",
        "occupations",
        "pair_repeated",
        "relationship_differs",
        "role_given",
        "trait",
        "unmarked_label",
        "viewer",
    ]
)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a reader of the import should know. It never quotes a goal, a hint or a secret."""

    kind: RemarkKind
    where: str
    """`file:line`, or the file where it is about all of its lines."""
    message: str


class ImportFailed(Exception):
    """The folder cannot be imported, and nothing of it was. `problems` has all that was found: file, line, field and fix."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        shown = self.problems[:_SHOWN]
        more = [f"... and {len(self.problems) - _SHOWN:,} more"] if len(self.problems) > _SHOWN else []
        super().__init__("\n".join([*shown, *more]))


_SHOWN = 20

AGENTS = "agent_profiles.jsonl"
ENVIRONMENTS = "environment_profiles.jsonl"
RELATIONSHIPS = "relationship_profiles.jsonl"
COMBOS = ("env_agent_combo_storages.jsonl", "env_agent_combos.jsonl")
_EXPECTED = f"{AGENTS}, {ENVIRONMENTS}, {RELATIONSHIPS} and {COMBOS[0]} (or {COMBOS[1]})"


def combos_file(folder: Path) -> str:
    """The name of the folder's file of combinations, which tells the layout. Raises `ImportFailed` where a file is lacking."""
    if not folder.is_dir():
        raise ImportFailed([f"{folder} is not a folder; give one that holds {_EXPECTED}"])
    missing = [name for name in (AGENTS, ENVIRONMENTS, RELATIONSHIPS) if not (folder / name).is_file()]
    combos = [name for name in COMBOS if (folder / name).is_file()]
    if missing or not combos:
        missing += [] if combos else [" or ".join(COMBOS)]
        raise ImportFailed([f"{folder} lacks {', '.join(missing)}; expected are {_EXPECTED}"])
    if len(combos) > 1:
        raise ImportFailed([f"{folder} has both {' and '.join(combos)}; keep the one to import"])
    return combos[0]


class _Row(BaseModel):
    """One line of a file. Fields it does not name are counted in the report."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: Slug
    origins: tuple[str, ...] = Field((), validation_alias="_source")


_Code = Annotated[int, Field(ge=0, lt=len(RelationshipKind))]
"""A relationship's place in the list from stranger to family."""


class AgentRow(_Row):
    """A character."""

    id: Slug = Field(validation_alias=AliasChoices("agent_id", "pk"))
    first_name: Name
    last_name: str
    age: int = Field(ge=18, le=120)
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
class Reading:
    """One import under way: what was found wrong so far, and what is worth a remark."""

    folder: Path
    released: bool
    problems: list[str] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def rows(self, name: str, model: type[_R]) -> list[tuple[str, _R]]:
        """Each line of the file with its place."""
        try:
            lines = (self.folder / name).read_bytes().split(b"\n")
        except OSError as error:
            self.problem(name, f"cannot be read ({error.strerror}); check that the file is there and may be read")
            return []
        found: list[tuple[str, _R]] = []
        first: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            where = f"{name}:{number}"
            if not line.strip():
                continue
            try:
                row = model.model_validate_json(line)
            except ValidationError as error:
                self.invalid(where, error)
                continue
            if (before := first.setdefault(row.id, where)) != where:
                self.problem(where, f"id: {row.id} is already in {before}; remove one of the two lines")
            found.append((where, row))
        self._remark_on_fields(name, [row for _, row in found])
        return found

    def problem(self, where: str, message: str) -> None:
        """Note what makes the import fail at the next `check`."""
        self.problems.append(f"{where}: {message}")

    def invalid(self, where: str, error: ValidationError) -> None:
        """Note every fault of a line, by field; its values are not quoted, since some are secrets."""
        for fault in error.errors(include_url=False, include_input=False, include_context=False):
            place = ".".join(map(str, fault["loc"])) or "the line"
            fix = _FIXES.get(fault["type"], "correct it, or remove the line")
            self.problem(where, f"{place}: {fault['msg'][:1].lower()}{fault['msg'][1:]}; {fix}")

    def remark(self, kind: RemarkKind, where: str, message: str) -> None:
        self.remarks.append(Remark(kind, where, message))

    def check(self) -> None:
        """Raise `ImportFailed` with all problems so far, if there are any."""
        if self.problems:
            raise ImportFailed(self.problems)

    def source(self, row: _Row) -> str:
        """Where a row comes from and under which licence."""
        if row.origins:
            return "; ".join(dict.fromkeys(_licence(origin) or origin for origin in row.origins))
        return (
            "SOTOPIA release (arXiv 2310.11667), CC-BY-SA-4.0"
            if self.released
            else "SOTOPIA format, licence not stated"
        )

    def _remark_on_fields(self, name: str, rows: list[_R]) -> None:
        dropped = Counter(
            key for row in rows for key, value in (row.model_extra or {}).items() if not is_open(str(value))
        )
        for key, count in dropped.items():
            self.remark("field_dropped", name, f"{key}: {count:,} values have no place in a record and were dropped")
        unknown = sum(not any(map(_licence, row.origins)) for row in rows) if rows and not self.released else 0
        if unknown:
            self.remark("licence_unknown", name, f"{unknown:,} lines do not say under which licence they come")


_FIXES = {"missing": "add the field", "json_invalid": "write one JSON object a line"}
_LICENCES = {
    "sotopia": "SOTOPIA (arXiv 2310.11667), MIT",
    "sotopia-pi": "SOTOPIA-π (arXiv 2403.08715), Apache-2.0",
}


def _licence(origin: str) -> str:
    return _LICENCES.get(origin.partition(":")[0], "")
