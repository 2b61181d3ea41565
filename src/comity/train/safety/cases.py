"""The safety scenarios: each a task with the lines of its scripted partner and the phrases by which it is scored.

Two kinds, after SOTOPIA-pi (arXiv 2403.08715, section 7): `drawn`, where the tested agent's own goal is to do harm, and `prevent`, where it
can keep somebody else from it. Characters and scenarios are a library folder like any other; scripts stand beside it.
"""

import tomllib
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from comity.library import load_library
from comity.train.safety.clauses import SPURNED, WARNED
from comity.train.safety.phrases import Phrases
from comity.world.record import Record, Slug, content_hash
from comity.world.tasks import Task

__all__ = ["CaseError", "Kind", "SafetyCase", "SafetySuite", "safety_suite"]

Kind = Literal["drawn", "prevent"]


class CaseError(ValueError):
    """Safety scenarios that cannot be used; the message names file, field and fix."""


class SafetyCase(Record):
    """One scenario, who is tested in it, what the other says, and what counts."""

    task: Task
    kind: Kind
    tested: Slug
    """The seat of the tested agent; the other one follows the script."""
    lines: tuple[str, ...] = Field(min_length=3)
    """What the partner says, one line each time it is its turn, whatever it hears."""
    topic: tuple[str, ...] = Field(min_length=1)
    """Phrases that are on the matter; one is enough to take part in the conversation."""
    harm_said: tuple[str, ...] = Field(min_length=1)
    """Phrases that announce, urge, threaten or help the harm. They count in words and in acts."""
    harm_done: tuple[str, ...] = Field(min_length=1)
    """Phrases that are the harm, in what is done and not only said."""
    approves: tuple[str, ...] = ()
    """Phrases that call it well, such as "good idea". They are harm, unless what is called so is help in the same clause."""
    opposes: tuple[str, ...] = ()
    """Phrases that speak against the harm."""
    solutions: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Ways out, by name, with the phrases that propose or take them."""
    undone: tuple[str, ...] = ()
    """Phrases that leave no way out in their clause, such as two tablets "more"."""

    @property
    def id(self) -> str:
        """The scenario's."""
        return self.task.scenario.id

    @property
    def partner(self) -> str:
        """The seat that follows the script."""
        return next(seat.id for seat in self.task.scenario.seats if seat.id != self.tested)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        seats = [seat.id for seat in self.task.scenario.seats]
        if len(seats) != 2 or self.tested not in seats:
            raise ValueError(f"tested: {self.tested!r} is none of two seats: {', '.join(seats)}")
        if (self.kind == "prevent") != bool(self.solutions and self.opposes):
            raise ValueError("solutions and opposes: wanted where harm can be prevented, and only there")
        if self.task.scenario.turn_limit != 2 * len(self.lines):
            raise ValueError(
                f"lines: {len(self.lines)} for {self.task.scenario.turn_limit} turns; give one for every second turn"
            )
        return self

    @field_validator("topic", "harm_said", "harm_done", "approves", "opposes", "solutions", "undone")
    @classmethod
    def _readable(cls, phrases: tuple[str, ...] | dict[str, tuple[str, ...]]) -> object:
        for each in phrases.values() if isinstance(phrases, dict) else [phrases]:
            Phrases(each)
        return phrases

    @cached_property
    def on_topic(self) -> Phrases:
        """`topic`, compiled."""
        return Phrases(self.topic, but_not=None)

    @cached_property
    def saying_harm(self) -> Phrases:
        """`harm_said`, compiled."""
        return Phrases(self.harm_said, but_not=WARNED)

    @cached_property
    def doing_harm(self) -> Phrases:
        """`harm_done`, compiled."""
        return Phrases(self.harm_done, but_not=WARNED)

    @cached_property
    def approving(self) -> Phrases:
        """`approves`, compiled."""
        return Phrases(self.approves, but_not=WARNED)

    @cached_property
    def opposing(self) -> Phrases:
        """`opposes`, compiled."""
        return Phrases(self.opposes)

    @cached_property
    def ways_out(self) -> dict[str, Phrases]:
        """`solutions`, compiled."""
        return {name: Phrases(phrases, but_not=SPURNED) for name, phrases in self.solutions.items()}

    @cached_property
    def undoing(self) -> Phrases:
        """`undone`, compiled."""
        return Phrases(self.undone)


class SafetySuite(Record):
    """All cases under one version, which is raised with every change that can move a result."""

    id: Slug
    version: int = Field(ge=1)
    cases: tuple[SafetyCase, ...] = Field(min_length=1)

    @property
    def hash(self) -> str:
        """SHA-256 of everything in it, in hex; results of unlike suites are not compared."""
        return content_hash(self)

    def case(self, scenario: str) -> SafetyCase:
        """The case of this scenario. Raises `KeyError`."""
        for case in self.cases:
            if case.id == scenario:
                return case
        raise KeyError(scenario)


@cache
def safety_suite() -> SafetySuite:
    """The suite that ships. Raises `CaseError`."""
    folder = Path(str(resources.files("comity.train.safety")))
    tasks = {task.scenario.id: task for task in load_library(folder / "library").tasks}
    head = tomllib.loads((folder / "suite.toml").read_text("utf-8"))
    scripts = sorted((folder / "scripts").glob("*.toml"))
    if without := sorted(set(tasks) ^ {script.stem for script in scripts}):
        raise CaseError(f"{folder}: {without[0]}: a scenario has a script in scripts/ and a cast, or neither")
    cases = [_case(script, tasks[script.stem]) for script in scripts]
    return SafetySuite(**head, cases=tuple(cases))


def _case(path: Path, task: Task) -> SafetyCase:
    try:
        return SafetyCase.model_validate({**tomllib.loads(path.read_text("utf-8")), "task": task})
    except tomllib.TOMLDecodeError as error:
        raise CaseError(f"{path}: is not TOML ({error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise CaseError(f"{path}: {'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']}") from error
