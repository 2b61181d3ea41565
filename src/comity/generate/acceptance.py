"""From a draft to files of a library. What a folder would come to is read by the library's loader before any file of it is touched."""

import os
import shutil
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

from comity.generate.candidates import Draft, Made
from comity.generate.casts import Cast, casts_of
from comity.generate.library_files import character_file, relationship_entry, scenario_file
from comity.generate.present import PARTS, people
from comity.generate.questions import slug
from comity.library import LibraryError, load_library
from comity.world.characters import Character
from comity.world.collection import Collection, related
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario

__all__ = ["Unacceptable", "accept", "file_of", "place", "read_draft"]

_RELATIONSHIPS = "relationships.toml"
_COPIED = "Copied from Comity's library, so that whoever is cast here is here."
_DRAFT = {"scenarios": "scenarios/{}.toml", "characters": "characters/{}.toml", "relationships": _RELATIONSHIPS}


class Unacceptable(ValueError):
    """A draft that cannot become a file of a library; the message says why, one line for each reason."""


def accept(folder: Path, draft: Draft, comments: Sequence[str], seed: int) -> tuple[str, ...]:
    """Write a draft into a folder, with the characters it needs and their relationships, and say which files were written.

    What is there already, word for word, is left as it is: accepting twice is accepting once. Raises `Unacceptable` where the
    folder would not load any more or a file cannot be written, and `LibraryError` where it does not load now.

    Args:
        comments: lines for the head of the record's own file.
        seed: of a scenario's casts.
    """
    files = _files(folder, draft, comments, seed)
    _rehearse(folder, files)
    place(folder, files)
    return tuple(files)


def place(folder: Path, files: Mapping[str, str]) -> None:
    """Write files of a folder by their names in it, each in one step. Raises `Unacceptable` with the first that cannot be written."""
    for name, text in files.items():
        try:
            _place(folder / name, text)
        except (FileExistsError, NotADirectoryError) as error:
            raise Unacceptable(f"{folder / name}: cannot be written; a file stands where a folder should") from error
        except OSError as error:
            raise Unacceptable(
                f"{folder / name}: cannot be written ({error.strerror}); mend that and do it again"
            ) from error


def file_of(record: Made) -> str:
    """The file that a record stands in, seen from its library's folder."""
    return _DRAFT[_kind(record)].format(record.id)


def read_draft(text: str, was: Draft) -> Draft:
    """What a person made of a draft's file. Raises `Unacceptable` with the loader's reasons.

    A scenario with another title, or a character with another name, has the id of that.
    """
    record = was.record
    if any(line.strip().replace(" ", "") == "[[casts]]" for line in text.splitlines()):
        raise Unacceptable("casts are drawn when it is accepted; leave them out here, and change them in the file then")
    whom = record.between if isinstance(record, Relationship) else ()
    there = {f"characters/{who}.toml": character_file(_nobody(who)) for who in whom}
    with TemporaryDirectory() as made:
        read = _load(Path(made), {file_of(record): text, **there})
    every: tuple[Made, ...] = (*read.scenarios, *read.characters, *read.relationships)
    found = [each for each in every if isinstance(each, type(record))]
    if len(found) != 1:
        raise Unacceptable(f"the file should hold the one record {record.id!r}")
    return Draft(record=_named_anew(found[0], record), notes=_notes(text, was))


def _named_anew(record: Made, was: Made) -> Made:
    """The record with the id of its new title or name; that of a relationship stands in its file."""
    now, before = _title(record), _title(was)
    return record if now == before else record.model_copy(update={"id": slug(now, was.id)})


def _title(record: Made) -> str:
    match record:
        case Scenario():
            return record.title
        case Character():
            return record.name
        case Relationship():
            return ""


def _load(folder: Path, files: Mapping[str, str]) -> Collection:
    """The library that a folder is with these files. What is wrong is said without the folder's own name."""
    try:
        place(folder, files)
        return load_library(folder)
    except (LibraryError, Unacceptable) as error:
        raise Unacceptable(str(error).replace(f"{folder}{os.sep}", "")) from None


def _kind(record: Made) -> str:
    return {Scenario: "scenarios", Character: "characters", Relationship: "relationships"}[type(record)]


def _nobody(id_: str) -> Character:
    """Somebody of this id, for a loader that only looks whether there is one."""
    return Character(id=id_, name=id_, age=18, gender="-", pronouns="-", occupation="-")


def _notes(text: str, was: Draft) -> dict[str, str]:
    """The notes as they stand in the comments now."""
    said = dict(line[2:].split(": ", 1) for line in text.splitlines() if line.startswith("# ") and ": " in line)
    return {name: said.get(name, "") for name in was.notes}


def _files(folder: Path, draft: Draft, comments: Sequence[str], seed: int) -> dict[str, str]:
    """All that has to be written, in an order in which a kill leaves a library that loads."""
    own = load_library(folder) if any((folder / part).exists() for part in PARTS) else Collection()
    among, record = people(own), draft.record
    notes = [*comments, *(f"{name}: {text}" for name, text in draft.notes.items() if text)]
    match record:
        case Character():
            return {f"characters/{record.id}.toml": character_file(record, notes)}
        case Relationship():
            return _with_people(folder, own, among, record.between, [(record, notes)])
        case Scenario():
            casts = casts_of(record, among, seed)
            if not casts:
                raise Unacceptable(f"nobody can be cast in {record.id!r}; widen its relationships, ages or occupations")
            cast = [who.id for each in casts for who in each.values()]
            file = scenario_file(record, _named(casts), notes)
            return {**_with_people(folder, own, among, cast, []), f"scenarios/{record.id}.toml": file}


def _with_people(
    folder: Path,
    own: Collection,
    among: Collection,
    ids: Sequence[str],
    new: Sequence[tuple[Relationship, Sequence[str]]],
) -> dict[str, str]:
    """The files of the characters that the folder lacks, and all ties of those it then has."""
    there = {who.id for who in own.characters}
    known = {who.id: who for who in among.characters}
    if missing := [id_ for id_ in ids if id_ not in known]:
        raise Unacceptable(f"there is no character {missing[0]!r}, neither here nor in the shipped library")
    lacking = {id_: known[id_] for id_ in dict.fromkeys(ids) if id_ not in there}
    files = {f"characters/{id_}.toml": character_file(who, [_COPIED]) for id_, who in lacking.items()}
    pairs = {frozenset(each.between) for each in own.relationships}
    added = [(each, notes) for each, notes in new if frozenset(each.between) not in pairs]
    pairs |= {frozenset(each.between) for each, _ in added}
    present = sorted((*own.characters, *lacking.values()), key=lambda who: who.id)
    for one, other in combinations(present, 2):
        tie = related(one, other, among.relationships)
        if tie and frozenset(tie.between) not in pairs:
            added.append((tie, [_COPIED]))
    if added:
        before = _text(folder / _RELATIONSHIPS)
        entries = "".join(relationship_entry(each, notes) for each, notes in added)
        files[_RELATIONSHIPS] = before + entries if before else entries.lstrip("\n")
    return files


def _text(file: Path) -> str:
    """What a file holds, ended by a line's end; nothing where it is not there."""
    text = file.read_text("utf-8-sig") if file.is_file() else ""
    return text if not text or text.endswith("\n") else f"{text}\n"


def _named(casts: Sequence[Cast]) -> Mapping[str, Cast]:
    """The casts by ids of their people's first names, as in the shipped library, or by numbers where two are alike."""
    named = {"_".join(who.id.split("_")[0] for who in cast.values())[:60]: cast for cast in casts}
    return named if len(named) == len(casts) else {f"cast{n}": cast for n, cast in enumerate(casts, 1)}


def _rehearse(folder: Path, files: Mapping[str, str]) -> None:
    """Load what the folder would be with these files."""
    with TemporaryDirectory() as made:
        copy = Path(made)
        try:
            for part in (*PARTS, "library.toml"):
                if (folder / part).is_dir():
                    shutil.copytree(folder / part, copy / part)
                elif (folder / part).is_file():
                    shutil.copy(folder / part, copy / part)
        except OSError as error:
            raise Unacceptable(
                f"{folder}: cannot be copied to {copy} to try it there ({error.strerror or error})"
            ) from error
        _load(copy, files)


def _place(file: Path, text: str) -> None:
    """Write a file in one step: whoever looks sees it whole or as it was."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.new")
    try:
        new.write_text(text, "utf-8")
        new.replace(file)
    except OSError:
        new.unlink(missing_ok=True)
        raise
