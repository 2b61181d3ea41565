"""What a worker writes to the episodes it holds, as values that can wait in a queue and be tried again. The queue is in `writer`.

All of them state the epoch of their claim. `landed` answers whether an earlier try was committed after all, where a
connection broke before that was said.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import Connection, bindparam, insert, select, update

from comity.store import claims, outcomes, scorecards, workers
from comity.store.bodies import dump, time_text
from comity.store.claims import Claim, Claimed
from comity.store.episodes import check_order, event_rows, refusal
from comity.store.errors import Conflict, StoreError
from comity.store.runs import Spending, set_spending
from comity.store.tables import episodes, events
from comity.store.workers import Worker
from comity.world.environment import End
from comity.world.episodes import Episode, Interruption
from comity.world.events import Event
from comity.world.outcomes import Outcome
from comity.world.scorecards import Rubric, Scorecard

__all__ = [
    "AddScorecard",
    "Append",
    "Finish",
    "Interrupt",
    "Release",
    "Renew",
    "Retire",
    "Spend",
    "Take",
    "Write",
    "apply",
]

T = TypeVar("T")

_MINE = (episodes.c.id == bindparam("wanted")) & (episodes.c.epoch == bindparam("at_epoch"))
_PLAYING = _MINE & episodes.c.ending.is_(None)
_GROW = (
    update(episodes)
    .where(_PLAYING, episodes.c.length == bindparam("from"))
    .values(length=bindparam("to"), interrupted=None)
)
_LOG = insert(events)
_FAIL = update(episodes).where(_MINE).values(failure=bindparam("kind"))
_FINISH = (
    update(episodes).where(_PLAYING).values(ending=bindparam("ended"), finished_at=bindparam("at"), interrupted=None)
)
_INTERRUPT = update(episodes).where(_MINE).values(interrupted=bindparam("why"), holder=None)
_GO_ON = update(episodes).where(_MINE).values(interrupted=None)


class Write(ABC, Generic[T]):
    """One thing to be written, whole or not at all."""

    touches: tuple[str, ...] = ()
    """The episodes whose other writes it must not pass by."""

    @abstractmethod
    def apply(self, connection: Connection) -> T:
        """Write it. Raises `Fenced`, `Conflict` or `NotFound`, and then nothing of it may be committed."""

    def landed(self, connection: Connection) -> bool:
        """Whether it is there, word for word."""
        return False


class Append(Write[None]):
    """The next events of an episode."""

    def __init__(self, claim: Claim, new: Sequence[Event]) -> None:
        start = new[0].index
        check_order(claim.episode, new, start=start)
        self.touches = (claim.episode,)
        self.claim, self.start = claim, start
        self.place = {**_place(claim), "from": start, "to": start + len(new)}
        self.rows = event_rows(claim.episode, new)
        self.failures = [{**_place(claim), "kind": event.failure.kind} for event in new if event.failure]

    def apply(self, connection: Connection) -> None:
        if not _append(connection, [self]):
            raise _refused(connection, self.claim, self.start)

    def landed(self, connection: Connection) -> bool:
        last = self.start + len(self.rows) - 1
        mine = (events.c.episode == self.claim.episode) & events.c.position.between(self.start, last)
        there = connection.scalars(select(events.c.body).where(mine).order_by(events.c.position)).all()
        return there == [row["body"] for row in self.rows]


class Finish(Write[None]):
    """How an episode ended, and what it came to."""

    def __init__(self, claim: Claim, end: End, at: datetime, outcome: Outcome | None) -> None:
        self.touches = (claim.episode,)
        self.claim = claim
        self.row = {**_place(claim), "ended": dump(end), "at": time_text(at)}
        self.outcome = outcome

    def apply(self, connection: Connection) -> None:
        if connection.execute(_FINISH, self.row).rowcount != 1:
            raise _refused(connection, self.claim, None)
        outcomes.add(connection, self.outcome)

    def landed(self, connection: Connection) -> bool:
        said = select(episodes.c.ending, episodes.c.finished_at).where(episodes.c.id == self.claim.episode)
        return connection.execute(said).one_or_none() == (self.row["ended"], self.row["at"])


class Interrupt(Write[None]):
    """Why an episode, or the judging of one, stopped; others may take it."""

    def __init__(self, claim: Claim, why: Interruption) -> None:
        self.touches = (claim.episode,)
        self.claim = claim
        self.row = {**_place(claim), "why": dump(why)}

    def apply(self, connection: Connection) -> None:
        if connection.execute(_INTERRUPT, self.row).rowcount != 1:
            raise _refused(connection, self.claim, None)


class AddScorecard(Write[None]):
    """A judge's reading of an episode, with its rubric."""

    def __init__(self, claim: Claim, card: Scorecard, rubric: Rubric) -> None:
        scorecards.check_rubric(card, rubric)
        if card.episode != claim.episode:
            raise ValueError(
                f"scorecard {card.id!r} is of episode {card.episode!r}, and the claim on {claim.episode!r}"
            )
        self.touches = (claim.episode,)
        self.claim, self.rubric = claim, rubric
        self.row = scorecards.scorecard_row(card)

    def apply(self, connection: Connection) -> None:
        if connection.execute(_GO_ON, _place(self.claim)).rowcount != 1:
            raise _refused(connection, self.claim, None)
        scorecards.add(connection, self.row, self.rubric)

    def landed(self, connection: Connection) -> bool:
        return scorecards.same_card(connection, self.row)


class Take(Write[list[Claimed]]):
    """The taking of free episodes."""

    def __init__(self, worker_id: str, wanted: Sequence[Episode], judges: frozenset[str]) -> None:
        self.touches = tuple(episode.id for episode in wanted)
        self._worker_id, self._wanted, self._judges = worker_id, wanted, judges

    def apply(self, connection: Connection) -> list[Claimed]:
        return claims.take(connection, self._worker_id, self._wanted, self._judges)


class Release(Write[None]):
    """Leave to let others take episodes."""

    def __init__(self, held: Sequence[Claim]) -> None:
        self.touches = tuple(claim.episode for claim in held)
        self.held = held

    def apply(self, connection: Connection) -> None:
        claims.release(connection, self.held)


class Renew(Write[None]):
    """The worker's lease from now on; what dead processes of this machine held is freed with it."""

    def __init__(self, worker: Worker, lease: float) -> None:
        self._worker, self._lease = worker, lease

    def apply(self, connection: Connection) -> None:
        workers.renew(connection, self._worker, self._lease)
        workers.release_dead(connection)


class Retire(Write[None]):
    """The worker's end."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def apply(self, connection: Connection) -> None:
        workers.retire(connection, self._worker.id)


class Spend(Write[None]):
    """What the worker has spent since it began."""

    def __init__(self, worker: Worker, totals: Mapping[str, Spending]) -> None:
        self._worker, self._totals = worker, dict(totals)

    def apply(self, connection: Connection) -> None:
        set_spending(connection, self._worker.run, self._worker.id, self._totals)


def apply(connection: Connection, writes: Sequence[Write[object]]) -> list[object]:
    """Write all of them, each episode's in their order and the events of different episodes together; give what each gives.

    Raises `Conflict` where one refuses, without saying which.
    """
    done: list[object] = []
    waiting: dict[str, Append] = {}
    for write in writes:
        if any(id_ in waiting for id_ in write.touches):
            _append_all(connection, waiting)
        if isinstance(write, Append):
            waiting[write.claim.episode] = write
            done.append(None)
        else:
            done.append(write.apply(connection))
    _append_all(connection, waiting)
    return done


def _append_all(connection: Connection, waiting: dict[str, Append]) -> None:
    if waiting and not _append(connection, [waiting[id_] for id_ in sorted(waiting)]):
        raise Conflict("one of several episodes could not be added to")
    waiting.clear()


def _append(connection: Connection, appends: Sequence[Append]) -> bool:
    """Whether all could be done; if not, some may have been, and the transaction is to be given up."""
    if connection.execute(_GROW, [one.place for one in appends]).rowcount != len(appends):
        return False
    connection.execute(_LOG, [row for one in appends for row in one.rows])
    if failures := [row for one in appends for row in one.failures]:
        connection.execute(_FAIL, failures)
    return True


def _place(claim: Claim) -> dict[str, object]:
    return {"wanted": claim.episode, "at_epoch": claim.epoch}


def _refused(connection: Connection, claim: Claim, start: int | None) -> StoreError:
    return claims.late(connection, claim) or refusal(connection, claim.episode, start)
