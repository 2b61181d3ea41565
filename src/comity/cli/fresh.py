"""`comity library fresh`: fresh games from a seed as a library's folder, with people to play them."""

from pathlib import Path
from typing import Annotated

import typer

from comity.cli.output import print_json, told
from comity.generate.cast_files import write_cast
from comity.library.fresh import FRESH_KINDS, UnknownKind, fresh, fresh_worlds

__all__ = ["make_fresh"]


def make_fresh(
    kind: Annotated[str, typer.Argument(help=f"What the rules are of: {', '.join(FRESH_KINDS)}.")],
    into: Annotated[
        Path, typer.Option(help="The folder of the library that they go into; made where it is not there.")
    ],
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    seed: Annotated[int, typer.Option(help="The same seed makes the same games.")] = 0,
    casts: Annotated[int, typer.Option(min=0, help="How many casts of each are drawn.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Make scenarios with a payoff from a seed: any number, no model asked. They are cast with the folder's own people, or where it
    has none with those of the shipped library, who are copied into it.

    A kind has six stories written by hand; their numbers, places, hours, things, goals and reasons are drawn. With --json, `worlds` says
    how many games are set in each.
    """
    try:
        made = fresh(kind, count, seed)
    except UnknownKind as error:
        raise typer.BadParameter(str(error)) from None
    tasks = write_cast(into, made, casts=casts, seed=seed)
    ids = [scenario.id for scenario in made]
    if as_json:
        print_json({"folder": str(into), "scenarios": ids, "tasks": tasks, "worlds": fresh_worlds(kind, count, seed)})
    else:
        told(f"{len(made)} scenarios with {len(tasks)} casts are in {into}. Play one: --library {into} {ids[0]}")
