"""What an import or an export has to say: problems, which leave a row out, and remarks, which leave nothing out.

Neither ever quotes a goal, a hint or a secret.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from pydantic import ValidationError

from comity.interop.marks import OddityKind

__all__ = ["ImportFailed", "Problem", "Remark", "RemarkKind", "Report"]

RemarkKind = (
    OddityKind
    | Literal[
        "ages",
        "agent_constraint",
        "annotation_unplaced",
        "cast",
        "character_differs",
        "choice_unknown",
        "connection_lost",
        "dialogue_repeated",
        "ending_differs",
        "field_dropped",
        "goal_moved",
        "licence_unknown",
        "mark_in_setting",
        "occupations",
        "outcome_unknown",
        "pair_repeated",
        "relationship_differs",
        "relationship_unknown",
        "role_given",
        "scenario_differs",
        "scenario_repeated",
        "trait",
        "unmarked_label",
        "viewer",
        "written_otherwise",
    ]
)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a reader of the import or export should know. Everything it is about was read or written."""

    kind: RemarkKind
    where: str
    """`file:line`, the file where it is about all of its lines, or what is written and its id."""
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row was left out."""

    where: str
    """`file:line`, or what was to be written and its id."""
    message: str
    """Field, reason and fix."""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class ImportFailed(Exception):
    """Nothing can be imported: the place does not hold what is asked of it. The message says what is expected."""


@dataclass
class Report:
    """What was found so far."""

    problems: list[Problem] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def problem(self, where: str, message: str) -> None:
        """Note that a row is left out, and why."""
        self.problems.append(Problem(where, message))

    def invalid(self, where: str, error: ValidationError) -> None:
        """Note every fault of a row, by field; its values are not quoted, since some are secrets."""
        for fault in error.errors(include_url=False, include_input=False, include_context=False):
            place = ".".join(map(str, fault["loc"])) or "the line"
            fix = _FIXES.get(fault["type"], "correct it, or remove the line")
            self.problem(where, f"{place}: {fault['msg'][:1].lower()}{fault['msg'][1:]}; {fix}")

    def remark(self, kind: RemarkKind, where: str, message: str) -> None:
        """Note what a reader should know."""
        self.remarks.append(Remark(kind, where, message))

    def remark_all(self, kind: RemarkKind, where: str, messages: Iterable[str]) -> None:
        """The same for several at once."""
        self.remarks += [Remark(kind, where, message) for message in messages]


_FIXES = {"missing": "add the field", "json_invalid": "write one JSON object a line"}
