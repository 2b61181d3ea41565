"""What a fit has cost and come to, step by step: the loss on what it learns and on the dev examples, as rows and as a picture."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from comity.world.record import Record

__all__ = ["Loss", "best", "draw", "read_losses", "since_best", "write_losses"]


class Loss(Record):
    """After one step."""

    step: int
    loss: float
    """Of the step's batch, before it: the mean over tokens of -log p, in nats, each weighed by its weight."""
    dev_loss: float | None = None
    """The same over all dev examples, after it; `None` where it was not taken."""
    learning_rate: float
    tokens: int
    """Read so far, with the prompts and without padding."""
    seconds: float
    """Spent so far, in all processes that a fit has been made in."""


_ROWS = TypeAdapter(tuple[Loss, ...])


def write_losses(rows: Sequence[Loss], path: Path) -> None:
    """Write them as a JSON list. Raises `OSError`."""
    path.write_bytes(_ROWS.dump_json(tuple(rows), indent=0))


def read_losses(path: Path) -> list[Loss]:
    """Those in a file. Raises `OSError`, and `ValueError` where it holds something else."""
    return list(_ROWS.validate_json(path.read_bytes()))


def best(rows: Sequence[Loss]) -> Loss | None:
    """The first with the lowest loss on the dev examples; `None` where it was never taken."""
    taken = [(row.dev_loss, row.step, row) for row in rows if row.dev_loss is not None]
    return min(taken)[2] if taken else None


def since_best(rows: Sequence[Loss]) -> int:
    """How many times the dev loss was taken after the best."""
    lowest = best(rows)
    return sum(row.dev_loss is not None and row.step > lowest.step for row in rows) if lowest else 0


def draw(rows: Sequence[Loss], path: Path) -> str:
    """Draw the curve as SVG; why there is none, where the extra `analysis` is missing."""
    try:
        import altair as alt
    except ImportError:
        return "no picture of the losses: install comity[analysis]"
    points = [{"step": row.step, "nats per token": row.loss, "on": "training"} for row in rows]
    points += [
        {"step": row.step, "nats per token": row.dev_loss, "on": "dev"} for row in rows if row.dev_loss is not None
    ]
    lines = alt.Chart({"values": points}).encode(
        x=alt.X("step:Q"), y=alt.Y("nats per token:Q"), color=alt.Color("on:N", title=None)
    )
    dev = alt.FieldEqualPredicate(field="on", equal="dev")
    picture = lines.mark_line(strokeWidth=1) + lines.transform_filter(dev).mark_point(filled=True)
    picture.properties(width=480, height=240).save(path, format="svg")
    return ""
