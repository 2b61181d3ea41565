"""The mark-up inside SOTOPIA's goals and scenario texts: which words are extra information, which a hint, which for one viewer only.

A tokenizer over the known marks, not an XML parser: `<3` and `<b>` are words like any other. Nothing here knows of files or records.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Marked", "Oddity", "OddityKind", "read_marks"]

OddityKind = Literal["unclosed_mark", "crossed_marks", "stray_mark", "mark_attributes", "unknown_tag"]


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in the mark-up that is not as it should be. The message names tags, never the words around them."""

    kind: OddityKind
    message: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A text taken apart. Every word of it, as it is written, is in exactly one field; marks, their leading labels and their
    parentheses are in none."""

    text: str
    extra_info: str = ""
    strategy_hint: str = ""
    clarification_hint: str = ""
    viewers: tuple[tuple[str, str], ...] = ()
    """(viewer, words) of each `<p viewer="…">`; the viewer is empty where the mark does not name one."""
    oddities: tuple[Oddity, ...] = ()

    def words(self) -> tuple[str, ...]:
        """All the words, a field each."""
        hidden = (words for _, words in self.viewers)
        return (self.text, self.extra_info, self.strategy_hint, self.clarification_hint, *hidden)


def read_marks(text: str) -> Marked:
    """Take a goal or scenario text apart. A text without marks comes back unchanged.

    Words belong to the innermost mark around them, except that a viewer's mark keeps everything inside it. A mark that is
    never closed runs to the end of the text; of crossed marks each runs from its own opening to its own closing tag.
    """
    reading = _Reading(gap=next(c for each in _PRIVATE_USE for c in map(chr, each) if c not in text))
    inner = _unwrapped(text.strip())
    at = 0
    for tag in _TAG.finditer(inner):
        reading.say(inner[at : tag.start()])
        reading.tag(tag)
        at = tag.end()
    reading.say(inner[at:])
    return reading.result() if reading.marked else Marked(text, oddities=tuple(reading.oddities))


_PRIVATE_USE = (range(0xE000, 0xF900), range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][\w-]*)(?P<attributes>[^<>]*)>")
_MARKS = ("extra_info", "strategy_hint", "clarification_hint")
_VIEWER = re.compile(r"\bviewer\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_LABEL = re.compile(
    r"\s*(?:extra[ _]info(?:rmation)?|(?:(?:strategy|clarification)[ _])?hint|strategy|clarification)\s*:\s*",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Span:
    """One open or closed mark. A plain one is an unknown tag, kept as words, that is tracked only so that its end is not taken for a viewer's."""

    name: str
    sort: Literal["mark", "viewer", "plain"]
    viewer: str = ""
    parts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Reading:
    gap: str
    """A character that the text does not have; it stands where a mark was."""
    outside: list[str] = field(default_factory=list)
    stack: list[_Span] = field(default_factory=list)
    spans: list[_Span] = field(default_factory=list)
    marked: bool = False
    oddities: list[Oddity] = field(default_factory=list)

    def say(self, words: str) -> None:
        viewer = next((span for span in self.stack if span.sort == "viewer"), None)
        mark = next((span for span in reversed(self.stack) if span.sort == "mark"), None)
        owner = viewer or mark
        (owner.parts if owner else self.outside).append(words)

    def tag(self, tag: re.Match[str]) -> None:
        name = tag["name"].lower()
        if tag["close"]:
            self._close(name, tag[0])
        else:
            self._open(name, tag["attributes"], tag[0])

    def _open(self, name: str, attributes: str, literal: str) -> None:
        if "viewer" in attributes.lower():
            found = _VIEWER.search(attributes)
            self._push(_Span(name, "viewer", viewer=found[1].lower() if found else ""))
        elif name in _MARKS:
            if attributes.strip():
                self._odd("mark_attributes", f"<{name}> has attributes, which are dropped")
            self._push(_Span(name, "mark"))
        else:
            if any(span.name == name for span in self.stack):
                self.stack.append(_Span(name, "plain"))
            self._odd("unknown_tag", f"<{name}> is not a mark; kept as words")
            self.say(literal)

    def _push(self, span: _Span) -> None:
        self.say(self.gap)
        self.marked = True
        self.stack.append(span)
        self.spans.append(span)

    def _close(self, name: str, literal: str) -> None:
        at = next((i for i in reversed(range(len(self.stack))) if self.stack[i].name == name), None)
        if at is None and name not in _MARKS:
            self._odd("unknown_tag", f"</{name}> is not a mark; kept as words")
            self.say(literal)
        elif at is None:
            self._odd("stray_mark", f"</{name}> closes nothing; dropped")
            self.marked = True
            self.say(self.gap)
        elif self.stack[at].sort == "plain":
            self.say(literal)
            del self.stack[at]
        else:
            if any(span.sort != "plain" for span in self.stack[at + 1 :]):
                self._odd("crossed_marks", f"</{name}> comes before the end of a mark inside it")
            del self.stack[at]
            self.say(self.gap)

    def _odd(self, kind: OddityKind, message: str) -> None:
        self.oddities.append(Oddity(kind, message))

    def result(self) -> Marked:
        for span in self.stack:
            if span.sort != "plain":
                self._odd("unclosed_mark", f"<{span.name}> is never closed; it runs to the end of the text")
        marks = {name: self._field(name) for name in _MARKS}
        viewers = [
            (s.viewer, _without_label(_tidy("".join(s.parts), self.gap))) for s in self.spans if s.sort == "viewer"
        ]
        return Marked(
            text=_unwrapped(_tidy("".join(self.outside), self.gap)),
            extra_info=marks["extra_info"],
            strategy_hint=marks["strategy_hint"],
            clarification_hint=marks["clarification_hint"],
            viewers=tuple((viewer, words) for viewer, words in viewers if words),
            oddities=tuple(self.oddities),
        )

    def _field(self, name: str) -> str:
        spans = [span for span in self.spans if span.sort == "mark" and span.name == name]
        words = [_without_label(_tidy("".join(span.parts), self.gap)) for span in spans]
        return "\n".join(word for word in words if word)


def _without_label(words: str) -> str:
    if re.fullmatch(r"\([^()]*\)", words):
        words = words[1:-1]
    label = _LABEL.match(words)
    return words[label.end() :] if label else words


def _tidy(words: str, gap: str) -> str:
    """Remove the gaps with the parentheses, commas and blanks that were only there for the sake of the marks."""
    words = re.sub(rf"\(([\s,;'\"{gap}]*)\)", lambda m: _emptied(m, gap), words)
    if words.count("(") > words.count(")"):
        words = re.sub(rf"\(\s*{gap}[\s{gap}]*$", "", words)
    if words.count(")") > words.count("("):
        words = re.sub(rf"{gap}\s*\)", gap, words, count=1)
    return re.sub(rf"\s*{gap}[\s{gap}]*", _joint, words).strip()


def _emptied(parentheses: re.Match[str], gap: str) -> str:
    if gap not in parentheses[1]:
        return parentheses[0]
    return gap + "".join(c for c in parentheses[1] if c in "'\"")


def _joint(gap: re.Match[str]) -> str:
    before, after = gap.string[: gap.start()], gap.string[gap.end() :]
    if not after or before.endswith("(") or re.match(r"[,.;:!?)]|['\"](?!\w)", after):
        return ""
    return "\n" if "\n" in gap[0] else " "


def _unwrapped(words: str) -> str:
    """Without the quotation marks around the whole, if that is what they are."""
    inner = words[1:-1]
    if len(words) < 3 or words[0] != words[-1] or words[0] not in "'\"":
        return words
    another = '"' if words[0] == '"' else r"(?<!\w)'(?=\w)"
    return words if re.search(another, inner) else inner.strip()
