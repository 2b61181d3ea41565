"""Many episodes at once: runs and their members, workers and what they hold, typed interruptions, one scorecard for each judge."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_episodes = sa.table(
    "episodes",
    *map(sa.column, ("seq", "id", "body", "mode", "seed", "models", "interrupted", "failure", "length", "ending")),
)
_events = sa.table("events", *map(sa.column, ("episode", "position", "body")))
_scorecards = sa.table("scorecards", *map(sa.column, ("seq", "id", "episode", "judge", "body", "judged_at")))


def upgrade() -> None:
    """Add the columns and tables, and fill the columns from what is there."""
    op.execute("ALTER TABLE episodes RENAME COLUMN cause TO interrupted")
    for name in ("mode", "seed", "models"):
        op.add_column("episodes", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("episodes", sa.Column("failure", sa.Text()))
    op.add_column("episodes", sa.Column("holder", sa.Text()))
    op.add_column("episodes", sa.Column("epoch", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_episodes_holder", "episodes", ["holder"])
    op.add_column("scorecards", sa.Column("judge", sa.Text(), nullable=False, server_default=""))
    _fill_episodes()
    _fill_failures()
    _fill_scorecards()
    op.drop_index("ix_scorecards_episode", "scorecards")
    op.create_index("ix_scorecards_episode_judge", "scorecards", ["episode", "judge"], unique=True)
    _runs()
    _workers()


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_table(
        "members",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("episode", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("seats", sa.Text(), nullable=False),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run", "episode", name="pk_members"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_members_run"),
    )


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )
    counts = ("calls", "prompt_tokens", "cached_tokens", "completion_tokens")
    op.create_table(
        "spending",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("unpriced", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", "worker", "model", name="pk_spending"),
    )


def _fill_episodes() -> None:
    """Mode and seed leave the body for columns of their own; one that cannot be read stays as it is, and as damaged as it was."""
    connection = op.get_bind()
    for seq in connection.scalars(sa.select(_episodes.c.seq)).all():
        row = connection.execute(sa.select(_episodes).where(_episodes.c.seq == seq)).one()
        changed: dict[str, object] = {"interrupted": _interruption(row.interrupted)}
        body = _object(row.body)
        match body:
            case {"mode": str(mode), "seed": int(seed), "policies": dict(policies)}:
                rest = {field: value for field, value in body.items() if field not in ("mode", "seed")}
                models = {seat: who.get("model") for seat, who in policies.items() if isinstance(who, dict)}
                changed |= {"mode": mode, "seed": str(seed), "models": _text(models), "body": _text(rest)}
        connection.execute(sa.update(_episodes).where(_episodes.c.seq == seq).values(**changed))


def _interruption(cause: object) -> object:
    """What was one text becomes typed: `Unreachable: the server is gone` or `cancelled`."""
    try:
        said = json.loads(cause) if isinstance(cause, str) else None
    except ValueError:
        return cause
    if not isinstance(said, str):
        return cause
    if said == "cancelled":
        return _text({"kind": "cancelled", "error": "Cancelled", "detail": ""})
    error, _, detail = said.partition(": ")
    return _text({"kind": "infrastructure", "error": error, "detail": detail})


def _fill_failures() -> None:
    """The kind of the agent's failure that ended an episode; it is that of one of its last events."""
    connection = op.get_bind()
    failed = connection.execute(
        sa.select(_episodes.c.id, _events.c.body)
        .join(_events, _events.c.episode == _episodes.c.id)
        .where(sa.func.substr(_episodes.c.ending, 1, 25) == '{"reason":"agent_failure"')
        .order_by(_episodes.c.id, _events.c.position.desc())
    ).all()
    for id_, text in failed:
        match _object(text):
            case {"failure": {"kind": str(kind)}}:
                connection.execute(sa.update(_episodes).where(_episodes.c.id == id_).values(failure=kind))


def _fill_scorecards() -> None:
    """Readings of one episode by one judge are told apart by their repeat, in the order in which they were made."""
    connection = op.get_bind()
    seen: Counter[tuple[str, str]] = Counter()
    order = sa.select(_scorecards.c.seq).order_by(_scorecards.c.judged_at, _scorecards.c.seq)
    for seq in connection.scalars(order).all():
        row = connection.execute(sa.select(_scorecards).where(_scorecards.c.seq == seq)).one()
        changed: dict[str, object] = {"judge": f"unknown-{row.id}"}
        body = _object(row.body)
        match body:
            case {"judge": dict(judge), "rubric_hash": str(rubric)}:
                repeat = seen[row.episode, _judge(judge, rubric, 0)]
                seen[row.episode, _judge(judge, rubric, 0)] += 1
                changed = {"judge": _judge(judge, rubric, repeat), "body": _text({**body, "repeat": repeat})}
        connection.execute(sa.update(_scorecards).where(_scorecards.c.seq == seq).values(**changed))


def _judge(policy: Mapping[str, object], rubric_hash: str, repeat: int) -> str:
    """As `comity.store.scorecards.judge_key` made it when this was written."""
    given = {field: value for field, value in policy.items() if value not in (None, {})}
    text = json.dumps([given, rubric_hash, repeat], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _object(text: object) -> dict[str, object]:
    """The fields of a body, none where it cannot be read."""
    try:
        found = json.loads(text) if isinstance(text, str) and text.isascii() else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
