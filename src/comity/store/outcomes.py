"""Outcomes in SQL, on a connection whose transaction is the caller's: one for each episode and version of the rules."""

from sqlalchemy import Connection, Row, bindparam, insert, select

from comity.store.bodies import dump, read
from comity.store.tables import outcomes
from comity.world.outcomes import Outcome

__all__ = ["add", "outcome_row", "read_outcome"]

_COLUMNS = frozenset({"episode", "version", "status"})
_NEWEST = select(outcomes).where(outcomes.c.episode == bindparam("wanted")).order_by(outcomes.c.version.desc()).limit(1)


def outcome_row(outcome: Outcome) -> dict[str, object]:
    """The columns of an outcome."""
    return {
        "episode": outcome.episode,
        "version": outcome.version,
        "status": outcome.status,
        "body": dump(outcome, columns=_COLUMNS),
    }


def add(connection: Connection, outcome: Outcome | None) -> None:
    """Keep an episode's outcome, where it has one."""
    if outcome is not None:
        connection.execute(insert(outcomes), outcome_row(outcome))


def read_outcome(connection: Connection, episode_id: str) -> Outcome | None:
    """The outcome by the newest rules that were applied; `None` where there is none. Raises `Damaged`."""
    row: Row[tuple[object, ...]] | None = connection.execute(_NEWEST, {"wanted": episode_id}).one_or_none()
    if row is None:
        return None
    what = f"outcome of episode {row.episode!r}"
    return read(Outcome, row.body, what, episode=row.episode, version=row.version, status=row.status)
