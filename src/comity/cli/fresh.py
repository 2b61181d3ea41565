"""`comity library fresh`: fresh games from a seed as a library's folder, with people to play them."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from comity.cli.output import print_json, told
from comity.generate.acceptance import place
from comity.generate.library_files import character_file, relationship_entry, scenario_file
from comity.library import load_library, starter
from comity.library.casting import Casting
from comity.library.fresh import FRESH_KINDS, UnknownKind, fresh, fresh_worlds
from comity.world.collection import Collection
from comity.world.scenarios import Scenario

__all__ = ["make_fresh"]

_CHARACTERS, _SCENARIOS = "characters", "scenarios"


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
    own = (into / _CHARACTERS).is_dir()
    shelf = load_library(into) if own else starter()
    files = {} if own or not casts else _people(shelf)
    tasks: list[str] = []
    for scenario in made:
        files[f"{_SCENARIOS}/{scenario.id}.toml"], named = _with_casts(scenario, shelf, casts, seed)
        tasks += named
    _write(into, files)
    ids = [scenario.id for scenario in made]
    if as_json:
        print_json({"folder": str(into), "scenarios": ids, "tasks": tasks, "worlds": fresh_worlds(kind, count, seed)})
    else:
        told(f"{len(made)} scenarios with {len(tasks)} casts are in {into}. Play one: --library {into} {ids[0]}")


def _people(shelf: Collection) -> dict[str, str]:
    """The files of everyone in a library, and of how they stand to each other."""
    files = {f"{_CHARACTERS}/{who.id}.toml": character_file(who) for who in shelf.characters}
    return files | {"relationships.toml": "".join(map(relationship_entry, shelf.relationships)).lstrip("\n")}


def _with_casts(scenario: Scenario, shelf: Collection, casts: int, seed: int) -> tuple[str, list[str]]:
    """A scenario's file, and the ids of its tasks."""
    drawn = Casting.of(scenario, shelf).draw(casts, seed, repetition=False) if casts else ()
    by_id = {task.id.removeprefix(f"{scenario.id}."): task.cast for task in drawn}
    return scenario_file(scenario, by_id), [task.id for task in drawn]


def _write(into: Path, files: Mapping[str, str]) -> None:
    """Write what is not there. Raises `BadParameter`, before anything is written, where something else is."""
    for name, text in files.items():
        if (into / name).is_file() and (into / name).read_bytes() != text.encode():
            raise typer.BadParameter(
                f"{into / name} is there already and says something else; take another folder or seed"
            )
    new = {name: text for name, text in files.items() if not (into / name).is_file()}
    people = [name for name in new if name.partition("/")[0] != _SCENARIOS]
    if people and not (into / _CHARACTERS).exists():
        _settle(into, {name: new.pop(name) for name in people})
    place(into, new)


def _settle(into: Path, people: Mapping[str, str]) -> None:
    """Write people and their ties so that all characters are there or none: some of them would be taken for the folder's own."""
    draft = f".{_CHARACTERS}.new"
    begun = into / draft
    shutil.rmtree(begun, ignore_errors=True)  # of a start that was killed
    try:
        place(into, {name.replace(_CHARACTERS, draft, 1): text for name, text in people.items()})
        begun.rename(into / _CHARACTERS)
    finally:
        shutil.rmtree(begun, ignore_errors=True)
