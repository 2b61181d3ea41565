"""The command's root: options for all, its groups of commands, and how an error that a user can mend is said."""

import sys
from io import TextIOWrapper
from typing import Annotated

import stamina
import typer

from comity._version import __version__
from comity.analyze.refusals import NoReading, TooFewJudges, Unlike
from comity.cli import (
    agreement,
    cache,
    compare,
    doctor,
    exporting,
    generate,
    importing,
    judge_test,
    library,
    listing,
    models,
    play,
    report,
    run_plan,
    score,
    show,
    simulate,
    train,
)
from comity.cli.analysing import AnalysisMissing
from comity.cli.output import complain
from comity.evaluate.judge import UnfinishedEpisode
from comity.evaluate.rubric import RubricError
from comity.generate.acceptance import Unacceptable
from comity.generate.ideas import IdeasError
from comity.generate.journal import JournalError
from comity.interop.kept import ExportFailed
from comity.interop.remarks import ImportFailed
from comity.library import LibraryError
from comity.library.casting import TooFewCasts
from comity.library.embedding import NoEmbedder
from comity.library.sets import UnknownSet
from comity.models.cache import CacheError
from comity.models.prices import BadPrices
from comity.models.protocol import ModelError
from comity.models.registry import BadRegistry
from comity.run.changes import ChangedPlan
from comity.run.cluster import ClusterError
from comity.run.plan import PlanError
from comity.store import StoreError
from comity.train.work import TrainError
from comity.world.episodes import Unplayable

__all__ = ["app", "run"]

app = typer.Typer(
    help="Language agents and people meet, pursue private goals, and are judged on how well they handled each other.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def comity(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Simulate and judge social interaction."""


simulate.add_to(app)
play.add_to(app)
run_plan.add_to(app)
train.add_to(app)
show.add_to(app)
listing.add_to(app)
score.add_to(app)
judge_test.add_to(app)
compare.add_to(app)
agreement.add_to(app)
report.add_to(app)
importing.add_to(app)
exporting.add_to(app)
library.add_to(app)
generate.add_to(app)
models.add_to(app)
cache.add_to(app)
doctor.add_to(app)


_MENDABLE = (
    AnalysisMissing,
    BadPrices,
    BadRegistry,
    CacheError,
    ChangedPlan,
    ClusterError,
    ExportFailed,
    IdeasError,
    ImportFailed,
    JournalError,
    LibraryError,
    ModelError,
    NoEmbedder,
    NoReading,
    PlanError,
    RubricError,
    StoreError,
    TooFewCasts,
    TooFewJudges,
    TrainError,
    Unacceptable,
    UnfinishedEpisode,
    UnknownSet,
    Unlike,
    Unplayable,
)


def run() -> None:
    """Run the command line. What a user can mend is said in a line and exits with 1; the rest is a bug and shows where."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter must not stop an episode
    stamina.instrumentation.set_on_retry_hooks(())  # retries show in what the commands say, not in a log of their own
    try:
        app()
    except _MENDABLE as error:
        complain("\n".join([str(error), *getattr(error, "__notes__", ())]))
        sys.exit(1)
