"""Scorecards in SQL, on a connection whose transaction is the caller's: one for each judge of an episode, with its rubric."""

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection, Row, bindparam, insert, select

from comity.store.bodies import dump, read, time_text, to_column
from comity.store.episodes import harmless, must_exist
from comity.store.errors import Conflict
from comity.store.snapshots import hash_of, keep
from comity.store.tables import scorecards
from comity.world.episodes import Policy
from comity.world.scorecards import Rubric, Scorecard

__all__ = ["add", "check_rubric", "judge_key", "judged", "judged_of", "read_all", "same_card", "scorecard_row"]

_COLUMNS = frozenset({"id", "episode", "judged_at", "overall"})
_CARDS = (
    select(scorecards)
    .where(scorecards.c.episode == bindparam("wanted"))
    .order_by(scorecards.c.judged_at, scorecards.c.seq)
)
_RIVALS = select(scorecards.c.id).where(
    (scorecards.c.id == bindparam("id"))
    | ((scorecards.c.episode == bindparam("episode")) & (scorecards.c.judge == bindparam("judge")))
)
_JUDGES = select(scorecards.c.episode, scorecards.c.judge).where(
    scorecards.c.episode.in_(bindparam("ids", expanding=True))
)
_SAME = select(scorecards.c.body).where(scorecards.c.id == bindparam("id"))


def judge_key(judge: Policy, rubric_hash: str, repeat: int = 0) -> str:
    """SHA-256, in hex, of everything that makes one judge's reading another than the next; an episode has one for each."""
    given = judge.model_dump(exclude_defaults=True)
    text = to_column([given, rubric_hash, repeat], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def scorecard_row(card: Scorecard) -> dict[str, object]:
    """The columns of a scorecard."""
    return {
        "id": card.id,
        "episode": card.episode,
        "judge": judge_key(card.judge, card.rubric_hash, card.repeat),
        "judged_at": time_text(card.judged_at),
        "body": dump(card, columns=_COLUMNS),
    }


def add(connection: Connection, row: dict[str, object], rubric: Rubric) -> None:
    """Keep a scorecard's row and its rubric. Raises `Conflict` where its id is taken or its judge has read the episode."""
    must_exist(connection, str(row["episode"]))
    keep(connection, "rubric", rubric)
    rivals = connection.scalars(_RIVALS, {name: row[name] for name in ("id", "episode", "judge")}).all()
    if row["id"] in rivals:
        raise Conflict(f"scorecard {row['id']!r} is already stored; a new one needs an id of its own")
    if rivals:
        raise Conflict(
            f"scorecard {row['id']!r}: episode {row['episode']!r} already has this judge's reading by this rubric "
            f"({rivals[0]!r}); another one needs another `repeat`"
        )
    connection.execute(insert(scorecards), row)


def same_card(connection: Connection, row: dict[str, object]) -> bool:
    """Whether this very scorecard is stored."""
    return bool(connection.scalar(_SAME, {"id": row["id"]}) == row["body"])


def read_all(connection: Connection, episode_id: str) -> tuple[Scorecard, ...]:
    """Every scorecard of an episode, oldest first. Raises `NotFound` or `Damaged`."""
    must_exist(connection, episode_id)
    return tuple(_scorecard(row) for row in connection.execute(_CARDS, {"wanted": episode_id}))


def judged(connection: Connection, episode_id: str) -> frozenset[str]:
    """The keys of the judges that have read an episode; see `judge_key`."""
    wanted = select(scorecards.c.judge).where(scorecards.c.episode == harmless(episode_id))
    return frozenset(connection.scalars(wanted))


def judged_of(connection: Connection, ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """The same for several episodes at once; those that nobody has judged are left out."""
    found: dict[str, set[str]] = {}
    for row in connection.execute(_JUDGES, {"ids": list(ids)}):
        found.setdefault(row.episode, set()).add(row.judge)
    return {episode: frozenset(judges) for episode, judges in found.items()}


def check_rubric(card: Scorecard, rubric: Rubric) -> None:
    """Raise `ValueError` unless it is the rubric that the card was judged by."""
    judged_by = (card.rubric, card.rubric_version, card.rubric_hash)
    given = (rubric.id, rubric.version, hash_of("rubric", rubric))
    if judged_by != given:
        named, other = (f"{id_!r}, version {version}, hash {name[:12]}" for id_, version, name in (judged_by, given))
        raise ValueError(f"scorecard {card.id!r} was judged by rubric {named}, not by {other}; give its judge's rubric")


def _scorecard(row: Row[tuple[object, ...]]) -> Scorecard:
    what = f"scorecard {row.id!r} of episode {row.episode!r}"
    return read(Scorecard, row.body, what, id=row.id, episode=row.episode, judged_at=row.judged_at)
