"""Playing an episode out at a terminal: what `simulate` and `play` have in common."""

from collections.abc import Mapping

import anyio
import typer

from comity.agents.protocol import Agent
from comity.cli.choose import Models
from comity.cli.output import complain, episode_record, print_cards, print_json, told
from comity.cli.talk import OneSeat, Talk
from comity.evaluate.judge import Judge
from comity.models.protocol import ModelError
from comity.run.single import judge_and_keep, play_and_keep
from comity.store import Store
from comity.world.episodes import Episode
from comity.world.visibility import Mode

__all__ = ["mode_named", "play_out", "same_policies"]


def mode_named(mode: str) -> Mode:
    """The information mode of this name. Raises `BadParameter`."""
    match mode:
        case "asymmetric" | "omniscient" | "script":
            return mode
    raise typer.BadParameter(f"{mode!r} is not a mode; there are: asymmetric, omniscient, script")


def same_policies(episode: Episode, agents: Mapping[str, Agent]) -> None:
    """Raise `BadParameter` unless the agents are those that the episode was begun with."""
    for seat, policy in episode.policies.items():
        if agents[seat].policy != policy:
            who = policy.model or policy.agent
            raise typer.BadParameter(f"seat {seat!r} is played by {who}; go on with the same models and settings")


async def play_out(
    store: Store,
    url: str,
    episode: Episode,
    agents: Mapping[str, Agent],
    judge: Judge | None,
    models: Models,
    teller: Talk | OneSeat | None,
) -> None:
    """Play an episode on to its end, judge it where a judge is given, and print all of it; without a teller, as JSON."""
    short = episode.id[:8]
    kept = f"What was played is kept in {url} as {short}; go on with the same command and --continue {short}"
    try:
        if teller:
            teller.opened(episode)
        played = await play_and_keep(episode, agents, store, teller.happened if teller else None)
        if teller:
            teller.closed(played)
        if judge is not None:
            if teller:
                told("Judging...", style="dim")
            await judge_and_keep(played, judge, store)
    except ModelError as error:
        error.add_note(kept)
        raise
    except anyio.get_cancelled_exc_class():  # Ctrl-C
        complain(f"stopped. {kept}")
        raise
    finally:
        await models.aclose()
    cards = store.scorecards(played.id)
    if teller is None:
        print_json(episode_record(played, cards))
        return
    print_cards(played, cards)
    told(f"\nKept in {url} as {short}. See it again: comity show {short}", style="bold")
