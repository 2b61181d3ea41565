"""Models that follow a script, for trying and testing everything around a model. They know nothing and say so by their name."""

import json
import time
from collections.abc import Callable, Mapping, Sequence

from comity.models.protocol import Completion, Message, ModelNotFound, Sampling, Schema

__all__ = ["SCRIPTS", "Script", "ScriptedModel"]

Script = Callable[[Sequence[Message], Schema | None, Sampling], str]
"""From the messages, the schema and the sampling (with its seed) to the reply's text."""


class ScriptedModel:
    """Answers by a script. Deterministic as far as the script is; the seed is in the sampling."""

    def __init__(self, script: Script, *, name: str = "scripted:own") -> None:
        self._script = script
        self._name = name

    @property
    def name(self) -> str:
        """The specification it was made from."""
        return self._name

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        """Answer; see `ChatModel`. Usage is not counted: there are no tokens."""
        del session
        started = time.perf_counter()
        text = self._script(messages, schema, sampling)
        if stream is not None:
            stream(text)
        return Completion(text=text, finish_reason="stop", seconds=time.perf_counter() - started, model=self._name)

    async def aclose(self) -> None:
        """Nothing to release."""


_LINES = (
    "Thank you for making the time. I would like us both to leave here content.",
    "Let me say plainly what matters to me, and then I will listen to you.",
    "I see your point. There is one thing I cannot give up, but on the rest I am open.",
    "What if each of us moves a little? I can take the first step.",
    "That is fair. I could live with that, if you can.",
    "Good, then we have an understanding. I am glad we talked.",
)


def _demo(messages: Sequence[Message], schema: Schema | None, sampling: Sampling) -> str:
    """Six polite lines and a farewell as an agent; the middle of every range as a judge."""
    del sampling
    if schema is None:
        return _LINES[0]
    if schema.name == "scorecard":
        return json.dumps({name: _middling(body["properties"]) for name, body in schema.body["properties"].items()})
    spoken = sum(message.role == "assistant" for message in messages)
    if schema.name == "action":
        kinds = schema.body["properties"]["action_type"]["enum"]
        to: dict[str, object] = {"to": []} if "to" in schema.body["properties"] else {}
        if spoken < len(_LINES) or "leave" not in kinds:
            return json.dumps({"action_type": "speak", "argument": _LINES[spoken % len(_LINES)], **to})
        return json.dumps({"action_type": "leave", "argument": "", **to})
    first = schema.body.get("anyOf", [schema.body])[0]
    said = sum(message.content.count("\n" + next(iter(first["properties"])) + ":") for message in messages)
    return json.dumps({next(iter(first["properties"])): _LINES[said % len(_LINES)]})


def _middling(properties: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    scores, turns = properties["score"]["enum"], properties["turns"]["items"]
    assert isinstance(scores, list)
    assert isinstance(turns, dict)
    cited = turns.get("enum", [])[:1]
    return {
        "reason": "A scripted judge reads nothing; it gives the middle.",
        "turns": cited,
        "score": scores[len(scores) // 2],
    }


def _silent(messages: Sequence[Message], schema: Schema | None, sampling: Sampling) -> str:
    """Says nothing at all: the way to see what an agent's failure looks like."""
    del messages, schema, sampling
    return ""


def _leaver(messages: Sequence[Message], schema: Schema | None, sampling: Sampling) -> str:
    """Leaves at once."""
    del messages, schema, sampling
    return json.dumps({"action_type": "leave", "argument": ""})


SCRIPTS: Mapping[str, Script] = {"demo": _demo, "silent": _silent, "leaver": _leaver}
"""The scripts that `scripted:NAME` names."""


def scripted(name: str) -> ScriptedModel:
    """The scripted model of this name. Raises `ModelNotFound`."""
    if name not in SCRIPTS:
        raise ModelNotFound(
            f"there is no model scripted:{name}; there are: {', '.join(f'scripted:{s}' for s in SCRIPTS)}"
        )
    return ScriptedModel(SCRIPTS[name], name=f"scripted:{name}")
