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
    "Thank you for making the time. May I say first what I am hoping for?",
    "Please do. I would rather hear it plainly than guess.",
    "There is one thing I cannot give up. On the rest I can move.",
    "I am in the same place, only with another thing. What could you move on first?",
    "I could take the first step today, if you take the next one.",
    "That is fair. I will, but not the whole way at once.",
    "Then let us write down what each of us does, and by when.",
    "Agreed. I feel better about this than I did when we started.",
    "So do I. Thank you for hearing me out.",
    "And you me. Until next time, then.",
)


def _demo(messages: Sequence[Message], schema: Schema | None, sampling: Sampling) -> str:
    """Two polite people, line by line, and then a farewell; as a judge the middle of every range."""
    del sampling
    if schema is None:
        return _LINES[0]
    properties = schema.body.get("anyOf", [schema.body])[0]["properties"]
    if schema.name == "scorecard":
        return json.dumps({name: _middling(body["properties"]) for name, body in properties.items()})
    said = sum(message.role == "assistant" for message in messages)
    heard = (message.content.rpartition("so far:")[2] for message in messages if message.role == "user")
    said += sum(words.count(': "') for words in heard)
    words = _LINES[said % len(_LINES)]
    if schema.name != "action":
        return json.dumps(
            {"do": "speak", "say": words} if schema.name == "compact" else {next(iter(properties)): words}
        )
    leaves = said >= len(_LINES) and "leave" in properties["action_type"]["enum"]
    to: dict[str, object] = {"to": []} if "to" in properties else {}
    return json.dumps({"action_type": "leave" if leaves else "speak", "argument": "" if leaves else words, **to})


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
