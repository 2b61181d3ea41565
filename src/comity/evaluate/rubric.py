"""Reading rubrics: the dimensions of judgement are data, shipped or the user's own TOML file."""

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from comity.world.scorecards import Rubric

__all__ = ["RubricError", "load_rubric", "sotopia"]


class RubricError(ValueError):
    """A rubric file that cannot be used; the message names path, field and reason."""


@cache
def sotopia() -> Rubric:
    """The seven dimensions of SOTOPIA-Eval."""
    text = resources.files("comity.evaluate").joinpath("rubrics", "sotopia.toml").read_text("utf-8")
    return Rubric.model_validate(tomllib.loads(text))


def load_rubric(path: Path) -> Rubric:
    """The rubric in a TOML file: `id`, `version` and `[[dimensions]]` with id, name, low, high, description.

    Raises `RubricError` with one line per problem.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RubricError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RubricError(f"{path}: is not TOML ({error})") from error
    try:
        return Rubric.model_validate(data)
    except ValidationError as error:
        problems = (f"{path}: {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise RubricError("\n".join(problems)) from None
