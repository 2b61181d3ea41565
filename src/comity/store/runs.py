"""Runs in SQL, on a connection whose transaction is the caller's: what plan they follow, which episodes they are made of, how far they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal, NamedTuple

from pydantic import JsonValue
from sqlalchemy import Connection, Row, Select, func, select, update

from comity.store.bodies import damaged, dump, from_column, read, time_text, to_column
from comity.store.dialects import insert_new, upsert
from comity.store.episodes import not_found
from comity.store.errors import Damaged
from comity.store.tables import episodes, events, members, runs, scorecards, spending
from comity.store.workers import alive
from comity.world.environment import End, EndReason
from comity.world.episodes import Interruption
from comity.world.record import Record, Slug

__all__ = [
    "Member",
    "RunRecord",
    "Spending",
    "Standing",
    "add_members",
    "begin",
    "list_members",
    "read_run",
    "set_spending",
    "spent",
    "standing",
    "standing_of",
]


_COLUMNS = frozenset({"id", "created_at"})
_CHUNK = 500
"""At most so many ids in one statement."""

_LAST_TURN = (
    select(events.c.turn)
    .where(events.c.episode == episodes.c.id, events.c.position == episodes.c.length - 1)
    .scalar_subquery()
)
_STANDING = select(
    episodes.c.id,
    episodes.c.ending,
    episodes.c.failure,
    episodes.c.interrupted,
    _LAST_TURN.label("turns"),
    func.coalesce(alive(episodes.c.holder), False).label("held"),
)
_JUDGES = select(scorecards.c.episode, scorecards.c.judge)


class RunRecord(Record):
    """A plan that was begun."""

    id: Slug
    plan: Mapping[str, JsonValue]
    created_at: datetime
    code_version: str


class Member(Record):
    """One episode that a run is made of, begun or not."""

    episode: Slug
    task: Slug
    seats: Mapping[Slug, str]
    """By seat, the plan's name for the policy that plays it."""
    repeat: int
    seed: int


class Spending(NamedTuple):
    """What was spent on one model. Tokens and money count only where they were known."""

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    """In US dollars."""
    unpriced: int = 0
    """Calls whose price is not known."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one episode of a run is."""

    episode: str
    turns: int
    end: EndReason | None
    failure: str | None
    """The kind of the agent's failure that ended it, where one did."""
    interrupted: Literal["infrastructure", "judge", "budget", "cancelled"] | None
    judged: frozenset[str]
    """The keys of the judges that have read it; see `judge_key`."""
    held: bool
    """Whether a worker whose lease is not over holds it."""
    damage: str = ""
    """What could not be read; empty where all is well."""
    cause: str = ""
    """Why it was interrupted, in words; empty where it was not."""


def begin(connection: Connection, run: RunRecord) -> dict[str, int]:
    """Store a run, or, where it is there, its new plan. Gives the places of the members it has, by episode."""
    row = {"id": run.id, "body": dump(run, columns=_COLUMNS), "created_at": time_text(run.created_at)}
    connection.execute(insert_new(connection, runs), row)
    connection.execute(update(runs).where(runs.c.id == run.id).values(body=row["body"]))
    there = select(members.c.episode, members.c.position).where(members.c.run == run.id)
    return {str(row.episode): int(row.position) for row in connection.execute(there)}


def add_members(connection: Connection, run_id: str, start: int, new: Iterable[Member]) -> None:
    """Store members of a run, the first of them at this place; those that somebody has stored since stay as they are."""
    connection.execute(insert_new(connection, members), [_row(run_id, at, m) for at, m in enumerate(new, start)])


def _row(run: str, position: int, member: Member) -> dict[str, object]:
    return {
        "run": run,
        "episode": member.episode,
        "position": position,
        "task": member.task,
        "seats": to_column(dict(member.seats)),
        "repeat": member.repeat,
        "seed": str(member.seed),
    }


def read_run(connection: Connection, run_id: str) -> RunRecord:
    """The run of this id. Raises `NotFound` or `Damaged`."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    if row is None:
        raise not_found("run", run_id, connection.scalars(select(runs.c.id).order_by(runs.c.created_at.desc())).all())
    return _run(row)


def _run(row: Row[tuple[object, ...]]) -> RunRecord:
    return read(RunRecord, row.body, f"run {row.id!r}", id=row.id, created_at=row.created_at)


def list_members(connection: Connection, run_id: str) -> list[Member]:
    """The run's members, in its order."""
    order = select(members).where(members.c.run == run_id).order_by(members.c.position, members.c.episode)
    return [_member(row) for row in connection.execute(order)]


def _member(row: Row[tuple[object, ...]]) -> Member:
    try:
        seats = from_column(row.seats)
        if isinstance(seats, dict):
            return Member(episode=row.episode, task=row.task, seats=seats, repeat=row.repeat, seed=row.seed)
    except ValueError:
        pass
    raise damaged(f"member {row.episode!r} of run {row.run!r}", "its row is not what was written")


def standing(connection: Connection, run_id: str) -> list[Standing]:
    """How far the run's episodes are that have begun, in its order."""
    rows = connection.execute(
        _STANDING.join(members, members.c.episode == episodes.c.id)
        .where(members.c.run == run_id)
        .order_by(members.c.position, members.c.episode)
    ).all()
    mine = members.c.episode == scorecards.c.episode
    return _with_judges(connection, rows, _JUDGES.join(members, mine).where(members.c.run == run_id))


def standing_of(connection: Connection, ids: Iterable[str]) -> list[Standing]:
    """How far those of these episodes are that have begun, of whatever run."""
    found: list[Standing] = []
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        rows = connection.execute(_STANDING.where(episodes.c.id.in_(chunk))).all()
        found += _with_judges(connection, rows, _JUDGES.where(scorecards.c.episode.in_(chunk)))
    return found


def _with_judges(
    connection: Connection, rows: Iterable[Row[tuple[object, ...]]], wanted: Select[tuple[str, str]]
) -> list[Standing]:
    judged: dict[str, set[str]] = {}
    for card in connection.execute(wanted):
        judged.setdefault(card.episode, set()).add(card.judge)
    return [_standing(row, frozenset(judged.get(row.id, ()))) for row in rows]


def _standing(row: Row[tuple[object, ...]], judged: frozenset[str]) -> Standing:
    what, damage, end, why = f"episode {row.id!r}", "", None, None
    try:
        end = None if row.ending is None else read(End, row.ending, f"{what}, end").reason
        why = None if row.interrupted is None else read(Interruption, row.interrupted, f"{what}, interruption")
    except Damaged as error:
        damage = str(error)
    kind, cause = (why.kind, str(why)) if why else (None, "")
    return Standing(row.id, row.turns or 0, end, row.failure, kind, judged, bool(row.held), damage, cause)


def set_spending(connection: Connection, run_id: str, worker_id: str, totals: Mapping[str, Spending]) -> None:
    """What the worker has spent on each model since it began, in place of what it said before."""
    rows = [{"run": run_id, "worker": worker_id, "model": model, **one._asdict()} for model, one in totals.items()]
    if rows:
        connection.execute(upsert(connection, spending), rows)


def spent(connection: Connection, run_id: str) -> dict[tuple[str, str], Spending]:
    """What the run has spent, by worker and model."""
    order = select(spending).where(spending.c.run == run_id).order_by(spending.c.worker, spending.c.model)
    return {
        (r.worker, r.model): Spending(
            r.calls, r.prompt_tokens, r.cached_tokens, r.completion_tokens, r.cost, r.unpriced
        )
        for r in connection.execute(order)
    }
