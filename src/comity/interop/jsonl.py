"""Stored episodes as JSON lines: the whole record of each, with its outcome, its scorecards and the licence of the line."""

from collections.abc import Iterable
from pathlib import Path

from comity.interop.kept import Kept, Written, json_line, written_whole

__all__ = ["record_of", "write_jsonl"]


def write_jsonl(episodes: Iterable[Kept], path: Path) -> Written:
    """Write one episode a line, holding one at a time. Raises `ExportFailed`."""
    written = Written()
    with written_whole(path) as file:
        for kept in episodes:
            file.write(json_line(record_of(kept)))
            written.note(kept)
    return written


def record_of(kept: Kept) -> dict[str, object]:
    """The episode's fields as they are stored, and beside them `outcome`, `scorecards` and `row_licence`."""
    return {
        **kept.episode.model_dump(),
        "outcome": kept.outcome.model_dump() if kept.outcome else None,
        "scorecards": [card.model_dump() for card in kept.cards],
        "row_licence": kept.licence,
    }
