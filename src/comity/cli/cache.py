"""`comity cache`: what the cache of replies holds; forgetting some of it. It never shows what a model said."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.filesize import decimal
from rich.table import Column, Table
from rich.text import Text

from comity.agents.briefing import printable
from comity.cli.output import console, print_json, told
from comity.models.cache import CacheSize, Entry, Pruned, ResponseCache, default_cache_file

__all__ = ["add_to"]

_File = Annotated[
    Path | None,
    typer.Option("--file", help="The cache; else COMITY_CACHE, else replies.db in the user's cache directory."),
]
_Model = Annotated[str | None, typer.Option(metavar="NAME", help="Only this model's replies.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
_MB = 1_000_000


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="See what replies are remembered, and forget some.")
    group.callback(invoke_without_command=True)(cache)
    group.command("list")(listing)
    group.command("size")(size)
    group.command("prune")(prune)
    app.add_typer(group, name="cache")


def cache(context: typer.Context, as_json: _Json = False) -> None:
    """See what replies are remembered, and forget some."""
    if context.invoked_subcommand is None:
        size(as_json=as_json)
    elif as_json:
        raise typer.BadParameter(f"write --json after {context.invoked_subcommand}")


def listing(
    model: _Model = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the last used first.")] = 50,
    file: _File = None,
    as_json: _Json = False,
) -> None:
    """List the remembered replies: of which model, how large, from when. Not what they say."""
    with _opened(file) as (path, opened):
        found = opened.entries(model=model, limit=limit) if opened else []
    if as_json:
        print_json([_plain(entry) for entry in found])
    elif not found:
        told(f"No replies are remembered in {path}.")
    else:
        _table(found)


def size(file: _File = None, as_json: _Json = False) -> None:
    """Say how many replies are remembered and what room they take."""
    with _opened(file) as (path, opened):
        found = opened.size() if opened else CacheSize(0, 0, 0, ())
    if as_json:
        print_json({"path": str(path)} | found._asdict() | {"models": [model._asdict() for model in found.models]})
        return
    told(f"{_replies(found.entries)} in {path}: {decimal(found.bytes)}, {decimal(found.file_bytes)} on the disk.")
    for model in found.models:
        told(f"  {model.model}: {_replies(model.entries)}, {decimal(model.bytes)}")


def prune(
    older_than: Annotated[
        float | None, typer.Option(metavar="DAYS", min=0, help="Forget what was not used for so many days.")
    ] = None,
    max_size: Annotated[
        float | None,
        typer.Option(metavar="MB", min=0, help="Forget what was last used longest ago, until so many MB are left."),
    ] = None,
    model: _Model = None,
    file: _File = None,
    as_json: _Json = False,
) -> None:
    """Forget remembered replies, by age, size or model, and give their room on the disk back."""
    if older_than is None and max_size is None and model is None:
        raise typer.BadParameter("say what to forget: --older-than DAYS, --max-size MB or --model NAME")
    with _opened(file) as (path, opened):
        forgotten = Pruned(0, 0)
        if opened:
            forgotten = opened.prune(
                older_than=None if older_than is None else timedelta(days=older_than),
                max_bytes=None if max_size is None else int(max_size * _MB),
                model=model,
            )
    if as_json:
        print_json({"path": str(path)} | forgotten._asdict())
    else:
        told(f"{_replies(forgotten.entries)} forgotten, {decimal(forgotten.bytes)}.")


@contextmanager
def _opened(file: Path | None) -> Iterator[tuple[Path, ResponseCache | None]]:
    """The cache with its path; none where there is no file, as looking makes no cache."""
    path = file or default_cache_file()
    if not path.exists():
        yield path, None
        return
    with ResponseCache.open(path) as opened:
        yield path, opened


def _replies(number: int) -> str:
    return f"{number:,} {'reply' if number == 1 else 'replies'}"


def _plain(entry: Entry) -> dict[str, object]:
    return entry._asdict() | {"created": entry.created.isoformat(), "used": entry.used.isoformat()}


def _table(entries: list[Entry]) -> None:
    columns = (Column("key", no_wrap=True), Column("model", overflow="fold"), "size", "made", "last used")
    table = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for entry in entries:
        days = (f"{day:%Y-%m-%d}" for day in (entry.created, entry.used))
        cells = (entry.key[:8], entry.model, decimal(entry.size), *days)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console.print(table)
