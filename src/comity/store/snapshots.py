"""Immutable snapshots of characters, relationships, scenarios, tasks and rubrics, by content hash, and which of them are current."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal, TypeAlias, TypeVar

from sqlalchemy import Connection, bindparam, insert, select, update

from comity.store.bodies import damaged, dump, load, read, to_column
from comity.store.dialects import insert_new, take_turns
from comity.store.errors import Conflict, StoreError
from comity.store.tables import current, snapshots, tasks
from comity.world.characters import Character
from comity.world.collection import Collection
from comity.world.record import Itself, Record, content_hash
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario
from comity.world.scorecards import Rubric
from comity.world.tasks import Task

__all__ = ["Kind", "Snapshots", "caption_of", "hash_of", "keep", "keep_task", "make_current"]

Kind = Literal["character", "relationship", "scenario", "task", "rubric"]
Named: TypeAlias = Character | Relationship | Scenario | Task | Rubric
R = TypeVar("R", bound=Record)

_CURRENT = select(current.c.hash).where(current.c.kind == bindparam("of"), current.c.id == bindparam("wanted"))
_KEPT = select(snapshots.c.hash).where(snapshots.c.hash == bindparam("wanted"))
_BODY = select(snapshots.c.body).where(snapshots.c.hash == bindparam("wanted"))


def keep(connection: Connection, kind: Kind, record: Named) -> str:
    """Store the record's snapshot unless it is there; give its hash."""
    if isinstance(record, Task):
        return keep_task(connection, record)
    name = hash_of(kind, record)
    if not _kept(connection, name):
        connection.execute(insert_new(connection, snapshots), {"hash": name, "kind": kind, "body": dump(record)})
    return name


def keep_task(connection: Connection, task: Task) -> str:
    """Store the task's snapshot, and those it refers to, unless they are there; give its hash."""
    name = hash_of("task", task)
    if _kept(connection, name):
        return name
    body = {
        "id": task.id,
        "scenario": keep(connection, "scenario", task.scenario),
        "cast": {seat: keep(connection, "character", character) for seat, character in task.cast.items()},
        **task.model_dump(exclude={"id", "scenario", "cast"}),
    }
    connection.execute(insert_new(connection, snapshots), {"hash": name, "kind": "task", "body": to_column(body)})
    caption = {"title": task.scenario.title, "names": dict(task.names)}
    row = {"hash": name, "id": task.id, "scenario": task.scenario.id, "caption": to_column(caption)}
    connection.execute(insert_new(connection, tasks), row)
    return name


def make_current(connection: Connection, kind: Kind, records: Iterable[Named]) -> None:
    """Store the records and let their ids stand for them from now on. Raises `Conflict` where two of them share an id."""
    wanted: dict[str, str] = {}
    for record in records:
        name = keep(connection, kind, record)
        if wanted.setdefault(record.id, name) != name:
            raise Conflict(f"two different records are called {kind} {record.id!r}; give one of them another id")
    take_turns(connection)
    rows = connection.execute(select(current.c.id, current.c.hash).where(current.c.kind == kind))
    known = {str(row.id): row.hash for row in rows}
    new = [{"kind": kind, "id": id_, "hash": name} for id_, name in wanted.items() if id_ not in known]
    changed = [{"wanted": i, "now": name} for i, name in wanted.items() if i in known and known[i] != name]
    if new:
        connection.execute(insert(current), new)
    if changed:
        there = (current.c.kind == kind) & (current.c.id == bindparam("wanted"))
        connection.execute(update(current).where(there).values(hash=bindparam("now")), changed)


def hash_of(kind: Kind, record: Named) -> str:
    """The record's content hash. Raises `StoreError` where it holds what is no text."""
    try:
        return _hash(Itself(record))
    except UnicodeEncodeError:
        pass
    raise StoreError(
        f"{kind} {record.id!r} holds half of a surrogate pair, which is no text; replace it (U+D800 to U+DFFF)"
    )


@lru_cache(maxsize=1024)
def _hash(of: Itself[Named]) -> str:
    return content_hash(of.record)


def caption_of(text: object) -> tuple[str, Mapping[str, str]]:
    """A task's title and names by seat. Raises `ValueError` where they cannot be read."""
    match load(text):
        case {"title": str(title), "names": dict(names)}:
            return title, {str(seat): str(name) for seat, name in names.items()}
        case _:
            raise ValueError("not a caption")


class Snapshots:
    """Reads snapshots in one transaction, each of them once however many refer to it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._read: dict[str, Record] = {}

    def collection(self) -> Collection:
        """Everything that is current, in the order in which the ids were first added."""
        return Collection(
            characters=self.current("character", Character),
            relationships=self.current("relationship", Relationship),
            scenarios=self.current("scenario", Scenario),
            tasks=self.current("task", Task),
        )

    def current(self, kind: Kind, model: type[R]) -> tuple[R, ...]:
        """Every current record of a kind, in the order in which the ids were first added."""
        rows = self._connection.execute(
            select(current.c.id, current.c.hash).where(current.c.kind == kind).order_by(current.c.seq)
        ).all()
        return tuple(self.record(row.hash, model, f"{kind} {row.id!r}") for row in rows)

    def current_hash(self, kind: Kind, id_: str) -> str | None:
        """The hash that an id stands for now, where there is one."""
        found: str | None = self._connection.scalar(_CURRENT, {"of": kind, "wanted": id_})
        return found

    def hashes(self, kind: Kind) -> list[str]:
        """The hashes of every snapshot of a kind, current or not."""
        return list(self._connection.scalars(select(snapshots.c.hash).where(snapshots.c.kind == kind)))

    def record(self, name: str, model: type[R], what: str) -> R:
        """The record of this hash. Raises `Damaged`, naming `what`."""
        if name not in self._read:
            text = self._connection.scalar(_BODY, {"wanted": name})
            self._read[name] = self._task(text, what) if model is Task else read(model, text, what)
        found = self._read[name]
        if not isinstance(found, model):
            raise damaged(what, "it refers to a record of another kind")
        return found

    def _task(self, text: object, what: str) -> Task:
        try:
            body = load(text)
        except ValueError:
            body = {}
        match body:
            case {"scenario": str(scenario), "cast": dict(cast)}:
                seats = {str(s): self.record(str(c), Character, f"{what}, seat {s!r}") for s, c in cast.items()}
                return read(Task, text, what, scenario=self.record(scenario, Scenario, f"{what}, scenario"), cast=seats)
            case _:
                raise damaged(what, "its body is not the JSON that was written")


def _kept(connection: Connection, name: str) -> bool:
    return connection.scalar(_KEPT, {"wanted": name}) is not None
