"""`comity import`: other people's characters and scenarios into the store."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comity.cli.choose import open_store, store_url
from comity.cli.output import print_json, told
from comity.interop.sotopia import Remark, RemarkKind, read_sotopia
from comity.world.collection import Collection

__all__ = ["add_to"]

_EXAMPLES = 3
"""So many remarks of a kind are shown to people."""


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Import characters, scenarios and tasks into the store.", no_args_is_help=True)
    group.command("sotopia")(sotopia)
    app.add_typer(group, name="import")


def sotopia(
    path: Annotated[Path, typer.Argument(help="The folder that holds the .jsonl files.")],
    store: Annotated[
        str | None, typer.Option(help="Where episodes are kept; else COMITY_STORE, else ./comity.db.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Import SOTOPIA's released profiles, or those of SOTOPIA-π."""
    imported = read_sotopia(path)
    with open_store(store) as opened:
        opened.add(imported.collection)
    counts, kinds = _counts(imported.collection), Counter(remark.kind for remark in imported.report)
    if as_json:
        remarks = [asdict(remark) for remark in imported.report]
        print_json(counts | {"reported": dict(kinds.most_common()), "remarks": remarks})
        return
    told(f"Imported into {store_url(store)}: {', '.join(f'{number} {what}' for what, number in counts.items())}.")
    _tell(imported.report, kinds)
    if tasks := imported.collection.tasks:
        told(f"\nPlay one: comity simulate --task {tasks[0].id}", style="bold")


def _counts(collection: Collection) -> dict[str, object]:
    return {
        "scenarios": len(collection.scenarios),
        "characters": len(collection.characters),
        "relationships": len(collection.relationships),
        "tasks": len(collection.tasks),
    }


def _tell(report: Sequence[Remark], kinds: Mapping[RemarkKind, int]) -> None:
    for kind, number in sorted(kinds.items(), key=lambda item: -item[1]):
        told(f"\n{kind.replace('_', ' ')}: {number}", style="bold")
        for remark in [remark for remark in report if remark.kind == kind][:_EXAMPLES]:
            told(f"  {remark.where}: {remark.message}")
        if number > _EXAMPLES:
            told(f"  and {number - _EXAMPLES} more; --json shows all", style="dim")
