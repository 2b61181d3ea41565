"""What is kept of a candidate, step by step: the reply and where it came from, what the rules found, edits, and who decided what.

Each step is one row of a journal; a candidate is what its rows come to. Reading and writing rows is in `journal`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from comity.generate.ideas import Idea, Kind
from comity.library.lint import Finding
from comity.world.characters import Character
from comity.world.episodes import Policy
from comity.world.events import Call
from comity.world.record import Record
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario

__all__ = [
    "Answered",
    "Candidate",
    "Checked",
    "Decided",
    "Draft",
    "Edited",
    "Licensed",
    "Made",
    "Replied",
    "Row",
    "State",
]

Made = Scenario | Character | Relationship
"""A record of any of the three kinds."""

State = Literal["waiting", "passed", "rejected", "accepted"]
"""Waiting for the rules; let through by them and waiting for a person; rejected by either; accepted by a person."""


class Draft(Record):
    """A record that may become a library's, with what its maker noted for readers of the file."""

    record: Made
    notes: Mapping[str, str] = Field(default_factory=dict)
    """Such as `Conflict` and `Way out` of a scenario. They reach no prompt of a player."""


class _Row(Record):
    candidate: str
    at: datetime


class Replied(_Row):
    """A reply that could not be used, kept before the model is asked once more, so that it is paid for once."""

    event: Literal["replied"] = "replied"
    prompt_hash: str
    completion: Mapping[str, JsonValue]


class Answered(_Row):
    """What a model made of an idea, or why nothing could be read; with all that it depends on."""

    event: Literal["answered"] = "answered"
    kind: Kind
    idea: Idea
    seed: int
    """Of the asking; that of each call follows from it."""
    policy: Policy
    """Model, prompt with its hash, sampling."""
    examples: tuple[str, ...]
    """The records of the shipped library that were shown, by id."""
    people: tuple[str, ...] = ()
    """Of a relationship, the characters to choose from, by id."""
    licence: str = ""
    """What the user says of the model's output."""
    calls: tuple[Call, ...]
    draft: Draft | None
    problem: str = ""
    """Why there is no draft."""
    code_version: str


class Licensed(_Row):
    """The licence that a later start of the same asking gave, for what was answered without one."""

    event: Literal["licensed"] = "licensed"
    licence: str
    code_version: str


class Checked(_Row):
    """What the rules found in a draft, and their decision."""

    event: Literal["checked"] = "checked"
    passed: bool
    findings: tuple[Finding, ...]
    code_version: str


class Edited(_Row):
    """A person's own version of a draft, and what the rules find in it."""

    event: Literal["edited"] = "edited"
    draft: Draft
    findings: tuple[Finding, ...]
    code_version: str


class Decided(_Row):
    """A person's decision."""

    event: Literal["decided"] = "decided"
    accepted: bool
    reason: str = ""
    files: tuple[str, ...] = ()
    """What was written for it, seen from the folder."""
    code_version: str


Row = Annotated[Replied | Answered | Licensed | Checked | Edited | Decided, Field(discriminator="event")]


@dataclass(frozen=True, slots=True)
class Candidate:
    """How a candidate stands."""

    answered: Answered
    checked: Checked | None = None
    edited: Edited | None = None
    """The last edit."""
    decided: Decided | None = None

    @property
    def id(self) -> str:
        """Its own, not the record's."""
        return self.answered.candidate

    @property
    def kind(self) -> Kind:
        """What it is to become."""
        return self.answered.kind

    @property
    def draft(self) -> Draft | None:
        """As it is now; `None` where nothing could be read."""
        return self.edited.draft if self.edited else self.answered.draft

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of the draft as it is now."""
        latest = self.edited or self.checked
        return latest.findings if latest else ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings with which it cannot be accepted."""
        return tuple(finding for finding in self.findings if finding.level == "error")

    @property
    def state(self) -> State:
        """Where it stands."""
        if self.decided:
            return "accepted" if self.decided.accepted else "rejected"
        if self.checked is None:
            return "waiting"
        if self.edited:
            return "rejected" if self.errors else "passed"
        return "passed" if self.checked.passed else "rejected"

    @property
    def by(self) -> Literal["rules", "person"] | None:
        """Who brought it into this state; `None` while it waits for the rules."""
        if self.decided or self.edited:
            return "person"
        return "rules" if self.checked else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is rejected."""
        if self.decided:
            return () if self.decided.accepted else (self.decided.reason,)
        if self.draft is None:
            return (self.answered.problem,)
        return tuple(map(str, self.errors))

    def after(self, row: Licensed | Checked | Edited | Decided) -> "Candidate":
        """The candidate with one more step. What a person has decided stands until they decide anew."""
        match row:
            case Licensed():
                return self._under(row.licence)
            case Checked():
                return Candidate(self.answered, row, self.edited, self.decided)
            case Edited():
                return Candidate(self.answered, self.checked, row, None)
            case Decided():
                return Candidate(self.answered, self.checked, self.edited, row)

    def _under(self, licence: str) -> "Candidate":
        """The candidate with this licence on its draft and its person's edit, and without the finding that there is none."""
        answered = self.answered.model_copy(
            update={"licence": licence, "draft": self.answered.draft and _licensed(self.answered.draft, licence)}
        )
        checked = self.checked and self.checked.model_copy(update={"findings": _but_licence(self.checked.findings)})
        edited = self.edited and self.edited.model_copy(
            update={"draft": _licensed(self.edited.draft, licence), "findings": _but_licence(self.edited.findings)}
        )
        return Candidate(answered, checked, edited, self.decided)


def _licensed(draft: Draft, licence: str) -> Draft:
    """The draft under this licence, unless it has one."""
    record = draft.record.model_copy(update={"licence": draft.record.licence or licence})
    return draft.model_copy(update={"record": record})


def _but_licence(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(each for each in findings if (each.rule, each.field) != ("no_licence", "licence"))
