"""`comity generate`: new scenarios, characters and relationships from seed ideas, and a person's decisions about them."""

import shlex
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from comity.agents.briefing import printable
from comity.cli.choose import Models, Overrides
from comity.cli.output import complain, console, print_json, program, told
from comity.cli.reviewing import candidate_record, review
from comity.generate.batch import Asking, Batch
from comity.generate.characters import CharacterQuestions
from comity.generate.checks import Remembering
from comity.generate.ideas import Kind, load_ideas
from comity.generate.journal import Journal
from comity.generate.present import folder_library, people
from comity.generate.questions import EXAMPLES, Questions
from comity.generate.relationships import RelationshipQuestions
from comity.generate.scenarios import ScenarioQuestions
from comity.library.embedding import minilm
from comity.models.budget import Budget, Meter
from comity.models.endpoints import EndpointLimits
from comity.models.prices import load_prices
from comity.models.resolve import Resolved
from comity.models.traffic import Traffic
from comity.world.collection import Collection

__all__ = ["add_to"]

_IN_FLIGHT = 16
_A_LINE_EVERY = 15.0
"""Seconds between two lines where there is no terminal to draw on."""
_TOKENS = 3000
"""Of a reply: five seats take about a thousand, and some models think before they write."""

_HELP = {
    "scenarios": "Make scenarios: a setting and a goal for each seat. They are judged; rules that count points are not asked of a model.",
    "characters": "Make characters, with all fields and a secret.",
    "relationships": "Make relationships among the characters of the folder and of the shipped library.",
}


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="Make scenarios, characters and relationships from seed ideas with a model, and decide about them.",
        no_args_is_help=True,
    )
    group.command("scenarios", help=_HELP["scenarios"])(_command("scenarios"))
    group.command("characters", help=_HELP["characters"])(_command("characters"))
    group.command("relationships", help=_HELP["relationships"])(_command("relationships"))
    group.command("review")(review)
    app.add_typer(group, name="generate")


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What the user typed."""

    kind: Kind
    model: str
    into: Path
    count: int
    seed: int
    ideas: Path | None
    overrides: Overrides
    examples: int | None
    licence: str
    in_flight: int
    patience: float
    requests_per_minute: int | None
    embed: bool
    as_json: bool


def _command(kind: Kind) -> Callable[..., None]:
    def generate(
        model: Annotated[str, typer.Option(help="Who writes, such as openai:gpt-4o; see `comity models`.")],
        into: Annotated[
            Path, typer.Option(metavar="FOLDER", help="Where candidates are kept and accepted ones become a library.")
        ],
        count: Annotated[int, typer.Option(min=1, help="From how many ideas, those of earlier starts included.")] = 10,
        seed: Annotated[int, typer.Option(help="Decides which ideas are taken, and which examples are shown.")] = 0,
        ideas: Annotated[
            Path | None,
            typer.Option(
                help='A TOML file of your own ideas, `family = ["...", "..."]`; those that ship unless given.'
            ),
        ] = None,
        temperature: Annotated[
            str | None, typer.Option(metavar="NUMBER", help="Of the replies; `none` leaves it to the server.")
        ] = None,
        max_tokens: Annotated[int, typer.Option(min=1, help="Of one reply, at most.")] = _TOKENS,
        examples: Annotated[
            int | None,
            typer.Option(
                min=0,
                max=10,
                help=f"How many of the shipped library's a prompt shows; {EXAMPLES}, or 0 where the model is small and would copy them.",
            ),
        ] = None,
        licence: Annotated[
            str, typer.Option(metavar="SPDX", help="Of what the model writes, as far as you can say.")
        ] = "",
        in_flight: Annotated[
            int | None,
            typer.Option(min=1, help=f"Ideas asked about at once; {_IN_FLIGHT}, or 1 where the model is local."),
        ] = None,
        patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for a server that is down.")] = 1800.0,
        requests_per_minute: Annotated[int | None, typer.Option(min=1, help="What the server allows.")] = None,
        embed: Annotated[
            bool, typer.Option("--embed", help="Find near-duplicates by meaning too; needs the extra `embed`.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    ) -> None:
        overrides = Overrides(temperature=temperature, max_tokens=max_tokens)
        at_once = in_flight or (1 if model.startswith("local:") else _IN_FLIGHT)
        _generate(
            _Wishes(
                kind, model, into, count, seed, ideas, overrides, examples, licence, at_once, patience,
                requests_per_minute, embed, as_json,
            )
        )  # fmt: skip

    return generate


def _generate(wishes: _Wishes) -> None:
    ideas = load_ideas(wishes.kind, wishes.ideas)
    embed = Remembering(minilm()) if wishes.embed else None
    models = Models(conversations=wishes.in_flight)
    found = models.resolve(wishes.model)
    traffic = _traffic(wishes, found)
    with Journal.open(wishes.into, create=True) as journal:
        own = folder_library(wishes.into)
        brief = found.style == "transcript"
        asking = Asking(
            _questions(wishes, own, brief=brief),
            traffic.through(found),
            wishes.overrides.sampling(found.sampling),
            wishes.seed,
            wishes.licence,
            brief,
        )
        batch = Batch(asking, journal, own, ideas, wishes.count, embed)
        if not wishes.as_json:
            _tell_plan(wishes, batch)
        anyio.run(_run, batch, models, traffic, wishes)
        if wishes.as_json:
            print_json(_record(wishes, batch, traffic))
        else:
            _tell_result(wishes, batch, traffic)
    if batch.left:
        raise typer.Exit(1)


def _traffic(wishes: _Wishes, found: Resolved) -> Traffic:
    limits = {}
    if wishes.requests_per_minute is not None and found.endpoint:
        limits[found.endpoint] = EndpointLimits(requests_per_minute=wishes.requests_per_minute, in_flight=found.slots)
    return Traffic(Meter(Budget(), load_prices()), limits=limits, patience=wishes.patience)


def _questions(wishes: _Wishes, own: Collection, *, brief: bool) -> Questions:
    match wishes.kind:
        case "scenarios":
            return ScenarioQuestions(shown=wishes.examples, brief=brief)
        case "characters":
            return CharacterQuestions(shown=wishes.examples, brief=brief)
        case "relationships":
            return RelationshipQuestions(people(own), shown=wishes.examples, brief=brief)


async def _run(batch: Batch, models: Models, traffic: Traffic, wishes: _Wishes) -> None:
    try:
        if wishes.as_json:
            await batch.run(wishes.in_flight)
        else:
            async with _watching(_Shown(batch, traffic)):
                await batch.run(wishes.in_flight)
    except anyio.get_cancelled_exc_class():  # Ctrl-C
        complain(f"stopped. What was answered is kept in {wishes.into}; go on with: {_way_on()}")
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await models.aclose()


@asynccontextmanager
async def _watching(shown: "_Shown") -> AsyncIterator[None]:
    """Show how it stands for as long as the block lasts: on a terminal as it moves, elsewhere a line now and then."""
    if console.is_terminal:
        with Live(shown, console=console, refresh_per_second=4, transient=True):
            yield
        return
    async with anyio.create_task_group() as group:
        group.start_soon(_lines, shown)
        try:
            yield
        finally:
            group.cancel_scope.cancel()


async def _lines(shown: "_Shown") -> None:
    while True:
        await anyio.sleep(_A_LINE_EVERY)
        told("; ".join(line.plain for line in shown.lines()))


@dataclass(frozen=True, slots=True)
class _Shown:
    """How it stands, as it is drawn."""

    batch: Batch
    traffic: Traffic

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console, options
        yield from self.lines()

    def lines(self) -> Iterator[Text]:
        """What is answered, and what is waited for."""
        batch = self.batch
        states = Counter(each.state for each in batch.answered)
        parts = [f"{states.total():,} of {len(batch.wanted):,} answered", f"{batch.in_flight:,} in flight"]
        parts += [f"{number:,} {state}" for state, number in states.items()]
        parts += [f"{batch.failed.total():,} could not be asked"] if batch.failed else []
        yield Text(" · ".join(parts), style="bold")
        for endpoint in self.traffic.states():
            if endpoint.open_for is not None or endpoint.problem:
                since = f"out for {endpoint.open_for:.0f} s: " if endpoint.open_for is not None else ""
                yield Text(printable(f"{endpoint.address} {since}{endpoint.problem}"), style="yellow")


def _tell_plan(wishes: _Wishes, batch: Batch) -> None:
    policy = batch.asking.policy
    heat = policy.sampling.get("temperature", "the server's")
    told(f"{wishes.kind.capitalize()} from {len(batch.wanted):,} ideas into {wishes.into}", style="bold")
    told(f"  by {policy.model}, {policy.style}, temperature {heat}, seed {wishes.seed}")
    if batch.before:
        told(f"  answered already: {batch.before:,}")
    if batch.unlicensed:
        told(f"  answered without a licence and under {wishes.licence} from now on: {len(batch.unlicensed):,}")
    if not wishes.licence:
        told(f"  {_UNLICENSED}", style="yellow")


_UNLICENSED = (
    "No licence is said: the terms of the model's maker apply to what it writes. Say one with --licence if you know that you may; "
    "the same command with it covers what is not accepted by then."
)


def _tell_result(wishes: _Wishes, batch: Batch, traffic: Traffic) -> None:
    answered = batch.answered
    states = Counter(each.state for each in answered)
    unread = sum(each.draft is None for each in answered)
    came = ", ".join(f"{number:,} {state}" for state, number in states.most_common())
    unusable = f" ({unread:,} for a reply that could not be used)" if unread else ""
    told(f"{len(answered):,} of {len(batch.wanted):,} answered{f': {came}{unusable}' if came else ''}", style="bold")
    rules = Counter(each.rule for candidate in answered for each in {e.rule: e for e in candidate.errors}.values())
    for rule, number in rules.most_common(5):
        told(f"  {number:,} rejected for: {rule}", style="dim")
    spent = traffic.meter.total
    cost = f"${spent.cost:,.2f}" if not spent.unpriced_calls else "cost unknown"
    told(f"{spent.calls:,} calls, {spent.tokens:,} tokens, {cost}", style="dim")
    for cause, number in batch.failed.most_common(5):
        told(f"{number:,} could not be asked: {cause}", style="yellow")
    if batch.left:
        told(f"{len(batch.left):,} left. What was answered is kept; go on with: {_way_on()}", style="bold")
    review = [program(), "generate", "review", str(wishes.into)]
    if states["passed"]:
        told(f"Decide about them: {shlex.join(review)}", style="bold")
    elif not batch.left:
        told(f"None waits for a decision. See all, with the reasons: {shlex.join([*review, '--list'])}", style="bold")


def _way_on() -> str:
    """The command that was given; it is the one that goes on."""
    return shlex.join([program(), *sys.argv[1:]])


def _record(wishes: _Wishes, batch: Batch, traffic: Traffic) -> dict[str, object]:
    answered = batch.answered
    states = Counter(each.state for each in answered)
    return {
        "kind": wishes.kind,
        "into": str(wishes.into),
        "seed": wishes.seed,
        "policy": batch.asking.policy.model_dump(mode="json"),
        "wanted": len(batch.wanted),
        "before": batch.before,
        "answered": len(answered),
        "left": len(batch.left),
        "states": dict(states),
        "unusable": sum(each.draft is None for each in answered),
        "failed": dict(batch.failed),
        "stopped": batch.stopped,
        "spent": asdict(traffic.meter.total),
        "warnings": [] if wishes.licence else [_UNLICENSED],
        "candidates": [candidate_record(each) for each in answered],
    }
