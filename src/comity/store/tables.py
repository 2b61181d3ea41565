"""The tables, as SQLAlchemy Core metadata, and the schema revision they stand for.

Every column is portable and holds ASCII only: bodies are JSON with escapes (so that a NUL, which some databases refuse
in text, is six plain characters), times are ISO 8601. What a change here needs beside it is a revision in `migrations`.
"""

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint

__all__ = ["HEAD", "current", "episodes", "events", "metadata", "scorecards", "snapshots", "tasks"]

HEAD = "0001"
"""The newest Alembic revision, kept here so that opening a current store need not import Alembic."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
)
"""Immutable records by content hash. A task's body refers to its scenario and characters by theirs."""

tasks = Table(
    "tasks",
    metadata,
    Column("hash", Text, ForeignKey("snapshots.hash"), primary_key=True),
    Column("id", Text, nullable=False),
    Column("scenario", Text, nullable=False),
    Column("caption", Text, nullable=False),
)
"""What listings show of a task snapshot: its id, the scenario's id, and the scenario's title and the names by seat."""

current = Table(
    "current",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("hash", Text, ForeignKey("snapshots.hash"), nullable=False),
    UniqueConstraint("kind", "id"),
)
"""Which snapshot an id stands for now, in the order in which the ids were first added."""

episodes = Table(
    "episodes",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("task", Text, ForeignKey("tasks.hash"), nullable=False),
    Column("body", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("ending", Text),
    Column("cause", Text),
    Column("length", Integer, nullable=False),
    UniqueConstraint("id"),
    Index("ix_episodes_started_at", "started_at", "seq"),
)
"""One row per episode. `length` is the number of events: a writer must state it to add one, and a reader checks it."""

events = Table(
    "events",
    metadata,
    Column("episode", Text, ForeignKey("episodes.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("turn", Integer, nullable=False),
    Column("body", Text, nullable=False),
)
"""The event logs; `position` is the event's index."""

scorecards = Table(
    "scorecards",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("episode", Text, ForeignKey("episodes.id"), nullable=False, index=True),
    Column("judged_at", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("id"),
)
"""Every judge's reading of every episode."""
