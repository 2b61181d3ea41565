"""`comity score`: judge episodes that are kept; every scorecard is kept too."""

from pathlib import Path
from typing import Annotated

import anyio
import typer

from comity.cli.choose import Judging, Models, open_store
from comity.cli.output import print_cards, print_json, told
from comity.cli.resuming import way_on
from comity.evaluate.judge import LLMJudge, UnfinishedEpisode
from comity.run.single import judge_and_keep
from comity.store import Store
from comity.world.episodes import Episode
from comity.world.scorecards import Scorecard

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("score")(score)


def score(
    episodes: Annotated[list[str], typer.Argument(help="Episodes by id, its beginning, or `last`.")],
    judge: Annotated[str, typer.Option(help="The model that judges.")],
    rubric: Annotated[Path | None, typer.Option(help="A TOML file of your own dimensions.")] = None,
    judge_temperature: Annotated[
        str, typer.Option(metavar="NUMBER", help="Of the judge's replies; `none` leaves it to the server.")
    ] = "0",
    store: Annotated[
        str | None, typer.Option(help="Where episodes are kept; else COMITY_STORE, else ./comity.db.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scorecards as JSON and nothing else.")] = False,
) -> None:
    """Judge stored episodes."""
    with open_store(store) as opened:
        found = list({episode.id: episode for episode in map(opened.episode, episodes)}.values())
        if unfinished := [episode for episode in found if episode.end is None]:
            ids = ", ".join(episode.id[:8] for episode in unfinished)
            raise UnfinishedEpisode(f"not finished: {ids}; play on first: {way_on(unfinished[0], store)}")
        made = Models()
        judging = made.judge(Judging(judge, rubric, judge_temperature))
        cards = anyio.run(_judge, opened, found, judging, made, not as_json)
    if as_json:
        print_json([card.model_dump(mode="json") for card in cards])


async def _judge(
    store: Store, episodes: list[Episode], judge: LLMJudge, models: Models, aloud: bool
) -> list[Scorecard]:
    cards: list[Scorecard] = []
    try:
        for number, episode in enumerate(episodes, 1):
            if aloud:
                told(f"Judging {episode.id[:8]} ({number} of {len(episodes)})...", style="dim")
            cards.append(await judge_and_keep(episode, judge, store))
            if aloud:
                print_cards(episode, cards[-1:])
    finally:
        await models.aclose()
    return cards
