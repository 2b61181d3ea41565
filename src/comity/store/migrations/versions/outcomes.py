"""What rules computed of an episode, beside what judges said of it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table. No episode of before has a payoff, so there is nothing to fill it with."""
    op.create_table(
        "outcomes",
        sa.Column("episode", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["episode"], ["episodes.id"], name="fk_outcomes_episode"),
        sa.PrimaryKeyConstraint("episode", "version", name="pk_outcomes"),
    )
