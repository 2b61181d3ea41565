"""How much of each prompt a server's prefix cache can serve, and what that is worth with a real model on this machine."""

import os
import statistics
from pathlib import Path

from children import Measured, run_child
from figures import Figure, skipped
from mock_server import mock_server
from playing import Load

from comity.models.download import is_pulled
from comity.models.registry import load_registry

__all__ = ["prefix", "slots"]

_TURNS = 20


def prefix() -> list[Figure]:
    """`prefix_kept` and `raw_reuse`, for each prompt style."""
    with mock_server() as server:
        found = {
            style: run_child("prompts", Load(server.url, repeats=1, in_flight=16, turns=_TURNS, style=style))
            for style in ("chat", "transcript")
        }
    return [figure for style, measured in found.items() for figure in (_kept(style, measured), _reuse(style, measured))]


def _kept(style: str, found: Measured) -> Figure:
    return Figure(
        f"prefix_kept_{style}",
        round(sum(found["common"]) / sum(found["previous"]), 5),
        "of characters",
        f"Every prompt sent in 16 episodes of {_TURNS} turns, {style} style: Σ characters shared with the seat's previous prompt from"
        " the beginning ÷ Σ characters of those previous prompts.",
        limit=0.99,
        bound="at least",
        details={"prompts": len(found["every"]), "previous_prompts": len(found["previous"])},
    )


def _reuse(style: str, found: Measured) -> Figure:
    each = statistics.fmean(found["prompts_a_session"])
    return Figure(
        f"raw_reuse_{style}",
        round(sum(found["common"]) / sum(found["every"]), 4),
        "of characters",
        "The same Σ of shared characters ÷ Σ characters of all prompts, each seat's first included. With n prompts a seat it cannot"
        " pass (n-1)/n, which prompts of equal length would reach.",
        details={"bound": round((each - 1) / each, 4), "prompts_a_seat": each},
    )


_ALIAS = "smollm2-135m"
_SLOT_TURNS = 8


def slots() -> list[Figure]:
    """`slots_speedup`: wall time with the embedded model where both people share one cache slot, over that with one each."""
    directory = _directory()
    if directory is None:
        return [skipped("slots_speedup", "x", f"{_ALIAS} is neither in .cache/models nor in COMITY_TEST_MODELS")]
    runs: dict[int, list[Measured]] = {1: [], 2: []}
    for count in (2, 1, 1, 2):
        runs[count].append(run_child("slots", directory=str(directory), slots=count, turns=_SLOT_TURNS))
    shared, own = (min(run["seconds"][0] / run["turns"][0] for run in runs[count]) for count in (1, 2))
    return [
        Figure(
            "slots_speedup",
            round(shared / own, 3),
            "x",
            f"{_ALIAS} on this machine, one episode of {_SLOT_TURNS} turns, transcript style, temperature 0: seconds a turn where both people"
            " share one cache slot, over those where each has its own. The faster of two runs each, in the order own, shared, shared, own.",
            details={
                "seconds_a_turn_with_slots": round(own, 3),
                "seconds_a_turn_without": round(shared, 3),
                **{
                    f"cached_share_{name}": _cached(runs[count][0])
                    for name, count in (("with_slots", 2), ("without", 1))
                },
            },
        )
    ]


def _cached(run: Measured) -> float:
    return round(sum(run["cached_tokens"]) / sum(run["prompt_tokens"]), 4)


def _directory() -> Path | None:
    """Where the small model is; it is never fetched here."""
    places = [os.environ.get("COMITY_TEST_MODELS"), Path(__file__).parents[1] / ".cache" / "models"]
    entry = load_registry({})[_ALIAS]
    return next((Path(place) for place in places if place and is_pulled(entry, Path(place))), None)
