"""What a measure came to before and after, item by item: the paired difference and whether it is small enough not to matter.

The statistics are `analyze`'s; here items are paired by their keys and those that one side lacks are counted, never filled in.
"""

from collections.abc import Mapping

from comity.analyze.equivalence import Equivalence, equivalent
from comity.analyze.intervals import Interval
from comity.analyze.paired import paired
from comity.world.record import Record

__all__ = ["Difference", "difference"]


class Difference(Record):
    """A measure of two policies on the same items; positive where it is higher after."""

    measure: str
    before: float | None
    """The mean over the pairs, as is `after`; `None` where there is no pair."""
    after: float | None
    difference: Interval | None
    """After minus before, with a 95 % interval clustered as the measure says."""
    equivalence: Equivalence | None
    """Whether the difference is shown to lie within the margin that was chosen beforehand."""
    p: float | None
    pairs: int
    unpaired: int
    """Items with a value on one side or on neither."""
    remark: str = ""
    """What to know of the interval, or why there is none."""


def difference(
    measure: str,
    before: Mapping[str, float | None],
    after: Mapping[str, float | None],
    clusters: Mapping[str, str],
    *,
    margin: float,
) -> Difference:
    """Compare two rows of values by item.

    Args:
        before, after: the value of each item by its key; `None` where it could not be had.
        clusters: what each item belongs with, by key.
        margin: the largest difference that does not matter, in the measure's units, above 0.

    Raises:
        ValueError: a margin that is not above 0, or an item without a cluster.
    """
    keys = sorted({*before, *after})
    if without := [key for key in keys if key not in clusters]:
        raise ValueError(f"{measure}: item {without[0]!r} has no cluster; give one for each item")
    known = [
        (b, a, clusters[key])
        for key in keys
        if (b := before.get(key)) is not None and (a := after.get(key)) is not None
    ]
    if not known:
        nothing = "no item has a value on both sides"
        return Difference(
            measure=measure,
            before=None,
            after=None,
            difference=None,
            equivalence=None,
            p=None,
            pairs=0,
            unpaired=len(keys),
            remark=nothing,
        )
    first, second, where = zip(*known, strict=True)
    found = paired(second, first, where)
    return Difference(
        measure=measure,
        before=sum(first) / len(known),
        after=sum(second) / len(known),
        difference=found.difference,
        equivalence=equivalent(found.difference, margin),
        p=found.p,
        pairs=found.pairs,
        unpaired=len(keys) - len(known),
        remark=found.difference.remark,
    )
