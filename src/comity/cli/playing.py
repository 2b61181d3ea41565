"""Playing an episode out at a terminal: what `simulate` and `play` have in common."""

import shlex
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import anyio
import typer

from comity.agents.protocol import Agent
from comity.cli.choose import Judging, Models, store_url
from comity.cli.output import (
    complain,
    episode_record,
    print_cards,
    print_json,
    print_outcome,
    print_replies,
    program,
    told,
)
from comity.cli.resuming import in_store, way_on
from comity.cli.talk import OneSeat, Talk
from comity.evaluate.judge import Judge
from comity.models.protocol import ModelError
from comity.run.single import judge_and_keep, play_and_keep
from comity.store import Store
from comity.world.episodes import Episode
from comity.world.visibility import Mode

__all__ = ["Sitting", "mode_named", "play_out"]


@dataclass(frozen=True, slots=True)
class Sitting:
    """An episode at a terminal, with all it takes to play it to its end."""

    store: Store
    given: str | None
    """The `--store` that the user gave."""
    models: Models
    agents: Mapping[str, Agent]
    judging: Judging | None
    teller: Talk | OneSeat | None
    """Without one the record is printed at the end, as JSON."""


def mode_named(mode: str) -> Mode:
    """The information mode of this name. Raises `BadParameter`."""
    match mode:
        case "asymmetric" | "omniscient" | "script":
            return mode
    raise typer.BadParameter(f"{mode!r} is not a mode; there are: asymmetric, omniscient, script")


def play_out(sitting: Sitting, episode: Episode, *, begin: bool) -> None:
    """Play an episode to its end, judge it where that is wanted, and print all of it."""
    judge = sitting.models.judge(sitting.judging) if sitting.judging else None
    if begin:  # only now: where a model or the judge cannot be had, nothing is kept
        sitting.store.begin(episode)
    anyio.run(_play_out, sitting, episode, judge)


async def _play_out(sitting: Sitting, episode: Episode, judge: Judge | None) -> None:
    try:
        # with any receiver open every signal wakes the event loop; without one a Ctrl-C that comes just before the loop goes to
        # sleep, as it does while a person's thread writes the prompt, is not heard until something else happens
        with anyio.open_signal_receiver(signal.SIGWINCH):
            played = await _play(sitting, episode)
            if judge:
                await _judge(sitting, played, judge)
    finally:
        await sitting.models.aclose()
    cards, outcome = sitting.store.scorecards(played.id), sitting.store.outcome(played.id)
    if sitting.teller is None:
        print_json(episode_record(played, cards, outcome))
        return
    print_replies(played)
    print_outcome(played, outcome)
    print_cards(played, cards)
    short, again = played.id[:8], [program(), "show", played.id[:8], *in_store(sitting.given)]
    told(f"\nKept in {store_url(sitting.given)} as {short}. See it again: {shlex.join(again)}", style="bold")


async def _play(sitting: Sitting, episode: Episode) -> Episode:
    teller, kept = sitting.teller, f"What was played is kept in {store_url(sitting.given)} as {episode.id[:8]}"
    with _hint(f"{kept}; go on with: {way_on(episode, sitting.given)}"):
        if teller:
            teller.opened(episode)
        played = await play_and_keep(episode, sitting.agents, sitting.store, teller.happened if teller else None)
        if teller:
            teller.closed(played)
        return played


async def _judge(sitting: Sitting, played: Episode, judge: Judge) -> None:
    options = sitting.judging.options if sitting.judging else []
    again = [program(), "score", played.id[:8], *options, *in_store(sitting.given)]
    with _hint(f"the episode is finished and kept; judge it with: {shlex.join(again)}"):
        if sitting.teller:
            told("Judging...", style="dim")
        await judge_and_keep(played, judge, sitting.store)


@contextmanager
def _hint(hint: str) -> Iterator[None]:
    """Say what to do next where a model could not be asked or the user stopped."""
    try:
        yield
    except ModelError as error:
        error.add_note(hint)
        raise
    except anyio.get_cancelled_exc_class():  # Ctrl-C
        complain(f"stopped. {hint}")
        raise
