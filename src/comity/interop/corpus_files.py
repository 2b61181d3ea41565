"""The files of a corpus: found by name in a folder, packed with gzip or not, and read row by row, each with its place.

What cannot be read is reported, and what else there is, is read: of a file that breaks off, all that is whole.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from comity.interop.remarks import ImportFailed, Report
from comity.interop.rows import BOM, content_of, listed, read_json

__all__ = ["csv_rows", "files_of", "fitting", "json_rows", "stem", "text_lines"]

R = TypeVar("R", bound=BaseModel)

_CHUNK = 1 << 20


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


def text_lines(report: Report, path: Path) -> Iterator[tuple[int, str]]:
    """Each line that is not blank and is text in UTF-8, with its number."""
    for number, line in enumerate((_unpacked(report, path, by_line=True) or b"").split(b"\n"), 1):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            report.problem(f"{path.name}:{number}", "is not text in UTF-8; correct it, or remove the line")
            continue
        if text.strip():
            yield number, text


def json_rows(report: Report, path: Path) -> Iterator[tuple[str, JsonValue]]:
    """Each member of a file that holds one JSON list and that is JSON itself, with its place."""
    content = _unpacked(report, path)
    for where, text in listed(report, path.name, content) if content is not None else ():
        if (row := read_json(report, where, text)) is not None:
            yield where, row


def csv_rows(report: Report, path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each row, with the number of the line on which it ends. Raises `ImportFailed` where a column is missing."""
    # What is no text becomes half of a surrogate pair, so that it is found in its row.
    text = (_unpacked(report, path, by_line=True) or b"").decode(errors="surrogateescape")
    rows = csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
    try:
        named = rows.fieldnames or ()
    except csv.Error:
        named = ()
    if missing := [column for column in columns if column not in named]:
        raise ImportFailed(f"{path}: the first line does not name the columns {', '.join(missing)}")
    while True:
        before = rows.reader.line_num
        try:
            row = next(rows, None)
        except csv.Error as error:
            what = f"lines {before + 1} to {rows.reader.line_num} are no row ({error})"
            report.problem(f"{path.name}:{before + 1}", f"{what}; see whether a quotation mark is missing")
            continue
        if row is None:
            return
        if any("\ud800" <= sign <= "\udfff" for column in columns for sign in row[column]):
            where = f"{path.name}:{rows.line_num}"
            report.problem(where, "is not text in UTF-8; correct it, or remove the line")
            continue
        yield rows.line_num, {column: row[column] for column in columns}


def fitting(report: Report, where: str, row: JsonValue, model: type[R]) -> R | None:
    """The row as the model has it, or `None` where it does not fit, which is reported."""
    try:
        return model.model_validate(row)
    except ValidationError as error:
        report.invalid(where, error)
        return None


def _unpacked(report: Report, path: Path, *, by_line: bool = False) -> bytes | None:
    """What can be read of a file, of one that is cut off no more than its whole lines where that is how it is read."""
    content = content_of(report, path)
    if content is None or path.suffix != ".gz":
        return content
    parts: list[bytes] = []
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        try:
            while part := file.read1(_CHUNK):
                parts.append(part)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            whole = b"".join(parts)
            whole = whole[: whole.rfind(b"\n") + 1] if by_line else whole
            report.problem(path.name, f"is not whole: unpacking it with gzip fails; {_read_before(len(whole))}")
            return whole or None
    return b"".join(parts).removeprefix(BOM)


def _read_before(count: int) -> str:
    return f"the {count:,} bytes before that are read; get the file anew" if count else "get the file anew"
