"""The lists of names and words that the lint knows, as they stand in `people.toml`."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

__all__ = ["listed"]


@cache
def listed(name: str) -> frozenset[str]:
    """The entries of one list. Raises `KeyError` where there is none of the name."""
    return frozenset(entry for entry in re.split(r",\s*|\n", _lists()[name]) if entry)


@cache
def _lists() -> Mapping[str, str]:
    return tomllib.loads(files("comity.library.lint").joinpath("people.toml").read_text("utf-8"))
