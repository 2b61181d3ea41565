"""The first schema: snapshots, what is current of them, episodes with their events, and scorecards."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    _records()
    _episodes()


def _records() -> None:
    op.create_table(
        "snapshots",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_snapshots"),
    )
    op.create_table(
        "tasks",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=False),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_tasks"),
        sa.ForeignKeyConstraint(["hash"], ["snapshots.hash"], name="fk_tasks_hash"),
    )
    op.create_table(
        "current",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_current"),
        sa.UniqueConstraint("kind", "id", name="uq_current_kind"),
        sa.ForeignKeyConstraint(["hash"], ["snapshots.hash"], name="fk_current_hash"),
    )


def _episodes() -> None:
    op.create_table(
        "episodes",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text()),
        sa.Column("ending", sa.Text()),
        sa.Column("cause", sa.Text()),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_episodes"),
        sa.UniqueConstraint("id", name="uq_episodes_id"),
        sa.ForeignKeyConstraint(["task"], ["tasks.hash"], name="fk_episodes_task"),
    )
    op.create_index("ix_episodes_started_at", "episodes", ["started_at", "seq"])
    op.create_table(
        "events",
        sa.Column("episode", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("episode", "position", name="pk_events"),
        sa.ForeignKeyConstraint(["episode"], ["episodes.id"], name="fk_events_episode"),
    )
    op.create_table(
        "scorecards",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("episode", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_scorecards"),
        sa.UniqueConstraint("id", name="uq_scorecards_id"),
        sa.ForeignKeyConstraint(["episode"], ["episodes.id"], name="fk_scorecards_episode"),
    )
    op.create_index("ix_scorecards_episode", "scorecards", ["episode"])
