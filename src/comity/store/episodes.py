"""Episodes in SQL, on a connection whose transaction is the caller's: begun, grown, ended, found by their ids and read back."""

from collections.abc import Callable, Sequence
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from comity.store import outcomes
from comity.store.bodies import damaged, dump, read, time_text, to_column
from comity.store.errors import Ambiguous, Conflict, NotFound, StoreError
from comity.store.snapshots import Snapshots, keep_task
from comity.store.tables import episodes, events
from comity.world.environment import End
from comity.world.episodes import Episode, Interruption
from comity.world.events import Event
from comity.world.outcomes import Outcome, outcome_of
from comity.world.tasks import Task

__all__ = [
    "append",
    "begin",
    "check_order",
    "episode_row",
    "event_rows",
    "finish",
    "harmless",
    "interrupt",
    "must_exist",
    "no_episode",
    "not_found",
    "note_failures",
    "read_episode",
    "refusal",
    "resolve",
    "whole",
]

_COLUMNS = frozenset(
    {"id", "task", "events", "end", "mode", "seed", "started_at", "finished_at", "interrupted"},
)
_EVENT_COLUMNS = frozenset({"index", "turn"})

_THIS = episodes.c.id == bindparam("wanted")
_UNFINISHED = _THIS & episodes.c.ending.is_(None)
_GROW = (
    update(episodes)
    .where(_UNFINISHED, episodes.c.length == bindparam("from"))
    .values(length=bindparam("to"), interrupted=None)
)
_FINISH = (
    update(episodes).where(_UNFINISHED).values(ending=bindparam("ended"), finished_at=bindparam("at"), interrupted=None)
)
_INTERRUPT = update(episodes).where(_UNFINISHED).values(interrupted=bindparam("why"))
_FAIL = update(episodes).where(_THIS).values(failure=bindparam("kind"))
_EPISODE = select(episodes).where(_THIS)
_ID = select(episodes.c.id).where(_THIS)
_NEWEST = select(episodes.c.id).order_by(episodes.c.started_at.desc(), episodes.c.seq.desc())
_LOG = select(events).where(events.c.episode == bindparam("wanted")).order_by(events.c.position)


def episode_row(episode: Episode) -> dict[str, object]:
    """The columns of an episode but its task's hash. Raises `Conflict` for an id or events that cannot be."""
    if episode.id == "last":
        raise Conflict("'last' means the newest episode and cannot be an episode's id; choose another")
    check_order(episode.id, episode.events, start=0)
    failures = [event.failure.kind for event in episode.events if event.failure]
    return {
        "id": episode.id,
        "mode": episode.mode,
        "seed": str(episode.seed),
        "models": to_column({seat: policy.model for seat, policy in episode.policies.items()}),
        "body": dump(episode, columns=_COLUMNS),
        "started_at": time_text(episode.started_at),
        "finished_at": time_text(episode.finished_at) if episode.finished_at else None,
        "ending": dump(episode.end) if episode.end else None,
        "failure": failures[-1] if failures else None,
        "interrupted": dump(episode.interrupted) if episode.interrupted else None,
        "length": len(episode.events),
    }


def event_rows(episode_id: str, new: Sequence[Event]) -> list[dict[str, object]]:
    """The columns of events."""
    return [
        {"episode": episode_id, "position": e.index, "turn": e.turn, "body": dump(e, columns=_EVENT_COLUMNS)}
        for e in new
    ]


def begin(connection: Connection, episode: Episode) -> None:
    """Store an episode with the events it has, and its outcome where it has ended. Raises `Conflict` where its id is taken."""
    row = episode_row(episode)
    if connection.scalar(_ID, {"wanted": episode.id}) is not None:
        raise Conflict(f"episode {episode.id!r} is already stored; append to it, or choose another id")
    connection.execute(insert(episodes), row | {"task": keep_task(connection, episode.task)})
    if episode.events:
        connection.execute(insert(events), event_rows(episode.id, episode.events))
    outcomes.add(connection, outcome_of(episode))


def append(connection: Connection, episode_id: str, new: Sequence[Event]) -> None:
    """Add the next events. Raises `Conflict` or `NotFound`."""
    start = new[0].index
    check_order(episode_id, new, start=start)
    place = {"wanted": harmless(episode_id), "from": start, "to": start + len(new)}
    if connection.execute(_GROW, place).rowcount != 1:
        raise refusal(connection, episode_id, start)
    connection.execute(insert(events), event_rows(episode_id, new))
    note_failures(connection, episode_id, new)


def note_failures(connection: Connection, episode_id: str, new: Sequence[Event]) -> None:
    """Say on the episode which of its agents' failures is among the new events, where one is."""
    for event in new:
        if event.failure:
            connection.execute(_FAIL, {"wanted": episode_id, "kind": event.failure.kind})


def finish(connection: Connection, episode_id: str, end: End, finished_at: datetime, outcome: Outcome | None) -> None:
    """Say how an episode ended, and what it came to. Raises `Conflict` or `NotFound`."""
    ending = {"wanted": harmless(episode_id), "ended": dump(end), "at": time_text(finished_at)}
    if connection.execute(_FINISH, ending).rowcount != 1:
        raise refusal(connection, episode_id, None)
    outcomes.add(connection, outcome)


def interrupt(connection: Connection, episode_id: str, why: Interruption) -> None:
    """Say why an unfinished episode stopped. Raises `Conflict` or `NotFound`."""
    if connection.execute(_INTERRUPT, {"wanted": harmless(episode_id), "why": dump(why)}).rowcount != 1:
        raise refusal(connection, episode_id, None)


def read_episode(connection: Connection, wanted: str) -> Episode:
    """The episode that `resolve` finds. Raises `NotFound`, `Ambiguous` or `Damaged`."""
    row = connection.execute(_EPISODE, {"wanted": resolve(connection, wanted)}).one()
    log = connection.execute(_LOG, {"wanted": row.id}).all()
    snapshots = Snapshots(connection)
    return whole(row, log, lambda what: snapshots.record(row.task, Task, what))


def whole(row: Row[tuple[object, ...]], log: Sequence[Row[tuple[object, ...]]], task: Callable[[str], Task]) -> Episode:
    """The episode of its row and its events' rows. `task` gives its task, told what to call it. Raises `Damaged`."""
    what = f"episode {row.id!r}"
    known = task(f"{what}, task")
    if [event.position for event in log] != list(range(row.length)):
        raise damaged(what, f"{row.length} events were stored, and not all of them are there")
    columns: dict[str, object] = {
        "id": row.id,
        "task": known,
        "events": tuple(_event(event, what) for event in log),
        "end": None if row.ending is None else read(End, row.ending, f"{what}, end"),
        "mode": row.mode,
        "seed": row.seed,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "interrupted": _interruption(row.interrupted, what),
    }
    return read(Episode, row.body, what, **columns)


def check_order(episode_id: str, new: Sequence[Event], *, start: int) -> None:
    """Raise `Conflict` unless the events are numbered from `start` without a gap."""
    if any(event.index != index for index, event in enumerate(new, start)):
        found = ", ".join(str(event.index) for event in new[:10])
        raise Conflict(f"episode {episode_id!r}: events are numbered from {start} without a gap, not {found}")


def refusal(connection: Connection, episode_id: str, start: int | None) -> StoreError:
    """Why an episode could not be changed: adding an event of index `start`, or ending it."""
    row = connection.execute(_EPISODE, {"wanted": harmless(episode_id)}).one_or_none()
    if row is None:
        return no_episode(connection, episode_id)
    if row.ending is not None:
        return Conflict(f"episode {episode_id!r} is finished; nothing can be added to it")
    if start is not None and start < row.length:
        return Conflict(
            f"episode {episode_id!r} already has an event {start}; read the episode again and go on after it"
        )
    return Conflict(f"episode {episode_id!r} has {row.length} events, so the next is event {row.length}, not {start}")


def resolve(connection: Connection, wanted: str) -> str:
    """The id of the episode of this id, of the one id that begins so, or, for `last`, of the newest."""
    if wanted == "last":
        newest = connection.scalar(_NEWEST.limit(1))
        if newest is None:
            raise NotFound("there is no last episode: the store holds none yet")
        return str(newest)
    if connection.scalar(_ID, {"wanted": harmless(wanted)}) is not None:
        return wanted
    # Not LIKE: its wildcards and its case rules differ between databases.
    begins = func.substr(episodes.c.id, 1, len(wanted)) == harmless(wanted)
    found = connection.scalars(_NEWEST.where(begins).limit(11)).all() if wanted else []
    if len(found) > 1:
        listed = ", ".join(found[:10]) + (", ..." if len(found) > 10 else "")
        raise Ambiguous(f"more than one episode begins with {wanted!r}: {listed}; give more of the id", found[:10])
    if not found:
        raise no_episode(connection, wanted)
    return str(found[0])


def must_exist(connection: Connection, episode_id: str) -> None:
    """Raise `NotFound` where there is no episode of this very id."""
    if connection.scalar(_ID, {"wanted": harmless(episode_id)}) is None:
        raise no_episode(connection, episode_id)


def no_episode(connection: Connection, wanted: str) -> NotFound:
    """The error that says so, with ids that resemble it."""
    return not_found("episode", wanted, connection.scalars(_NEWEST.limit(1000)).all())


def not_found(kind: str, wanted: str, known: Sequence[str]) -> NotFound:
    """The error that names some of what there is."""
    if not known:
        return NotFound(f"there is no {kind} {wanted!r}: the store holds none yet")
    close = get_close_matches(wanted, known, n=3)
    if close:
        return NotFound(f"there is no {kind} {wanted!r}; did you mean {' or '.join(close)}?", close)
    listed = ", ".join(known[:3]) + (", ..." if len(known) > 3 else "")
    return NotFound(f"there is no {kind} {wanted!r}; there is {listed}")


def harmless(wanted: str) -> str:
    """Text that every driver takes and that equals the id asked for, where there can be such an id: ids are ASCII."""
    return wanted.encode("ascii", "backslashreplace").decode().replace("\0", "\\0")


def _event(row: Row[tuple[object, ...]], what: str) -> Event:
    return read(Event, row.body, f"{what}, event {row.position}", index=row.position, turn=row.turn)


def _interruption(text: str | None, what: str) -> Interruption | None:
    return None if text is None else read(Interruption, text, f"{what}, interruption")
