"""The rows of SOTOPIA's episode files as they are, in the four forms there are. What is made of them is in `comity.interop.episode_logs`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from comity.interop.remarks import Report
from comity.interop.rows import content_of, lines_of, listed, read_json, read_row
from comity.world.record import Name, Slug

__all__ = ["AnyRow", "EvaluationRow", "Form", "NativeRow", "ReleasedRow", "TextRow", "rows_of"]

Form = Literal["released", "text", "native", "evaluations"]
"""`released`: `sotopia_episodes_v1`. `text`: the same without messages, models and ids, as sotopia-rl keeps it. `native`: the
EpisodeLog of SOTOPIA's own database. `evaluations`: a second judge's scores of episodes that are elsewhere."""

_Message = tuple[str, str, str]
_Pair = tuple[Slug, Slug]


class _EpisodeRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    origins: tuple[str, ...] = Field((), validation_alias="_source")
    licence: str = ""


class _Described(_EpisodeRow):
    """What the released and the text form share."""

    episode_id: Slug
    scenario: str
    codename: Name
    agents_background: Annotated[dict[Name, str], Field(min_length=2, max_length=2)]
    social_goals: Annotated[dict[Name, str], Field(min_length=2, max_length=2)]
    social_interactions: str
    reasoning: str
    rewards: tuple[JsonValue, ...]


class ReleasedRow(_Described):
    """An episode as `sotopia_episodes_v1` has it."""

    environment_id: Slug
    agent_ids: _Pair
    experiment_tag: str
    experiment_model_name_pairs: tuple[str, str, str]
    """The judge's, then each agent's."""
    raw_messages: tuple[tuple[_Message, ...], ...]


class TextRow(_Described):
    """An episode as text: names for people, no ids but the episode's, no models."""


class NativeRow(_EpisodeRow):
    """An EpisodeLog."""

    pk: Slug
    environment: Slug
    agents: _Pair
    tag: str | None = None
    models: tuple[str, str, str] | None = None
    """The judge's, then each agent's."""
    messages: tuple[tuple[_Message, ...], ...]
    reasoning: str
    rewards: tuple[JsonValue, ...]


class EvaluationRow(_EpisodeRow):
    """One judge's scores of an episode that is elsewhere."""

    episode_id: Slug
    evaluator_model: str
    agent_1_name: Name
    agent_2_name: Name
    agent_1_evaluation: dict[str, JsonValue]
    agent_2_evaluation: dict[str, JsonValue]


AnyRow: TypeAlias = ReleasedRow | TextRow | NativeRow | EvaluationRow

_FORMS: tuple[tuple[str, type[AnyRow]], ...] = (
    ("raw_messages", ReleasedRow),
    ("messages", NativeRow),
    ("evaluator_model", EvaluationRow),
    ("social_interactions", TextRow),
)
"""By the field that only rows of this form have; the first that is there counts."""


def rows_of(report: Report, path: Path) -> Iterator[tuple[str, dict[str, JsonValue], AnyRow]]:
    """Each row of a file that fits one of the forms, with its place and its fields as they are. The rest is reported."""
    for where, line in _lines(report, path):
        fields = read_json(report, where, line)
        if fields is None:
            continue
        model = next((model for name, model in _FORMS if isinstance(fields, dict) and name in fields), None)
        if model is None:
            known = ", ".join(name for name, _ in _FORMS)
            report.problem(where, f"not an episode in a form we know: it has none of the fields {known}")
        elif isinstance(fields, dict) and (row := read_row(report, where, line, model)) is not None:
            yield where, fields, row


def _lines(report: Report, path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix != ".json":
        yield from lines_of(report, path)
        return
    content = content_of(report, path)
    if content is None:
        return
    if content.lstrip().startswith(b"["):
        yield from listed(report, path.name, content)
    else:
        yield path.name, content
