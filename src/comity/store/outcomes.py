"""Outcomes in SQL, on a connection whose transaction is the caller's: one for each episode and version of the rules."""

from sqlalchemy import Connection, Row, bindparam, insert, select

from comity.store.bodies import dump, read
from comity.store.tables import outcomes
from comity.world.outcomes import Outcome

__all__ = ["add", "newest", "outcome_row", "read_outcome"]

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
    """Keep an episode's outcome, where its scenario has rules for one."""
    if outcome is not None:
        connection.execute(insert(outcomes), outcome_row(outcome))


def newest(connection: Connection, episode_id: str) -> Row[tuple[object, ...]] | None:
    """The row of the newest rules that were applied; `None` where there is none."""
    return connection.execute(_NEWEST, {"wanted": episode_id}).one_or_none()


def read_outcome(row: Row[tuple[object, ...]]) -> Outcome:
    """The outcome in a row that these rules made. Raises `Damaged`."""
    what = f"outcome of episode {row.episode!r}"
    return read(Outcome, row.body, what, episode=row.episode, version=row.version, status=row.status)
