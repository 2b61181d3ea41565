"""Characters, scenarios, tasks, episodes and scorecards in SQL: an SQLite file, opened with `Store.open`."""

from comity.store.errors import (
    Ambiguous,
    Busy,
    Conflict,
    Damaged,
    FolderMissing,
    Full,
    NewerStore,
    NotAStore,
    NotFound,
    ReadOnly,
    StoreError,
    UnsupportedURL,
)
from comity.store.store import Store
from comity.store.summaries import EpisodeSummary, Status, TaskSummary

__all__ = [
    "Ambiguous",
    "Busy",
    "Conflict",
    "Damaged",
    "EpisodeSummary",
    "FolderMissing",
    "Full",
    "NewerStore",
    "NotAStore",
    "NotFound",
    "ReadOnly",
    "Status",
    "Store",
    "StoreError",
    "TaskSummary",
    "UnsupportedURL",
]
