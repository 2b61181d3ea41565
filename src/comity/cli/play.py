"""`comity play`: a person takes one seat in the terminal, against models."""

import sys
from pathlib import Path
from select import select
from threading import Event
from typing import Annotated, TextIO

import anyio
import typer

from comity.agents.human import HumanAgent
from comity.cli.choose import DEFAULT_MODEL, Models, Overrides, find_task, open_store, rubric_of, seat_named, store_url
from comity.cli.playing import play_out, same_policies
from comity.cli.talk import OneSeat
from comity.simulate import new_episode
from comity.world.environment import Limits
from comity.world.episodes import Episode
from comity.world.tasks import Task

__all__ = ["add_to"]

_GLANCE = 0.1
"""Seconds between two looks at whether the person is gone."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("play")(play)


def play(
    scenario: Annotated[str, typer.Argument(help="A scenario or task of the library or the store.")] = "bicycle_sale",
    seat: Annotated[
        str | None, typer.Option("--as", help="The seat or character to play; the first unless given.")
    ] = None,
    models: Annotated[
        str, typer.Option(help="Who plays the others: one model, or one each, separated by commas.")
    ] = DEFAULT_MODEL,
    judge: Annotated[str | None, typer.Option(help="The model that judges at the end; none unless given.")] = None,
    rubric: Annotated[Path | None, typer.Option(help="A TOML file of your own dimensions.")] = None,
    seed: Annotated[int, typer.Option(help="The seed of the others' randomness.")] = 0,
    turns: Annotated[
        int | None, typer.Option(min=1, help="The most turns; the scenario's own limit unless given.")
    ] = None,
    library: Annotated[Path | None, typer.Option(help="A folder of your own characters and scenarios.")] = None,
    store: Annotated[
        str | None, typer.Option(help="Where episodes are kept; else COMITY_STORE, else ./comity.db.")
    ] = None,
    going_on: Annotated[str | None, typer.Option("--continue", help="Play an interrupted episode on.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the record as JSON at the end; the talk goes to stderr.")
    ] = False,
) -> None:
    """Play one seat yourself."""
    with open_store(store) as opened:
        kept = opened.episode(going_on) if going_on else None
        task = kept.task if kept else find_task(scenario, opened, library)
        mine = seat_named(task, seat) if seat else _own_seat(task, kept)
        made = Models()
        agents = made.agents([other for other in task.names if other != mine], models, Overrides())
        gone = Event()
        agents[mine] = _person(sys.stderr if as_json else sys.stdout, gone)
        judging = made.judge(judge, rubric_of(rubric)) if judge else None
        episode = kept or new_episode(task, agents, seed=seed, limits=Limits(turns=turns))
        same_policies(episode, agents)
        if kept is None:
            opened.begin(episode)
        teller = None if as_json else OneSeat(mine)
        try:
            anyio.run(play_out, opened, store_url(store), episode, agents, judging, made, teller)
        finally:
            gone.set()


def _own_seat(task: Task, kept: Episode | None) -> str:
    """The seat that a person has played so far, else the first."""
    policies = kept.policies if kept else {}
    return next((seat for seat, policy in policies.items() if policy.agent == "human"), next(iter(task.names)))


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
