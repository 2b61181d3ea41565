"""`comity play`: a person takes one seat in the terminal, against models."""

import sys
from pathlib import Path
from select import select
from threading import Event
from typing import Annotated, TextIO

import typer

from comity.agents.human import HumanAgent
from comity.cli.choose import (
    DEFAULT_MODEL,
    Judging,
    Models,
    Overrides,
    can_play,
    find_task,
    open_store,
    seat_named,
)
from comity.cli.playing import Sitting, play_out
from comity.cli.resuming import agents_again, nothing_against, people, way_on
from comity.cli.talk import OneSeat
from comity.simulate import new_episode
from comity.world.environment import Limits
from comity.world.episodes import Episode

__all__ = ["add_to"]

_GLANCE = 0.1
"""Seconds between two looks at whether the person is gone."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("play")(play)


def play(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(help="A scenario or task of the library or the store.")] = "bicycle_sale",
    seat: Annotated[
        str | None, typer.Option("--as", help="The seat or character to play; the first unless given.")
    ] = None,
    models: Annotated[
        str,
        typer.Option(help="Who plays the others: a model, negotiator:STYLE or trivial:WAY, or one each, by commas."),
    ] = DEFAULT_MODEL,
    judge: Annotated[str | None, typer.Option(help="The model that judges at the end; none unless given.")] = None,
    judge_temperature: Annotated[
        str, typer.Option(metavar="NUMBER", help="Of the judge's replies; `none` leaves it to the server.")
    ] = "0",
    rubric: Annotated[Path | None, typer.Option(help="A TOML file of your own dimensions.")] = None,
    temperature: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Of the others' replies; `none` leaves it to the server.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The seed of the others' randomness.")] = 0,
    turns: Annotated[
        int | None, typer.Option(min=1, help="The most turns; the scenario's own limit unless given.")
    ] = None,
    library: Annotated[Path | None, typer.Option(help="A folder of your own characters and scenarios.")] = None,
    store: Annotated[
        str | None, typer.Option(help="Where episodes are kept; else COMITY_STORE, else ./comity.db.")
    ] = None,
    going_on: Annotated[
        str | None, typer.Option("--continue", help="Play this interrupted episode on, as it was begun.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the record as JSON at the end; the talk goes to stderr.")
    ] = False,
) -> None:
    """Play one seat yourself."""
    judging = Judging(judge, rubric, judge_temperature) if judge else None
    if going_on:
        nothing_against(context)
    with open_store(store) as opened:
        kept = opened.episode(going_on) if going_on else None
        task = kept.task if kept else find_task(scenario, opened, library)
        mine = _kept_seat(kept, seat, store) if kept else seat_named(task, seat) if seat else next(iter(task.names))
        made, gone, to = Models(len(task.names) + 1), Event(), sys.stderr if as_json else sys.stdout
        if kept:
            agents = agents_again(kept, made, person=lambda: _person(to, gone))
        else:
            others = [other for other in task.names if other != mine]
            agents = made.agents(others, models, Overrides(temperature=temperature))
            can_play(agents.values(), task)
            agents[mine] = _person(to, gone)
        episode = kept or new_episode(task, agents, seed=seed, limits=Limits(turns=turns))
        teller = None if as_json else OneSeat(mine)
        try:
            play_out(Sitting(opened, store, made, agents, judging, teller), episode, begin=kept is None)
        finally:
            gone.set()


def _kept_seat(kept: Episode, wanted: str | None, store: str | None) -> str:
    """The seat that a person has played so far."""
    theirs = people(kept)
    if not theirs:
        raise typer.BadParameter(f"no person plays in this episode; go on with: {way_on(kept, store)}")
    seat = seat_named(kept.task, wanted) if wanted else theirs[0]
    if seat not in theirs:
        raise typer.BadParameter(f"in this episode a person plays {', '.join(theirs)}, not {seat}")
    return seat


def _person(to: TextIO, gone: Event) -> HumanAgent:
    """The person at this terminal, who reads what is written `to` it; once they are gone no line is waited for."""

    def write(text: str) -> None:
        to.write(text + "\n")

    def read(prompt: str) -> str:
        to.write(prompt)
        to.flush()
        # a thread that waits in `readline` would hold the process after Ctrl-C until Enter is pressed
        while sys.stdin.isatty() and not select([sys.stdin], [], [], _GLANCE)[0]:
            if gone.is_set():
                raise EOFError
        if not (line := sys.stdin.readline()):
            raise EOFError
        return line

    return HumanAgent(read, write)
