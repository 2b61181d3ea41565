"""How many threads torch computes with here: as many as were measured to leave every row as it is, whoever else is in a step.

With four, some products of matrices (32 rows of 100 by 100, for one) have other last bits than with one, two or three, and in other numbers of rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["at_most"]


@contextmanager
def at_most(threads: int) -> Iterator[None]:
    """While it lasts, torch takes no more threads than these; where it takes fewer, it goes on so."""
    before = torch.get_num_threads()
    if before <= threads:
        yield
        return
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
