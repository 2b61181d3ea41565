"""How the mock server fails when it is told to. Faults of the connection or the server strike by the number of the call, so that a
retry may succeed; faults of the reply follow from the question, so that the same question fails in the same way again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from mock_replies import Draw, Question, reply_text

__all__ = ["CONTENT", "TRANSPORT", "Content", "Fault", "Kind", "Transport", "fault_from", "first_fault", "spoiled"]

Transport = Literal["500", "503", "429", "429_retry_after", "hang", "reset", "truncated_body", "html"]
"""`hang` never answers; `reset` breaks the connection; `truncated_body` ends it in the middle of the HTTP body; `html` is a page with 200."""
Content = Literal["truncated_json", "fenced", "empty", "null", "wrong_schema", "out_of_range"]
"""What the model says is cut off, wrapped in a fence with prose around it, nothing, null, another object, or scores no range holds."""
Kind = Transport | Content

TRANSPORT: tuple[Transport, ...] = get_args(Transport)
CONTENT: tuple[Content, ...] = get_args(Content)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way of failing and how often."""

    kind: Kind
    rate: float = 1.0
    """The share of calls it strikes, 0 to 1."""
    seed: int = 0
    limit: int | None = None
    """At most so many calls; all that it strikes where `None`."""
    only: str = ""
    """The name of the one schema it strikes, such as `scorecard`; every call where empty."""


def fault_from(data: Mapping[str, Any]) -> Fault:
    """The fault in a JSON object. Raises `ValueError` for a kind that there is not, `TypeError` for a field."""
    fault = Fault(**data)
    if fault.kind not in TRANSPORT + CONTENT:
        raise ValueError(f"no fault {fault.kind!r}; there are: {', '.join(TRANSPORT + CONTENT)}")
    return fault


def _strikes(fault: Fault, question: Question, number: int, struck: int) -> bool:
    """Whether the fault strikes call `number`, having struck so many before."""
    if fault.limit is not None and struck >= fault.limit:
        return False
    if fault.only and fault.only != question.schema_name:
        return False
    if fault.kind == "out_of_range" and question.schema_name != "scorecard":
        return False
    drawn_from = question.digest if fault.kind in CONTENT else number
    return Draw(drawn_from * 31 + fault.seed).chance() < fault.rate


def first_fault(faults: Sequence[Fault], question: Question, number: int, struck: Mapping[str, int]) -> Fault | None:
    """The first of the faults that strikes."""
    for fault in faults:
        if _strikes(fault, question, number, struck.get(fault.kind, 0)):
            return fault
    return None


def spoiled(kind: Content, question: Question) -> str | None:
    """The reply as this fault leaves it."""
    text = reply_text(question)
    match kind:
        case "truncated_json":
            return text[: len(text) * 2 // 3]
        case "fenced":
            return f"Sure, here is my answer:\n```json\n{text}\n```\nTell me if you want another."
        case "empty":
            return ""
        case "null":
            return None
        case "wrong_schema":
            return json.dumps({"mood": "fine", "answer": {"value": 42}})
        case "out_of_range":
            return reply_text(question, out_of_range=True)
