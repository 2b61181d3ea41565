"""`comity library`: what is wrong with a library, casts drawn for a scenario, and the task sets there are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from comity.cli.fresh import make_fresh
from comity.cli.output import print_json, told
from comity.library import LibraryError, load_library, starter
from comity.library.casting import Casting
from comity.library.embedding import minilm
from comity.library.lint import Finding, lint
from comity.library.problems import did_you_mean
from comity.library.sets import SETS, tasks_of
from comity.world.tasks import Task

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Check a library, draw casts, see the task sets, make fresh games.", no_args_is_help=True)
    group.command("lint")(check)
    group.command("sample")(sample)
    group.command("sets")(sets)
    group.command("fresh")(make_fresh)
    app.add_typer(group, name="library")


def check(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of your own; the shipped library unless given.")
    ] = None,
    embed: Annotated[
        bool,
        typer.Option(
            "--embed", help="Look for near-duplicates and for told facts by meaning too; needs the extra `embed`."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Look for leaks, names and genders, casts that cannot be, duplicates, minors, real people and what is missing."""
    findings, records = _findings(folder, embed=embed)
    errors, warnings = ([each for each in findings if each.level == level] for level in ("error", "warning"))
    if as_json:
        counts = {"errors": len(errors), "warnings": len(warnings), "rules": _rules(findings), **records}
        print_json({"errors": list(map(asdict, errors)), "warnings": list(map(asdict, warnings)), "counts": counts})
    else:
        for finding in findings:
            told(f"{finding.level}: {finding}", style="red" if finding.level == "error" else "yellow")
        looked_at = ", ".join(f"{number:,} {what}" for what, number in records.items())
        told(f"{len(errors)} errors, {len(warnings)} warnings in {looked_at or 'what could be read'}.", style="bold")
    raise typer.Exit(1 if errors else 0)


def _findings(folder: Path | None, *, embed: bool) -> tuple[Sequence[Finding], Mapping[str, int]]:
    """What the loader refuses, or else what the lint finds and in how many records."""
    try:
        library = load_library(folder) if folder else starter()
    except LibraryError as error:
        return [Finding("unreadable", "error", each.path, each.field, each.reason) for each in error.problems], {}
    records = {
        "characters": len(library.characters),
        "relationships": len(library.relationships),
        "scenarios": len(library.scenarios),
        "tasks": len(library.tasks),
    }
    return lint(library, embed=minilm() if embed else None), records


def _rules(findings: Sequence[Finding]) -> Mapping[str, int]:
    return dict(Counter(finding.rule for finding in findings).most_common())


def sample(
    scenario: Annotated[str, typer.Argument(help="A scenario's id.")],
    count: Annotated[int, typer.Option(min=1, help="How many casts.")] = 5,
    seed: Annotated[int, typer.Option(help="The same seed draws the same casts.")] = 0,
    without_repetition: Annotated[
        bool, typer.Option("--without-repetition", help="No cast twice; where there are too few, that is an error.")
    ] = False,
    library: Annotated[Path | None, typer.Option(help="A folder of your own characters and scenarios.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Draw casts that keep a scenario's relationships, ages and occupations, each as likely as any other."""
    shelf = load_library(library) if library else starter()
    found = next((each for each in shelf.scenarios if each.id == scenario), None)
    if found is None:
        known = [each.id for each in shelf.scenarios]
        raise typer.BadParameter(f"there is no scenario {scenario!r}{did_you_mean(scenario, known)}")
    casting = Casting.of(found, shelf)
    tasks = casting.draw(count, seed, repetition=not without_repetition)
    if as_json:
        casts = [{"id": _cast_id(task), "seats": _seated(task)} for task in tasks]
        print_json({"scenario": scenario, "seed": seed, "casts": casts, "possible": casting.total})
        return
    told(f"# {len(tasks)} of {casting.total:,} possible casts; they can stand in the scenario's file as they are")
    for task in tasks:
        seats = ", ".join(f'{seat} = "{who}"' for seat, who in _seated(task).items())
        told(f'\n[[casts]]\nid = "{_cast_id(task)}"\nseats = {{ {seats} }}')


def _cast_id(task: Task) -> str:
    return task.id.removeprefix(f"{task.scenario.id}.")


def _seated(task: Task) -> dict[str, str]:
    return {seat: who.id for seat, who in task.cast.items()}


def sets(as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False) -> None:
    """The task sets of the shipped library."""
    found = {name: tasks_of(name) for name in SETS}
    if as_json:
        print_json(
            [{"set": name, "about": SETS[name], "tasks": [task.id for task in of]} for name, of in found.items()]
        )
        return
    for name, of in found.items():
        scenarios = len({task.scenario.id for task in of})
        told(f"{name:<5} {len(of):>4} tasks of {scenarios:>3} scenarios: {SETS[name]}")
