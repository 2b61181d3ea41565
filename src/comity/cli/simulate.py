"""`comity simulate`: play one episode, judge it if asked, keep it."""

from pathlib import Path
from typing import Annotated

import anyio
import typer

from comity.cli.choose import DEFAULT_MODEL, Models, Overrides, find_task, open_store, rubric_of, store_url
from comity.cli.playing import mode_named, play_out, same_policies
from comity.cli.talk import Talk
from comity.simulate import new_episode
from comity.world.environment import Limits
from comity.world.scenarios import TurnOrder

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    scenario: Annotated[str, typer.Argument(help="A scenario or task of the library.")] = "bicycle_sale",
    task: Annotated[
        str | None, typer.Option(help="A task by its id, of the library or imported into the store.")
    ] = None,
    models: Annotated[
        str, typer.Option(help="One model for all, or one per seat, separated by commas.")
    ] = DEFAULT_MODEL,
    judge: Annotated[str | None, typer.Option(help="The model that judges; none unless given.")] = None,
    rubric: Annotated[Path | None, typer.Option(help="A TOML file of your own dimensions.")] = None,
    mode: Annotated[str, typer.Option(help="asymmetric, omniscient or script.")] = "asymmetric",
    lite: Annotated[bool, typer.Option("--lite", help="Names and goals only, no profiles.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed, task and deterministic models give the same episode.")] = 0,
    turns: Annotated[
        int | None, typer.Option(min=1, help="The most turns; the scenario's own limit unless given.")
    ] = None,
    style: Annotated[str | None, typer.Option(help="chat or transcript; what suits the model unless given.")] = None,
    temperature: Annotated[float | None, typer.Option(min=0, help="Of the agents' replies.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="The most tokens of a reply.")] = None,
    library: Annotated[Path | None, typer.Option(help="A folder of your own characters and scenarios.")] = None,
    store: Annotated[
        str | None, typer.Option(help="Where episodes are kept; else COMITY_STORE, else ./comity.db.")
    ] = None,
    going_on: Annotated[str | None, typer.Option("--continue", help="Play an interrupted episode on.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole record as JSON and nothing else.")] = False,
) -> None:
    """Play one episode to its end."""
    overrides = Overrides(style=style, temperature=temperature, max_tokens=max_tokens)
    with open_store(store) as opened:
        kept = opened.episode(going_on) if going_on else None
        chosen = kept.task if kept else find_task(task or scenario, opened, library)
        talk = None if as_json else Talk(chosen.names)
        one_at_a_time = chosen.scenario.turn_order is not TurnOrder.SIMULTANEOUS
        hear = talk.hear if talk and one_at_a_time else None
        made, seats = Models(), list(chosen.names)
        if (kept.mode if kept else mode) == "script":
            agents = dict.fromkeys(seats, made.agents(["the writer"], models, overrides, hear)["the writer"])
        else:
            agents = made.agents(seats, models, overrides, hear)
        judging = made.judge(judge, rubric_of(rubric)) if judge else None
        episode = kept or new_episode(
            chosen, agents, seed=seed, mode=mode_named(mode), lite=lite, limits=Limits(turns=turns)
        )
        same_policies(episode, agents)
        if kept is None:
            opened.begin(episode)
        anyio.run(play_out, opened, store_url(store), episode, agents, judging, made, talk)
