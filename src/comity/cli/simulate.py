"""`comity simulate`: play one episode, judge it if asked, keep it."""

from pathlib import Path
from typing import Annotated

import typer

from comity.agents.llm import Hear
from comity.agents.protocol import Agent
from comity.cli.choose import DEFAULT_MODEL, Judging, Models, Overrides, can_play, find_task, open_store
from comity.cli.playing import Sitting, mode_named, play_out
from comity.cli.resuming import agents_again, nothing_against, people, way_on
from comity.cli.talk import Talk
from comity.simulate import new_episode
from comity.store import Store
from comity.world.environment import Limits
from comity.world.episodes import Episode
from comity.world.scenarios import TurnOrder

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(help="A scenario or task of the library.")] = "bicycle_sale",
    task: Annotated[
        str | None, typer.Option(help="A task by its id, of the library or imported into the store.")
    ] = None,
    models: Annotated[
        str,
        typer.Option(help="A model, negotiator:STYLE or trivial:WAY for all, or one per seat, by commas."),
    ] = DEFAULT_MODEL,
    judge: Annotated[str | None, typer.Option(help="The model that judges; none unless given.")] = None,
    judge_temperature: Annotated[
        str, typer.Option(metavar="NUMBER", help="Of the judge's replies; `none` leaves it to the server.")
    ] = "0",
    rubric: Annotated[Path | None, typer.Option(help="A TOML file of your own dimensions.")] = None,
    mode: Annotated[str, typer.Option(help="asymmetric, omniscient or script.")] = "asymmetric",
    lite: Annotated[bool, typer.Option("--lite", help="Names and goals only, no profiles.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed, task and deterministic models give the same episode.")] = 0,
    turns: Annotated[
        int | None, typer.Option(min=1, help="The most turns; the scenario's own limit unless given.")
    ] = None,
    style: Annotated[
        str | None, typer.Option(help="chat, transcript or compact; what suits the model unless given.")
    ] = None,
    temperature: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Of the agents' replies; `none` leaves it to the server.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="The most tokens of a reply.")] = None,
    library: Annotated[Path | None, typer.Option(help="A folder of your own characters and scenarios.")] = None,
    store: Annotated[
        str | None, typer.Option(help="Where episodes are kept; else COMITY_STORE, else ./comity.db.")
    ] = None,
    going_on: Annotated[
        str | None, typer.Option("--continue", help="Play this interrupted episode on, as it was begun.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole record as JSON and nothing else.")] = False,
) -> None:
    """Play one episode to its end."""
    overrides = Overrides(style=style, temperature=temperature, max_tokens=max_tokens)
    judging = Judging(judge, rubric, judge_temperature) if judge else None
    if going_on:
        nothing_against(context)
    with open_store(store) as opened:
        kept = _kept(opened, going_on, store) if going_on else None
        chosen = kept.task if kept else find_task(task or scenario, opened, library)
        made, talk = Models(len(chosen.names) + 1), None if as_json else Talk(chosen)
        one_at_a_time = chosen.scenario.turn_order is not TurnOrder.SIMULTANEOUS
        hear = talk.hear if talk and one_at_a_time else None
        if kept:
            agents = agents_again(kept, made, hear)
        else:
            agents = _agents(list(chosen.names), mode, made, models, overrides, hear)
            can_play(agents.values(), chosen)
        episode = kept or new_episode(
            chosen, agents, seed=seed, mode=mode_named(mode), lite=lite, limits=Limits(turns=turns)
        )
        play_out(Sitting(opened, store, made, agents, judging, talk), episode, begin=kept is None)


def _kept(opened: Store, wanted: str, store: str | None) -> Episode:
    kept = opened.episode(wanted)
    if people(kept):
        raise typer.BadParameter(f"a person plays in this episode; go on with: {way_on(kept, store)}")
    return kept


def _agents(
    seats: list[str], mode: str, made: Models, models: str, overrides: Overrides, hear: Hear | None
) -> dict[str, Agent]:
    if mode == "script":
        return dict.fromkeys(seats, made.agents(["the writer"], models, overrides, hear)["the writer"])
    return made.agents(seats, models, overrides, hear)
