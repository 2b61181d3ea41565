"""The tables, as SQLAlchemy Core metadata, and the schema revision they stand for.

Every column is portable and holds ASCII only: bodies are JSON with escapes (so that a NUL, which some databases refuse
in text, is six plain characters), times are ISO 8601. What a change here needs beside it is a revision in `migrations`.
"""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint

__all__ = [
    "HEAD",
    "current",
    "episodes",
    "events",
    "members",
    "metadata",
    "outcomes",
    "runs",
    "scorecards",
    "snapshots",
    "spending",
    "tasks",
    "workers",
]

HEAD = "0003"
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
    Column("mode", Text, nullable=False),
    Column("seed", Text, nullable=False),
    Column("models", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("ending", Text),
    Column("failure", Text),
    Column("interrupted", Text),
    Column("length", Integer, nullable=False),
    Column("holder", Text),
    Column("epoch", Integer, nullable=False, default=0),
    UniqueConstraint("id"),
    Index("ix_episodes_started_at", "started_at", "seq"),
    Index("ix_episodes_holder", "holder"),
)
"""One row per episode. `length` is the number of events: a writer must state it to add one, and a reader checks it.
`holder` is the worker that plays it, where one does; `epoch` counts those that did, and a writer must state it too, so that
one whose lease was taken is too late. `models` and `failure` are what listings show of the policies and of the last event.
A seed is an integer of any size, hence text."""

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
    Column("episode", Text, ForeignKey("episodes.id"), nullable=False),
    Column("judge", Text, nullable=False),
    Column("judged_at", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("id"),
    Index("ix_scorecards_episode_judge", "episode", "judge", unique=True),
)
"""Every judge's reading of every episode, one for each `judge`, which is the hash of judge, rubric and repeat."""

outcomes = Table(
    "outcomes",
    metadata,
    Column("episode", Text, ForeignKey("episodes.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("body", Text, nullable=False),
)
"""What the rules of a scenario's payoff made of an episode, one for each version of the rules that was applied."""

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("created_at", Text, nullable=False),
)
"""Plans that were begun."""

members = Table(
    "members",
    metadata,
    Column("run", Text, ForeignKey("runs.id"), primary_key=True),
    Column("episode", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("task", Text, nullable=False),
    Column("seats", Text, nullable=False),
    Column("repeat", Integer, nullable=False),
    Column("seed", Text, nullable=False),
)
"""The episodes that a run is made of, in its order. They are named before they are begun, and may belong to several runs."""

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""The processes that play, each with a lease: `until` is in milliseconds since 1970 on this database's own clock."""

spending = Table(
    "spending",
    metadata,
    Column("run", Text, primary_key=True),
    Column("worker", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost", Float, nullable=False),
    Column("unpriced", BigInteger, nullable=False),
)
"""What each worker of a run has spent on each model so far; it outlives the worker."""
