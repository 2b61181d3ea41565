"""`comity export`: what is in the store as other people's files.

A format is one function that reads the store and writes files, registered in `add_to`; what it says goes through `report`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from comity.cli import exporting_rows
from comity.cli.choose import open_store
from comity.cli.exchange import report
from comity.interop.episode_files import Judged, write_episodes
from comity.interop.episode_rows import Form
from comity.interop.remarks import Problem
from comity.interop.sotopia_files import Layout, write_sotopia
from comity.interop.verdicts import sotopia_eval
from comity.library import load_library, starter
from comity.store import Store
from comity.world.collection import Collection
from comity.world.episodes import Episode
from comity.world.scorecards import Scorecard

__all__ = ["add_to"]

_Where = Annotated[
    str | None, typer.Option("--store", help="Where episodes are kept; else COMITY_STORE, else ./comity.db.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Export characters, scenarios, tasks and episodes from the store.", no_args_is_help=True)
    group.command("sotopia")(sotopia)
    group.command("sotopia-episodes")(sotopia_episodes)
    exporting_rows.add_to(group)
    app.add_typer(group, name="export")


def sotopia(
    folder: Annotated[Path, typer.Argument(help="The folder for the .jsonl files; it is made where it is not there.")],
    source: Annotated[
        str, typer.Option(help="`store`, `library` (the one that ships), or a folder of your own.")
    ] = "store",
    origin: Annotated[
        str,
        typer.Option(help="Only scenarios whose source begins so, such as 'SOTOPIA release', and who is cast in them."),
    ] = "",
    layout: Annotated[Layout, typer.Option(help="As SOTOPIA released its profiles, or as SOTOPIA-π did.")] = "release",
    store: _Where = None,
    as_json: _Json = False,
) -> None:
    """Export characters, relationships, scenarios and tasks as SOTOPIA's profile files."""
    written = write_sotopia(_of_origin(_collection(source, store), origin), folder, layout)
    report(f"Exported to {folder}", written.counts, written.report, written.problems, as_json=as_json)


def sotopia_episodes(
    file: Annotated[Path, typer.Argument(help="The file: one episode a line, or a .json file.")],
    episodes: Annotated[
        list[str] | None,
        typer.Argument(
            help="By id, its beginning, or `last`; else all that have ended, with --judge all it has scored."
        ),
    ] = None,
    form: Annotated[Form, typer.Option(help="Which of SOTOPIA's forms.")] = "released",
    judge: Annotated[str, typer.Option(help="The model whose scores are written; else the first that scored.")] = "",
    store: _Where = None,
    as_json: _Json = False,
) -> None:
    """Export episodes with their scores as SOTOPIA's episode files."""
    with open_store(store) as opened:
        ids = episodes or [each.id for each in reversed(opened.episodes()) if each.end is not None]
        had: dict[str, bool] = {}
        written = write_episodes(_all_judged(opened, ids, form, judge, had), file, form)
    unscored = [Problem(f"episode {id_}", f"{judge} has not scored it") for id_, scored in had.items() if not scored]
    problems = [*(unscored if episodes else []), *written.problems]
    report(f"Exported to {file}", written.counts, written.report, problems, as_json=as_json)


def _collection(source: str, store: str | None) -> Collection:
    if source == "library":
        return starter()
    if source != "store":
        return load_library(Path(source))
    with open_store(store) as opened:
        return opened.collection()


def _of_origin(every: Collection, origin: str) -> Collection:
    """The scenarios of an origin with their tasks, who is cast in these, and how those stand to each other."""
    if not origin:
        return every
    tasks = tuple(each for each in every.tasks if each.scenario.source.startswith(origin))
    cast = {character.id: character for task in tasks for character in task.cast.values()}
    own = {each.id: each for each in every.characters if each.source.startswith(origin)}
    characters = own | cast
    return Collection(
        characters=tuple(characters.values()),
        relationships=tuple(each for each in every.relationships if set(each.between) <= characters.keys()),
        scenarios=tuple(each for each in every.scenarios if each.source.startswith(origin)),
        tasks=tasks,
    )


def _all_judged(store: Store, ids: list[str], form: Form, judge: str, had: dict[str, bool]) -> Iterator[Judged]:
    """One episode after another; whether there was a reading of it goes to `had`, by its id."""
    for id_ in ids:
        episode = store.episode(id_)
        had[episode.id] = False
        for each in _judged(store, episode, form, judge):
            had[episode.id] = True
            yield each


def _judged(store: Store, episode: Episode, form: Form, judge: str) -> Iterator[Judged]:
    """The episode with the reading that is wanted of it, in the form of evaluations with each that is; none where there is none."""
    cards = [card for card in store.scorecards(episode.id) if judge in ("", _who(card))]
    if not (cards or judge):
        yield Judged(episode, None, sotopia_eval())
    for card in cards if form == "evaluations" else cards[:1]:
        yield Judged(episode, card, store.rubric(card.rubric_hash))


def _who(card: Scorecard) -> str:
    return card.judge.model or card.judge.agent
