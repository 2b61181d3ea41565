"""Prompt templates and the one renderer that fills them. A template file is TOML package data; whatever is filled in is data and
can change neither the structure nor the roles of a prompt.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

__all__ = ["Block", "Quoted", "Template", "inert", "load_template", "plain", "quote"]

_CONTROL_TOKEN = re.compile(r"<(?=[|\uff5c/!<\[A-Za-z])|\[(?=\||/?[A-Z_]{3,}\]|gMASK\])")
"""Where a chat template's control token may begin: `<|im_end|>`, `</s>`, `<start_of_turn>`, `<<SYS>>`, `[INST]`, `[|user|]`."""

_UNPRINTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, line separators and direction marks."""

_SLOT = re.compile(r"\{(\w+)\}")


class Quoted(str):
    """Words to be filled in between quotation marks, exactly: `json.loads` of what is filled in gives them back."""

    __slots__ = ()


def quote(words: str) -> str:
    """The words as a JSON string on one line that holds no control token of any chat template."""
    return _harmless(json.dumps(words, ensure_ascii=False))


def plain(text: str) -> str:
    """The text on one line with its control characters and control tokens made visible."""
    return inert(" ".join(text.split("\n")).strip())


def inert(text: str) -> str:
    """The text with its lines, but without control characters and control tokens: for a reply that is shown to its own model."""
    return "\n".join(map(_harmless, text.split("\n")))


def _harmless(line: str) -> str:
    if line.isprintable() and "<" not in line and "[" not in line:
        return line  # nearly always; the two searches would find nothing
    return _CONTROL_TOKEN.sub(_escape, _UNPRINTED.sub(_escape, line))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


@dataclass(frozen=True)
class Template:
    """A named, versioned set of texts with `{slots}`."""

    name: str
    version: int
    texts: Mapping[str, str]
    hash: str
    """SHA-256 over the template's files and this renderer."""

    @property
    def label(self) -> str:
        """Name and version, such as `chat@1`."""
        return f"{self.name}@{self.version}"

    def fill(self, text: str, **values: str | int) -> str:
        """The text with its slots filled. A line is left out when a value that it names is empty.

        `Quoted` values are quoted, other strings made plain. Raises `KeyError` for a slot without a value.
        """
        filled = (_fill_line(line, values) for line in self._lines[text])
        return "\n".join(line for line in filled if line is not None)

    @cached_property
    def _lines(self) -> Mapping[str, list[list[str]]]:
        """Each text's lines, cut so that every second piece is a slot's name."""
        return {name: [_SLOT.split(line) for line in text.splitlines()] for name, text in self.texts.items()}


def _fill_line(pieces: list[str], values: Mapping[str, str | int]) -> str | None:
    filled = pieces.copy()
    for at in range(1, len(pieces), 2):
        value = values[pieces[at]]
        if value == "" and not isinstance(value, Quoted):
            return None
        filled[at] = _shown(value)
    return "".join(filled)


class Block(str):
    """Lines that a template made itself, filled in as they are."""

    __slots__ = ()


def _shown(value: str | int) -> str:
    if isinstance(value, Block):
        return str(value)
    if isinstance(value, Quoted):
        return quote(value)
    return plain(value) if isinstance(value, str) else str(value)


@cache
def load_template(*files: str) -> Template:
    """The template in these files, such as `comity.agents:chat`, each in its package's `prompts/`; the first names it. Read once."""
    hashed = hashlib.sha256(Path(__file__).read_bytes())
    texts: dict[str, str] = {}
    versions: list[int] = []
    for file in files:
        package, _, name = file.partition(":")
        raw = resources.files(package).joinpath("prompts", f"{name}.toml").read_bytes()
        hashed.update(raw)
        data = tomllib.loads(raw.decode())
        versions.append(data.pop("version"))
        if doubled := texts.keys() & data.keys():
            raise ValueError(f"{file} has texts that {files[0]} has too: {', '.join(doubled)}")
        texts |= data
    return Template(files[0].partition(":")[2], versions[0], texts, hashed.hexdigest())
