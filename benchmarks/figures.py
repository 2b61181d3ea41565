"""One figure of the benchmarks: what was measured, what it must not exceed or fall short of, and how it was had."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Figure", "median_of", "skipped"]


@dataclass(frozen=True)
class Figure:
    """A number with its limit."""

    name: str
    value: float | None
    """`None` where it could not be measured; `why` says why."""
    unit: str
    how: str
    """How it was measured, in a sentence or two."""
    limit: float | None = None
    bound: Literal["at most", "at least"] = "at most"
    reference: str = ""
    """What the reference system does, where it was measured."""
    details: Mapping[str, float] = field(default_factory=dict)
    """What stands behind the number."""
    why: str = ""

    @property
    def broken(self) -> bool:
        """Whether it is beyond its limit."""
        if self.limit is None or self.value is None:
            return False
        return self.value > self.limit if self.bound == "at most" else self.value < self.limit


def skipped(name: str, unit: str, why: str) -> Figure:
    """A figure that cannot be had here."""
    return Figure(name, None, unit, "not measured", why=why)


def median_of(values: Sequence[float]) -> dict[str, float]:
    """Median, least and greatest, rounded for a report."""
    return {
        "median": round(statistics.median(values), 4),
        "least": round(min(values), 4),
        "greatest": round(max(values), 4),
        "runs": len(values),
    }
