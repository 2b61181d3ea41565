"""`comity show`: an episode as it was played, or exactly as one character saw it."""

from dataclasses import fields
from typing import Annotated

import typer
from pydantic_core import to_jsonable_python

from comity.agents.briefing import briefing, shown, shown_action
from comity.cli.choose import open_store, seat_named
from comity.cli.output import complain, episode_record, print_cards, print_json, print_outcome, print_replies, told
from comity.cli.talk import introduce, told_end
from comity.store import Store
from comity.world.episodes import Episode, Unplayable, replay
from comity.world.outcomes import Outcome
from comity.world.views import SeatView, view

__all__ = ["add_to", "view_record"]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show")(show)


def show(
    episode: Annotated[str, typer.Argument(help="An episode's id, its beginning, or `last`.")] = "last",
    seen_by: Annotated[str | None, typer.Option("--as", help="A name or seat: show exactly what they saw.")] = None,
    store: Annotated[
        str | None, typer.Option(help="Where episodes are kept; else COMITY_STORE, else ./comity.db.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Show an episode."""
    with open_store(store) as opened:
        found = opened.episode(episode)
        cards, outcome = opened.scorecards(found.id), _outcome(opened, found.id)
    if seen_by is not None:
        seat = seat_named(found.task, seen_by)
        _print_view(view(replay(found), seat, episode=found.id), as_json=as_json)
    elif as_json:
        print_json(episode_record(found, cards, outcome))
    else:
        introduce(found)
        _print_log(found)
        print_replies(found)
        print_outcome(found, outcome)
        print_cards(found, cards)


def _outcome(store: Store, episode: str) -> Outcome | None:
    try:
        return store.outcome(episode)
    except Unplayable as error:
        complain(
            f"by the rules of this version episode {episode} could not have been played, so it has no outcome: {error}"
        )
        return None


def view_record(seen: SeatView) -> object:
    """A view as JSON data."""
    return to_jsonable_python({field.name: getattr(seen, field.name) for field in fields(seen) if field.compare})


def _print_view(seen: SeatView, *, as_json: bool) -> None:
    if as_json:
        print_json(view_record(seen))
        return
    told(briefing(seen) + "\n")
    for happened in seen.history:
        told(shown(happened, seen.table.payoff if seen.table else None))


def _print_log(found: Episode) -> None:
    names = found.task.names
    for event in found.events:
        if event.action is not None:
            to = tuple(names[seat] for seat in event.action.to)
            told(f"[{event.turn}] {shown_action(names[event.seat], event.action, to, found.task.scenario.payoff)}")
        elif event.failure is not None:
            told(f"[{event.turn}] the agent of {names[event.seat]} failed: {event.failure.detail}", style="red")
    told_end(found)
