"""Stored episodes as flat tables for analysis, in Parquet: a row for each seat, one for each event, and one for each score.

Three files: `FILE.parquet` (seats), `FILE.events.parquet` and `FILE.scores.parquet`. Needs pyarrow, the extra `analysis`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

from comity.interop.kept import ExportFailed, Kept, Written, written_whole
from comity.interop.table_rows import (
    EVENT_COLUMNS,
    SCORE_COLUMNS,
    Kind,
    Row,
    event_rows,
    score_rows,
    seat_columns,
    seat_rows,
)

__all__ = ["tables_of", "write_parquet"]

_ROWS = 10_000
"""Rows held before they are written."""


def _pyarrow() -> ModuleType:
    try:
        import_module("pyarrow.parquet")
        return import_module("pyarrow")
    except ImportError:
        raise ExportFailed("Parquet needs pyarrow; install it: pip install 'comity[analysis]'") from None


def tables_of(path: Path) -> dict[str, Path]:
    """Where each table is written, by what its rows are called."""
    stem = path.with_suffix("") if path.suffix == ".parquet" else path
    return {
        "seats": stem.with_name(f"{stem.name}.parquet"),
        "events": stem.with_name(f"{stem.name}.events.parquet"),
        "scores": stem.with_name(f"{stem.name}.scores.parquet"),
    }


def write_parquet(episodes: Iterable[Kept], path: Path, dimensions: Sequence[str]) -> Written:
    """Write the three tables, holding some thousands of rows at a time.

    Args:
        dimensions: those that have a column in the table of seats, in this order. The table of scores has all of them.

    Raises `ExportFailed`.
    """
    written, files = Written(), tables_of(path)
    with ExitStack() as stack:
        seats = stack.enter_context(_table(files["seats"], seat_columns(dimensions)))
        events = stack.enter_context(_table(files["events"], EVENT_COLUMNS))
        scores = stack.enter_context(_table(files["scores"], SCORE_COLUMNS))
        for kept in episodes:
            rows = {"seats": seats.add(seat_rows(kept, dimensions)), "events": events.add(event_rows(kept))}
            written.note(kept, **rows, scores=scores.add(score_rows(kept)))
    return written


class _Table:
    """A table that is being written."""

    def __init__(self, write: Callable[[list[Row]], None]) -> None:
        self._write = write
        self._rows: list[Row] = []

    def add(self, rows: Iterable[Row]) -> int:
        """Add rows, and say how many those were."""
        before = len(self._rows)
        self._rows += [{name: _text(value) for name, value in row.items()} for row in rows]
        added = len(self._rows) - before
        if len(self._rows) >= _ROWS:
            self.flush()
        return added

    def flush(self) -> None:
        """Write what is held."""
        if self._rows:
            self._write(self._rows)
            self._rows = []


@contextmanager
def _table(path: Path, columns: Mapping[str, Kind]) -> Iterator[_Table]:
    pa = _pyarrow()
    kinds = {
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "whole": pa.int64(),
        "wholes": pa.list_(pa.int64()),
        "number": pa.float64(),
        "flag": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    with written_whole(path) as file, pa.parquet.ParquetWriter(file, schema) as writer:
        table = _Table(lambda rows: writer.write_table(pa.Table.from_pylist(rows, schema=schema)))
        yield table
        table.flush()


def _text(value: object) -> object:
    """Text that UTF-8 can hold: half of a surrogate pair is escaped."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
