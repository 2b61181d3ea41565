"""`comity models`: which local models there are; fetching, checking and removing their files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Column, Table
from rich.text import Text

from comity.agents.briefing import printable
from comity.cli.output import complain, console, print_json, told
from comity.models import download
from comity.models.download import Progress
from comity.models.registry import LocalModelEntry, find_entry, load_registry, models_directory

__all__ = ["add_to"]

_STEP = 10
"""Percent from one line of progress to the next, where there is no terminal."""

_Alias = Annotated[str, typer.Argument(metavar="ALIAS", help="The model's name in `comity models`.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="List, fetch, check and remove local models.")
    group.callback(invoke_without_command=True)(models)
    group.command("list")(listing)
    group.command("pull")(pull)
    group.command("verify")(verify)
    group.command("remove")(remove)
    group.command("gguf")(write_gguf)
    app.add_typer(group, name="models")


def models(context: typer.Context, as_json: _Json = False) -> None:
    """List, fetch, check and remove local models."""
    if context.invoked_subcommand is None:
        listing(as_json=as_json)
    elif as_json:
        raise typer.BadParameter(f"write --json after {context.invoked_subcommand}")


def listing(as_json: _Json = False) -> None:
    """List the local models there are, pulled or not."""
    directory = models_directory()
    entries = [(entry, download.is_pulled(entry, directory)) for entry in load_registry().values()]
    if as_json:
        print_json([_plain(entry) | {"pulled": pulled} for entry, pulled in entries])
        return
    table = Table(Column("model", no_wrap=True), "size", "licence", "pulled", "style", "notes")
    for entry, pulled in entries:
        cells = (entry.alias, decimal(entry.bytes), entry.licence, "yes" if pulled else "no", entry.style, entry.notes)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console.print(table)
    if missing := next((entry.alias for entry, pulled in entries if not pulled), None):
        told(f"Get one: comity models pull {missing}")


def pull(
    alias: _Alias,
    hub: Annotated[bool, typer.Option("--hub", help="The Hugging Face hub may be asked too.")] = False,
    as_json: _Json = False,
) -> None:
    """Fetch a model's file and check it. A pull that was cut off goes on where it stopped."""
    entry, directory = find_entry(alias), models_directory()
    with _progress(entry, Console(stderr=as_json, highlight=False)) as progress:
        path = download.pull(
            entry,
            directory=directory,
            allow_hub=hub,
            progress=progress,
            failed=lambda failure: complain(str(failure)),
        )
    if as_json:
        print_json({"alias": alias, "path": str(path)})
    else:
        typer.echo(printable(str(path)))


def verify(alias: _Alias, as_json: _Json = False) -> None:
    """Check a pulled model's file against its hash."""
    entry = find_entry(alias)
    path = download.verify(entry, models_directory())
    if as_json:
        print_json({"alias": alias, "path": str(path), "sha256": entry.sha256})
    else:
        told(f"{alias} is sound: {path}")


def remove(alias: _Alias, as_json: _Json = False) -> None:
    """Remove a model's file and what is kept of an unfinished pull."""
    directory = models_directory()
    removed = download.remove(find_entry(alias), directory)
    if as_json:
        print_json({"alias": alias, "removed": removed})
    else:
        told(f"{alias} is removed from {directory}" if removed else f"nothing of {alias} was in {directory}")


def _plain(entry: LocalModelEntry) -> dict[str, object]:
    return entry.model_dump(mode="json", include={"alias", "bytes", "licence", "style", "notes"})


@contextmanager
def _progress(entry: LocalModelEntry, to: Console) -> Iterator[Progress]:
    """A bar on a terminal, else a line now and then."""
    if not to.is_terminal:
        yield _percent_lines(entry, to)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), DownloadColumn())
    with Bar(*columns, TimeRemainingColumn(), console=to, transient=True) as bar:
        task = bar.add_task(entry.alias, total=entry.bytes)
        yield lambda there, whole: bar.update(task, completed=there, total=whole)


def _percent_lines(entry: LocalModelEntry, to: Console) -> Callable[[int, int], None]:
    said = -_STEP

    def hear(there: int, whole: int) -> None:
        nonlocal said
        percent = 100 * there // whole
        if percent < said or percent >= said + _STEP:  # less than before: another source begins anew
            said = percent - percent % _STEP
            to.print(Text(f"{entry.alias}: {percent} %"))

    return hear


def write_gguf(
    adapter: Annotated[str, typer.Argument(metavar="adapter:PATH", help="What training wrote.")],
    weights: Annotated[str, typer.Option(help="f32, f16 or q8_0.")] = "f16",
    alone: Annotated[
        bool, typer.Option("--alone", help="The LoRA adapter without its base, for llama.cpp's own --lora.")
    ] = False,
) -> None:
    """Write an adapter's weights as a GGUF file for llama.cpp; adapter:PATH#llama.cpp then plays it."""
    from comity.train.gguf import WEIGHTS, GgufError, write_adapter, write_merged

    folder = Path(adapter.removeprefix("adapter:"))
    if weights not in WEIGHTS:
        raise typer.BadParameter(f"--weights is one of {', '.join(WEIGHTS)}, not {weights!r}")
    try:
        file = write_adapter(folder) if alone else write_merged(folder, weights=WEIGHTS[weights])
    except GgufError as error:
        raise typer.BadParameter(str(error)) from None
    told(str(file))
