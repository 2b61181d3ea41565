"""Reading the JSON object in a model's text: strict first, then repaired, else unusable with a problem that the model can be told."""

import json
import re
from collections.abc import Mapping

__all__ = ["UnusableReply", "is_whole", "partial_words", "read_object"]


_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: no character, and nothing that could be sent on."""


class UnusableReply(ValueError):
    """The reply holds no action that the seat may take; the message says why."""

    def __init__(self, problem: str, *, legal: bool = True) -> None:
        super().__init__(problem)
        self.legal = legal


def read_object(text: str) -> tuple[Mapping[str, object], str]:
    """The JSON object in a reply and what had to be repaired. Raises `UnusableReply` where there is none."""
    try:
        found, repaired = _loaded(text)
        if "\\u" in text or _HALF.search(text):
            found = json.loads(_HALF.sub("\ufffd", json.dumps(found, ensure_ascii=False)))
    except RecursionError:
        raise UnusableReply("it is nested too deeply") from None
    except UnusableReply:
        raise
    except ValueError:  # Python reads no whole number of thousands of digits
        raise UnusableReply("it holds a number that is too long") from None
    if not isinstance(found, dict) or not found:
        raise UnusableReply("it is not a JSON object")
    return found, repaired


def is_whole(text: str) -> bool:
    """Whether the reply holds a complete JSON object."""
    try:
        _first_object(_after_reasoning(text))
    except (ValueError, RecursionError):
        return False
    return True


def _loaded(text: str) -> tuple[object, str]:
    said = _after_reasoning(text)
    if "{" not in said:
        raise UnusableReply("it holds no JSON object" if said.strip() else "it is empty")
    try:
        found, around = _first_object(said)
    except json.JSONDecodeError as error:
        return _repaired(said[said.index("{") :], f"not valid JSON ({error})")
    return found, "not valid JSON (text around the object was left out)" if around or said != text else ""


def _repaired(broken: str, problem: str) -> tuple[object, str]:
    import json_repair  # a megabyte, which a run whose replies are whole need not hold

    try:
        found = json_repair.loads(broken)
    except ValueError:
        raise UnusableReply(problem) from None
    return (found[0] if isinstance(found, list) and found else found), problem


def _first_object(said: str) -> tuple[object, bool]:
    """The first JSON object and whether other text stands around it: what a model adds after its answer is no answer."""
    start = said.index("{")
    found, end = json.JSONDecoder().raw_decode(said, start)
    return found, bool(said[:start].strip() or said[end:].strip())


def _after_reasoning(text: str) -> str:
    """What follows a model's thoughts. Thoughts are not for others, and unfinished ones hold no answer."""
    before, opened, thoughts = text.partition("<think>")
    if not opened or before.strip():
        return text
    _, closed, said = thoughts.partition("</think>")
    if not closed:
        raise UnusableReply("its reasoning did not come to an end")
    return said


def partial_words(text: str, after: str) -> str:
    """The JSON string that follows `after` and a colon, as far as it has come; empty while it has not begun."""
    _, found, rest = text.partition(after)
    opened = rest.lstrip().removeprefix(":").lstrip()
    if not found or not opened.startswith('"'):
        return ""
    body, whole = _until_quote(opened[1:])
    for cut in range(len(body), max(-1, len(body) - 12), -1):  # an escape at the end may not be whole yet
        try:
            words = str(json.loads(f'"{body[:cut]}"', strict=False))
            if not whole and words and "\ud800" <= words[-1] <= "\udbff":
                words = words[:-1]  # its other half is to come
            return _HALF.sub("\ufffd", words)
        except ValueError:
            if whole:
                return ""
    return ""


def _until_quote(text: str) -> tuple[str, bool]:
    escaped = False
    for at, char in enumerate(text):
        if char == '"' and not escaped:
            return text[:at], True
        escaped = char == "\\" and not escaped
    return text, False
