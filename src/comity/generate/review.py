"""A person's decisions about candidates: accept into the folder's library, edit, reject. Every one of them is a row of the journal."""

from datetime import UTC, datetime
from typing import TypedDict

from comity._version import code_version
from comity.generate.acceptance import Unacceptable, accept, file_of, read_draft
from comity.generate.batch import check_waiting
from comity.generate.candidates import Candidate, Decided, Draft, Edited, Made
from comity.generate.checks import check
from comity.generate.journal import Journal
from comity.generate.library_files import draft_file
from comity.generate.present import folder_library, present
from comity.library.lint import Embedder, Finding
from comity.world.relationships import Relationship

__all__ = ["Review"]


class _Step(TypedDict):
    """What every row of a person's has."""

    candidate: str
    at: datetime
    code_version: str


class Review:
    """The candidates of a folder before a person. What a kill left unchecked is checked first. Raises `LibraryError`."""

    def __init__(self, journal: Journal, embed: Embedder | None = None) -> None:
        self._journal, self._embed = journal, embed
        self.folder = journal.path.parent
        check_waiting(journal, folder_library(self.folder), embed)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All of them, as they stand now, in the order in which they were answered."""
        return tuple(self._journal.candidates)

    def candidate(self, id_: str) -> Candidate:
        """The candidate of this id, or the one whose record has it. Raises `Unacceptable` where there is none, or several."""
        found = [each for each in self.candidates if id_ == each.id or (each.draft and id_ == each.draft.record.id)]
        if len(found) != 1:
            said = "names several candidates; give the id of one" if found else "is no candidate here"
            raise Unacceptable(f"{id_!r} {said}; see them all: comity generate review {self.folder} --list")
        return found[0]

    def accept(self, candidate: Candidate) -> Candidate:
        """Write the draft into the folder's library. Raises `Unacceptable` where it has faults, and writes nothing then.

        What was accepted and then removed by hand may be accepted anew.
        """
        draft = self._open(candidate)
        if errors := [each for each in self._check(candidate, draft) if each.level == "error"]:
            raise Unacceptable(
                "\n".join([f"{candidate.id} cannot be accepted as it is; edit it first", *map(str, errors)])
            )
        files = accept(self.folder, draft, self._origin(candidate), candidate.answered.seed)
        return self._decide(candidate, Decided(**self._row(candidate), accepted=True, files=files))

    def reject(self, candidate: Candidate, reason: str) -> Candidate:
        """Set it aside. Raises `Unacceptable` where it was accepted and is there still, or where no reason is given."""
        if stands := self._stands(candidate):
            raise Unacceptable(f"{candidate.id} was accepted already; remove {stands} first, then reject it")
        if not reason.strip():
            raise Unacceptable("say why; the reason is kept with the candidate")
        return self._decide(candidate, Decided(**self._row(candidate), accepted=False, reason=reason.strip()))

    def text(self, candidate: Candidate) -> str:
        """The draft as a file for an editor. Raises `Unacceptable` where there is nothing to edit."""
        return draft_file(self._open(candidate))

    def edit(self, candidate: Candidate, text: str) -> Candidate:
        """Take a person's version of the file, and check it. Raises `Unacceptable` where the loader cannot read it."""
        draft = read_draft(text, self._open(candidate))
        if draft == candidate.draft:
            return candidate
        found = self._check(candidate, draft)
        row = Edited(**self._row(candidate), draft=draft, findings=found)
        self._journal.append(row)
        return candidate.after(row)

    def _open(self, candidate: Candidate) -> Draft:
        if candidate.draft is None:
            raise Unacceptable(f"{candidate.id} holds nothing: {candidate.answered.problem}")
        if stands := self._stands(candidate):
            raise Unacceptable(f"{candidate.id} was accepted already; edit {stands} instead")
        return candidate.draft

    def _stands(self, candidate: Candidate) -> str:
        """Where what was accepted is to be found; empty where it was not, or where somebody has removed it since."""
        if candidate.state != "accepted" or candidate.draft is None:
            return ""
        record, file = candidate.draft.record, self.folder / file_of(candidate.draft.record)
        if not isinstance(record, Relationship):
            return str(file) if file.exists() else ""
        pairs = [set(each.between) for each in folder_library(self.folder).relationships]
        return f"the table {record.id!r} of {file}" if set(record.between) in pairs else ""

    def _check(self, candidate: Candidate, draft: Draft) -> tuple[Finding, ...]:
        own = folder_library(self.folder)
        # what an acceptance that was killed has written already is no duplicate of itself
        own = own.model_copy(
            update={
                "scenarios": tuple(each for each in own.scenarios if not _is_written(draft, each)),
                "characters": tuple(each for each in own.characters if not _is_written(draft, each)),
                "relationships": tuple(each for each in own.relationships if not _is_written(draft, each)),
            }
        )
        against = present(own, self._journal.candidates, but=candidate.id)
        return check(draft.record, against, candidate.answered.seed, self._embed)

    def _origin(self, candidate: Candidate) -> tuple[str, ...]:
        answered = candidate.answered
        by = "written by a model and edited by a person" if candidate.edited else "written by a model"
        return (f"Candidate {candidate.id}, {by}, from the idea: {answered.idea.text}",)

    def _decide(self, candidate: Candidate, row: Decided) -> Candidate:
        self._journal.append(row)
        return candidate.after(row)

    def _row(self, candidate: Candidate) -> _Step:
        return {"candidate": candidate.id, "at": datetime.now(UTC), "code_version": code_version()}


def _is_written(draft: Draft, there: Made) -> bool:
    """Whether a record of the folder is the draft, with the folder's licence where it has none itself."""
    licence = draft.record.licence or there.licence
    return draft.record.model_copy(update={"licence": licence}) == there
