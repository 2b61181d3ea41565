"""The files of a corpus: found by name in a folder, packed with gzip or not, and read row by row, each with its place."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from comity.interop.remarks import ImportFailed, Report

__all__ = ["csv_rows", "files_of", "fitting", "json_rows", "stem", "text_lines"]

R = TypeVar("R", bound=BaseModel)


def files_of(path: Path, patterns: Sequence[str], corpus: str) -> list[Path]:
    """The path itself, where it is a file, or the files in it whose names match, in the order of their names.

    Raises `ImportFailed` where there are none.
    """
    if path.is_file():
        return [path]
    found = sorted({file for pattern in patterns for file in path.glob(pattern) if file.is_file()})
    if not found:
        raise ImportFailed(
            f"{path}: neither a file of {corpus} nor a folder that holds any; expected {', '.join(patterns)}"
        )
    return found


def stem(path: Path) -> str:
    """The file's name without what says how it is written."""
    return path.name.partition(".")[0]


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Each line that is not blank, with its number. Raises `ImportFailed`."""
    for number, line in enumerate(_text(path).split("\n"), 1):
        if line.strip():
            yield number, line


def json_rows(report: Report, path: Path) -> Iterator[tuple[str, JsonValue]]:
    """Each member of a file that holds one JSON list, with its place. Raises `ImportFailed`."""
    try:
        rows = json.loads(_text(path))
    except ValueError:
        raise ImportFailed(f"{path}: is not JSON; expected a list of dialogues") from None
    if not isinstance(rows, list):
        raise ImportFailed(f"{path}: holds no list of dialogues")
    for index, row in enumerate(rows):
        yield f"{path.name}[{index}]", row


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each row, with the number of the line on which it ends. Raises `ImportFailed` where a column is missing."""
    rows = csv.DictReader(io.StringIO(_text(path), newline=""))
    if missing := [column for column in columns if column not in (rows.fieldnames or ())]:
        raise ImportFailed(f"{path}: the first line does not name the columns {', '.join(missing)}")
    for row in rows:
        yield rows.line_num, {column: row[column] or "" for column in columns}


def fitting(report: Report, where: str, row: JsonValue, model: type[R]) -> R | None:
    """The row as the model has it, or `None` where it does not fit, which is reported."""
    try:
        return model.model_validate(row)
    except ValidationError as error:
        report.invalid(where, error)
        return None


def _text(path: Path) -> str:
    """All of a file. Raises `ImportFailed`."""
    try:
        packed = path.read_bytes()
        return (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode()
    except UnicodeDecodeError:
        raise ImportFailed(f"{path}: is not text in UTF-8") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise ImportFailed(f"{path}: is not whole; unpacking it with gzip fails") from None
    except OSError as error:
        raise ImportFailed(
            f"{path}: cannot be read ({error.strerror}); check that it is there and may be read"
        ) from None
