"""The prompt that SOTOPIA's judge was given, rendered from an episode and the rubric.

The released files keep beside each episode the last prompt that SOTOPIA's process logged, which often was that of another
call; what is written here is always the judge's, of this episode.
"""

import json

from comity.interop.contexts import judges_context
from comity.interop.transcripts import write_turns
from comity.interop.verdicts import key_of
from comity.world.episodes import Episode
from comity.world.scorecards import Rubric

__all__ = ["judge_prompt"]

_QUESTION = """,
Based on previous interactions, evaluate how well participants achieve their goals.
Please following the format:
The output should be formatted as a JSON instance that conforms to the JSON schema below.

As an example, for the schema {"properties": {"foo": {"title": "Foo", "description": "a list of strings", "type": "array", \
"items": {"type": "string"}}}, "required": ["foo"]}
the object {"foo": ["bar", "baz"]} is a well-formatted instance of the schema. The object {"properties": {"foo": ["bar", "baz"]}} \
is not well-formatted.

Here is the output schema:
"""


def judge_prompt(episode: Episode, rubric: Rubric) -> str:
    """The prompt as SOTOPIA logged it, terminal codes included."""
    read = f"{judges_context(episode.task)}\n{write_turns(episode)}"
    return f"Prompt after formatting:\n{read}{_QUESTION}```\n{_schema(episode, rubric)}\n```\x1b[0m"


def _schema(episode: Episode, rubric: Rubric) -> str:
    """The schema that the reply had to keep to, as the JSON that pydantic 1 gives of it."""
    name = "EvaluationBySocialDimensions"
    agents = [f"agent_{i}_evaluation" for i, _ in enumerate(episode.task.scenario.seats, 1)]
    dimensions = {
        key_of(dimension.name): {
            "title": dimension.name.title(),
            "description": dimension.description,
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": [{"type": "string"}, {"type": "integer"}],
        }
        for dimension in rubric.dimensions
    }
    evaluation = {"title": name, "type": "object", "properties": dimensions, "required": list(dimensions)}
    properties = {agent: {"$ref": f"#/definitions/{name}"} for agent in agents}
    return json.dumps({"properties": properties, "required": agents, "definitions": {name: evaluation}})
