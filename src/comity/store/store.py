"""The store: what exists, what was played and how it was judged, in one SQL database. It decides nothing and calls no model."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, Row, bindparam, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from comity.store import sqlite
from comity.store.bodies import damaged, dump, read, time_text, to_column
from comity.store.errors import Ambiguous, Conflict, NotFound, StoreError
from comity.store.schema import migrate, revision_of
from comity.store.snapshots import Snapshots, hash_of, keep, keep_task, make_current
from comity.store.summaries import EpisodeSummary, TaskSummary, list_episodes, list_tasks
from comity.store.tables import HEAD, current, episodes, events, scorecards
from comity.world.characters import Character
from comity.world.collection import Collection
from comity.world.environment import End
from comity.world.episodes import Episode
from comity.world.events import Event
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario
from comity.world.scorecards import Rubric, Scorecard
from comity.world.tasks import Task

__all__ = ["Store"]

_EPISODE_COLUMNS = frozenset({"id", "task", "events", "end", "started_at", "finished_at"})
_EVENT_COLUMNS = frozenset({"index", "turn"})
_SCORECARD_COLUMNS = frozenset({"id", "episode", "judged_at", "overall"})

_THIS = episodes.c.id == bindparam("wanted")
_UNFINISHED = _THIS & episodes.c.ending.is_(None)
_GROW = (
    update(episodes)
    .where(_UNFINISHED, episodes.c.length == bindparam("from"))
    .values(length=bindparam("to"), cause=None)
)
_FINISH = update(episodes).where(_UNFINISHED).values(ending=bindparam("ended"), finished_at=bindparam("at"), cause=None)
_INTERRUPT = update(episodes).where(_UNFINISHED).values(cause=bindparam("why"))
_EPISODE = select(episodes).where(_THIS)
_NEWEST = select(episodes.c.id).order_by(episodes.c.started_at.desc(), episodes.c.seq.desc())
_LOG = select(events).where(events.c.episode == bindparam("wanted")).order_by(events.c.position)
_CARDS = (
    select(scorecards)
    .where(scorecards.c.episode == bindparam("wanted"))
    .order_by(scorecards.c.judged_at, scorecards.c.seq)
)


class Store:
    """A store in an SQLite file, for one thread: every method blocks until what it did is committed (about 0.2 ms).

    What has returned survives a crash of the process at any moment. After a power cut the newest commits may be
    missing, never a part of one. Every method may raise `StoreError`.
    """

    def __init__(self, path: Path, engine: Engine) -> None:
        self._path = path
        self._reading = engine
        self._writing = engine.execution_options(immediate=True)
        self._open = True

    @classmethod
    def open(cls, url: str, *, wait: float = 10.0) -> Self:
        """Open `sqlite:///file.db` or a plain path, creating the file and bringing its schema up to date.

        `wait` is how many seconds to wait for another process that is writing, before `Busy`. Raises `UnsupportedURL`,
        `FolderMissing`, `NotAStore`, `NewerStore` or `ReadOnly` with the fix.
        """
        path = sqlite.path_of(url)
        try:
            sqlite.check(path)
        except OSError as error:
            raise StoreError(f"{path}: cannot be opened ({error.strerror}); choose another place") from error
        store = cls(path, sqlite.connect(path, wait=wait))
        try:
            with store._explained():
                store._prepare()
        except StoreError:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Release the file. Closing twice does nothing."""
        self._open = False
        self._reading.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Characters, relationships, scenarios and tasks

    def add(self, collection: Collection) -> None:
        """Make everything in the collection current, all of it or nothing. What an id stood for before is kept for its episodes."""
        with self._write() as connection:
            make_current(connection, "character", collection.characters)
            make_current(connection, "relationship", collection.relationships)
            make_current(connection, "scenario", collection.scenarios)
            make_current(connection, "task", collection.tasks)

    def collection(self) -> Collection:
        """Everything that is current, in the order in which the ids were first added."""
        with self._read() as connection:
            snapshots = Snapshots(connection)
            return Collection(
                characters=snapshots.current("character", Character),
                relationships=snapshots.current("relationship", Relationship),
                scenarios=snapshots.current("scenario", Scenario),
                tasks=snapshots.current("task", Task),
            )

    def task(self, task_id: str) -> Task:
        """The current task of this id. Raises `NotFound` with ids that resemble it."""
        with self._read() as connection:
            snapshots = Snapshots(connection)
            found = snapshots.current_hash("task", _harmless(task_id))
            if found is None:
                known = connection.scalars(select(current.c.id).where(current.c.kind == "task")).all()
                raise _not_found("task", task_id, known)
            return snapshots.record(found, Task, f"task {task_id!r}")

    def tasks(self) -> list[TaskSummary]:
        """The current tasks, in the order in which their ids were first added; none of them is built."""
        with self._read() as connection:
            return list_tasks(connection)

    def task_ids(self) -> list[str]:
        """The ids of the current tasks, in the order in which they were first added."""
        with self._read() as connection:
            wanted = select(current.c.id).where(current.c.kind == "task").order_by(current.c.seq)
            return list(connection.scalars(wanted))

    # Episodes

    def begin(self, episode: Episode) -> None:
        """Store an episode with the events it has, finished or not. Raises `Conflict` where its id is taken."""
        if episode.id == "last":
            raise Conflict("'last' means the newest episode and cannot be an episode's id; choose another")
        _check_order(episode.id, episode.events, start=0)
        row = {
            "id": episode.id,
            "body": dump(episode, columns=_EPISODE_COLUMNS),
            "started_at": time_text(episode.started_at),
            "finished_at": time_text(episode.finished_at) if episode.finished_at else None,
            "ending": dump(episode.end) if episode.end else None,
            "length": len(episode.events),
        }
        with self._write() as connection:
            if connection.scalar(_EPISODE, {"wanted": episode.id}) is not None:
                raise Conflict(f"episode {episode.id!r} is already stored; append to it, or choose another id")
            connection.execute(insert(episodes), row | {"task": keep_task(connection, episode.task)})
            _insert(connection, episode.id, episode.events)

    def append(self, episode_id: str, new: Sequence[Event]) -> None:
        """Add the next events to an unfinished episode, all or none; they are committed on return.

        An interruption is over with it. Raises `Conflict` where an event of one of these indexes is already stored,
        where one before them is missing, or where the episode is finished.
        """
        if not new:
            return
        start = new[0].index
        _check_order(episode_id, new, start=start)
        with self._write() as connection:
            place = {"wanted": _harmless(episode_id), "from": start, "to": start + len(new)}
            if connection.execute(_GROW, place).rowcount != 1:
                raise _refusal(connection, episode_id, start)
            _insert(connection, episode_id, new)

    def finish(self, episode_id: str, end: End, finished_at: datetime) -> None:
        """Say how an episode ended. Raises `Conflict` where that has been said."""
        ending = {"wanted": _harmless(episode_id), "ended": dump(end), "at": time_text(finished_at)}
        with self._write() as connection:
            if connection.execute(_FINISH, ending).rowcount != 1:
                raise _refusal(connection, episode_id, None)

    def interrupt(self, episode_id: str, cause: str) -> None:
        """Say why an episode stopped without an end, such as a server that broke. It is over with the next event or the end."""
        why = {"wanted": _harmless(episode_id), "why": to_column(cause)}
        with self._write() as connection:
            if connection.execute(_INTERRUPT, why).rowcount != 1:
                raise _refusal(connection, episode_id, None)

    def episode(self, wanted: str) -> Episode:
        """The episode of this id, of the one id that begins so, or, for `last`, the newest.

        Raises `NotFound` with ids that resemble it, `Ambiguous` with the ids that begin so, or `Damaged`.
        """
        with self._read() as connection:
            row = connection.execute(_EPISODE, {"wanted": _resolve(connection, wanted)}).one()
            what = f"episode {row.id!r}"
            task = Snapshots(connection).record(row.task, Task, f"{what}, task")
            log = connection.execute(_LOG, {"wanted": row.id}).all()
        if [event.position for event in log] != list(range(row.length)):
            raise damaged(what, f"{row.length} events were stored, and not all of them are there")
        columns: dict[str, object] = {
            "id": row.id,
            "task": task,
            "events": tuple(_event(event, what) for event in log),
            "end": None if row.ending is None else read(End, row.ending, f"{what}, end"),
            "started_at": row.started_at,
            "finished_at": row.finished_at,
        }
        return read(Episode, row.body, what, **columns)

    def episodes(self, *, limit: int | None = None) -> list[EpisodeSummary]:
        """The newest so many episodes (all without a limit), newest first. One that is damaged says so and hides no other."""
        with self._read() as connection:
            return list_episodes(connection, limit)

    # Scorecards

    def add_scorecard(self, card: Scorecard, rubric: Rubric) -> None:
        """Keep a scorecard beside those the episode has, and the rubric it was judged by.

        Raises `ValueError` where it was judged by another rubric, `Conflict` where its id is taken, `NotFound` for no
        such episode.
        """
        _check_rubric(card, rubric)
        row = {
            "id": card.id,
            "episode": card.episode,
            "judged_at": time_text(card.judged_at),
            "body": dump(card, columns=_SCORECARD_COLUMNS),
        }
        with self._write() as connection:
            if connection.scalar(_EPISODE, {"wanted": card.episode}) is None:
                raise _no_episode(connection, card.episode)
            keep(connection, "rubric", rubric)
            try:
                connection.execute(insert(scorecards), row)
            except IntegrityError:
                raise Conflict(f"scorecard {card.id!r} is already stored; a new one needs an id of its own") from None

    def scorecards(self, episode_id: str) -> tuple[Scorecard, ...]:
        """Every scorecard of the episode of this id, oldest first."""
        with self._read() as connection:
            if connection.scalar(_EPISODE, {"wanted": _harmless(episode_id)}) is None:
                raise _no_episode(connection, episode_id)
            rows = connection.execute(_CARDS, {"wanted": episode_id}).all()
        return tuple(_scorecard(row) for row in rows)

    def rubric(self, hash_: str) -> Rubric:
        """The rubric of this content hash, as scorecards name it in `rubric_hash`. Raises `NotFound`."""
        with self._read() as connection:
            snapshots = Snapshots(connection)
            known = snapshots.hashes("rubric")
            if hash_ not in known:
                raise _not_found("rubric", hash_, known)
            return snapshots.record(hash_, Rubric, f"rubric {hash_!r}")

    # Transactions

    def _prepare(self) -> None:
        where = str(self._path)
        revision = revision_of(self._reading, where)
        sqlite.use_wal(self._reading, self._path)
        if revision != HEAD:
            migrate(self._writing, where)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        if not self._open:
            raise StoreError(f"{self._path}: the store was closed; open it again")
        try:
            yield
        except DBAPIError as error:
            raise sqlite.explain(error.orig, self._path) from error.orig

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self._explained(), self._reading.begin() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._explained(), self._writing.begin() as connection:
            yield connection


def _insert(connection: Connection, episode_id: str, new: Sequence[Event]) -> None:
    rows = [
        {"episode": episode_id, "position": e.index, "turn": e.turn, "body": dump(e, columns=_EVENT_COLUMNS)}
        for e in new
    ]
    if rows:
        connection.execute(insert(events), rows)


def _check_rubric(card: Scorecard, rubric: Rubric) -> None:
    judged_by = (card.rubric, card.rubric_version, card.rubric_hash)
    given = (rubric.id, rubric.version, hash_of("rubric", rubric))
    if judged_by != given:
        named, other = (f"{id_!r}, version {version}, hash {name[:12]}" for id_, version, name in (judged_by, given))
        raise ValueError(f"scorecard {card.id!r} was judged by rubric {named}, not by {other}; give its judge's rubric")


def _check_order(episode_id: str, new: Sequence[Event], *, start: int) -> None:
    if [event.index for event in new] != list(range(start, start + len(new))):
        found = ", ".join(str(event.index) for event in new[:10])
        raise Conflict(f"episode {episode_id!r}: events are numbered from {start} without a gap, not {found}")


def _refusal(connection: Connection, episode_id: str, start: int | None) -> StoreError:
    """Why an episode could not be changed: adding an event of index `start`, or ending it."""
    row = connection.execute(_EPISODE, {"wanted": _harmless(episode_id)}).one_or_none()
    if row is None:
        return _no_episode(connection, episode_id)
    if row.ending is not None:
        return Conflict(f"episode {episode_id!r} is finished; nothing can be added to it")
    if start is not None and start < row.length:
        return Conflict(
            f"episode {episode_id!r} already has an event {start}; read the episode again and go on after it"
        )
    return Conflict(f"episode {episode_id!r} has {row.length} events, so the next is event {row.length}, not {start}")


def _resolve(connection: Connection, wanted: str) -> str:
    if wanted == "last":
        newest = connection.scalar(_NEWEST.limit(1))
        if newest is None:
            raise NotFound("there is no last episode: the store holds none yet")
        return str(newest)
    if connection.scalar(_EPISODE, {"wanted": _harmless(wanted)}) is not None:
        return wanted
    # Not LIKE: its wildcards and its case rules differ between databases.
    begins = func.substr(episodes.c.id, 1, len(wanted)) == _harmless(wanted)
    found = connection.scalars(_NEWEST.where(begins).limit(11)).all() if wanted else []
    if len(found) > 1:
        listed = ", ".join(found[:10]) + (", ..." if len(found) > 10 else "")
        raise Ambiguous(f"more than one episode begins with {wanted!r}: {listed}; give more of the id", found[:10])
    if not found:
        raise _no_episode(connection, wanted)
    return str(found[0])


def _no_episode(connection: Connection, wanted: str) -> NotFound:
    return _not_found("episode", wanted, connection.scalars(_NEWEST.limit(1000)).all())


def _not_found(kind: str, wanted: str, known: Sequence[str]) -> NotFound:
    if not known:
        return NotFound(f"there is no {kind} {wanted!r}: the store holds none yet")
    close = get_close_matches(wanted, known, n=3)
    if close:
        return NotFound(f"there is no {kind} {wanted!r}; did you mean {' or '.join(close)}?", close)
    listed = ", ".join(known[:3]) + (", ..." if len(known) > 3 else "")
    return NotFound(f"there is no {kind} {wanted!r}; there is {listed}")


def _harmless(wanted: str) -> str:
    """Text that every driver takes and that equals the id asked for, where there can be such an id: ids are ASCII."""
    return wanted.encode("ascii", "backslashreplace").decode()


def _event(row: Row[tuple[object, ...]], what: str) -> Event:
    return read(Event, row.body, f"{what}, event {row.position}", index=row.position, turn=row.turn)


def _scorecard(row: Row[tuple[object, ...]]) -> Scorecard:
    what = f"scorecard {row.id!r} of episode {row.episode!r}"
    return read(Scorecard, row.body, what, id=row.id, episode=row.episode, judged_at=row.judged_at)
