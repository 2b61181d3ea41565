"""Who plays which episode: taking free ones, and writing to them only as long as nobody else has taken them since.

Every taking raises the episode's epoch, and every write states the epoch it was taken at, so that a late writer is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection, Row, bindparam, select, update

from comity.store.bodies import dump, time_text
from comity.store.dialects import insert_new
from comity.store.episodes import episode_row, event_rows, no_episode, whole
from comity.store.errors import Damaged, Fenced, StoreError
from comity.store.scorecards import judged_of
from comity.store.snapshots import Snapshots, hash_of, keep_task
from comity.store.tables import episodes, events
from comity.store.workers import alive
from comity.world.episodes import Episode, Interruption
from comity.world.tasks import Task

__all__ = ["Claim", "Claimed", "late", "release", "take"]

_CHUNK = 500
"""At most so many ids in one statement."""

_MINE = (episodes.c.id == bindparam("wanted")) & (episodes.c.epoch == bindparam("at_epoch"))
_RELEASE = update(episodes).where(_MINE).values(holder=None)
_SPOILT = update(episodes).where(_MINE).values(holder=None, interrupted=bindparam("why"))

_THESE = episodes.c.id.in_(bindparam("ids", expanding=True))
_LOOK = select(episodes.c.id, episodes.c.ending).where(_THESE)
_FREE = episodes.c.holder.is_(None) | (episodes.c.holder == bindparam("me")) | ~alive(episodes.c.holder)
_TAKE = (
    update(episodes).where(_THESE, _FREE).values(holder=bindparam("me"), epoch=episodes.c.epoch + 1).returning(episodes)
)
_LOGS = (
    select(events)
    .where(events.c.episode.in_(bindparam("ids", expanding=True)))
    .order_by(events.c.episode, events.c.position)
)


class Claim(NamedTuple):
    """The right to write to an episode until somebody else takes it."""

    episode: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """An episode that was taken, with the events it has."""

    episode: Episode
    claim: Claim
    judged: frozenset[str]
    """The keys of the judges that have read it; see `judge_key`."""


def take(connection: Connection, worker_id: str, wanted: Sequence[Episode], judges: frozenset[str]) -> list[Claimed]:
    """Store those of the episodes that are not there yet, and take all that are free and have something left to do.

    Left out are those that another worker holds, those that have ended and were read by all the judges, and those that
    are damaged: these are interrupted, with `Damaged` as the error.
    """
    found: list[Claimed] = []
    order = sorted(wanted, key=lambda episode: episode.id)
    tasks = _Tasks(connection, order)
    for chunk in _chunks(order):
        found += _take(connection, worker_id, chunk, judges, tasks)
    place = {episode.id: number for number, episode in enumerate(wanted)}
    return sorted(found, key=lambda claimed: place[claimed.claim.episode])


def release(connection: Connection, claims: Iterable[Claim]) -> None:
    """Let others take the episodes; those that somebody has taken since stay theirs."""
    rows = [{"wanted": claim.episode, "at_epoch": claim.epoch} for claim in claims]
    if rows:
        connection.execute(_RELEASE, rows)


def late(connection: Connection, claim: Claim) -> StoreError | None:
    """Why the claim is good for nothing any more: `Fenced` or `NotFound`; `None` where it is good."""
    epoch = connection.scalar(select(episodes.c.epoch).where(episodes.c.id == claim.episode))
    if epoch is None:
        return no_episode(connection, claim.episode)
    if epoch != claim.epoch:
        return Fenced(
            f"episode {claim.episode!r} was taken over by another worker, since this one's lease had run out; "
            "it goes on there"
        )
    return None


class _Tasks:
    """The tasks of the episodes that are wanted, each stored once and, where an episode was begun before, not built again."""

    def __init__(self, connection: Connection, wanted: Iterable[Episode]) -> None:
        self._connection = connection
        self._snapshots = Snapshots(connection)
        self._given = {hash_of("task", task): task for task in {id(one.task): one.task for one in wanted}.values()}
        self._kept: set[str] = set()

    def keep(self, task: Task) -> str:
        """Its hash; it is stored."""
        name = hash_of("task", task)
        if name not in self._kept:
            self._kept.add(keep_task(self._connection, task))
        return name

    def of(self, name: str, what: str) -> Task:
        """The task of this hash. Raises `Damaged`."""
        return self._given.get(name) or self._snapshots.record(name, Task, what)


def _take(
    connection: Connection, worker_id: str, chunk: Sequence[Episode], judges: frozenset[str], tasks: _Tasks
) -> list[Claimed]:
    there = connection.execute(_LOOK, {"ids": [episode.id for episode in chunk]}).all()
    known = {row.id for row in there}
    done, _ = _done(connection, {row.id: row.ending for row in there}, judges)
    begun = _begin(connection, [episode for episode in chunk if episode.id not in known], tasks)
    wanted = [episode.id for episode in chunk if episode.id not in done]
    taken = connection.execute(_TAKE, {"ids": wanted, "me": worker_id}).all()
    # Once more, now that nobody else can write to them: one may have been finished between the look and the taking.
    done, judged = _done(connection, {row.id: row.ending for row in taken}, judges)
    release(connection, [Claim(row.id, row.epoch) for row in taken if row.id in done])
    left = [row for row in taken if row.id not in done]
    logs = _logs(connection, [row.id for row in left if row.length])
    found: list[Claimed] = []
    for row in left:
        episode = begun.get((row.id, row.started_at)) or _read(connection, row, logs.get(row.id, []), tasks)
        if episode is not None:
            found.append(Claimed(episode, Claim(row.id, row.epoch), judged.get(row.id, frozenset())))
    return found


def _done(
    connection: Connection, endings: Mapping[str, str | None], judges: frozenset[str]
) -> tuple[set[str], dict[str, frozenset[str]]]:
    """Which of them have nothing left to do, and who has judged those that have ended."""
    ended = [id_ for id_, ending in endings.items() if ending is not None]
    judged = judged_of(connection, ended) if ended else {}
    return {id_ for id_ in ended if judges <= judged.get(id_, frozenset())}, judged


def _begin(connection: Connection, new: Sequence[Episode], tasks: _Tasks) -> dict[tuple[str, str], Episode]:
    """Store those that nobody else stores at this moment. By id and start, so that another's is not taken for one's own."""
    rows = [episode_row(episode) | {"task": tasks.keep(episode.task)} for episode in new]
    if rows:
        connection.execute(insert_new(connection, episodes), rows)
    logs = [row for episode in new for row in event_rows(episode.id, episode.events)]
    if logs:
        connection.execute(insert_new(connection, events), logs)
    return {(episode.id, time_text(episode.started_at)): episode for episode in new}


def _logs(connection: Connection, ids: Sequence[str]) -> dict[str, list[Row[tuple[object, ...]]]]:
    found: dict[str, list[Row[tuple[object, ...]]]] = {}
    for row in connection.execute(_LOGS, {"ids": ids}) if ids else ():
        found.setdefault(row.episode, []).append(row)
    return found


def _read(
    connection: Connection, row: Row[tuple[object, ...]], log: Sequence[Row[tuple[object, ...]]], tasks: _Tasks
) -> Episode | None:
    """The episode of a row that was taken; where it is damaged, that is said on it and it is let go."""
    try:
        return whole(row, log, partial(tasks.of, row.task))
    except Damaged as error:
        why = Interruption(kind="infrastructure", error="Damaged", detail=str(error))
    connection.execute(_SPOILT, {"wanted": row.id, "at_epoch": row.epoch, "why": dump(why)})
    return None


def _chunks(wanted: Sequence[Episode]) -> Iterator[list[Episode]]:
    rest = iter(wanted)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
