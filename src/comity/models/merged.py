"""An adapter as llama.cpp plays it: `adapter:FOLDER#llama.cpp`, from a GGUF file of its merged weights beside it. Writing it is training's."""

from pathlib import Path

from comity.models.in_process.folder import Found, find
from comity.models.local import GgufModel
from comity.models.protocol import ModelNotFound

__all__ = ["MARK", "merged_file", "merged_model"]

MARK = "#llama.cpp"
"""What a specification of such a model ends with, before the kind of weights: `#llama.cpp` or `#llama.cpp-q8_0`."""

_LONGEST = 4096
"""Tokens of a conversation: a model may be able to hold more than this machine has memory for."""


def merged_file(found: Found, weights: str) -> Path:
    """Where the merged weights of an adapter are. The name says of which: those of another training are not taken for them."""
    mark = found.name.rpartition("@")[2]
    return found.path / f"merged-{mark}-{weights}.gguf"


def merged_model(spec: str, *, conversations: int = 1) -> tuple[GgufModel, Found]:
    """The model of such a specification, and the adapter it is of. Raises `ModelNotFound` with the fix.

    Args:
        conversations: how many it holds at the same time.
    """
    adapter, _, weights = spec.partition(MARK)
    found = find(adapter)
    assert found.note is not None, "every adapter has a note"
    file = merged_file(found, weights.removeprefix("-")) if weights else found.path / (found.note.gguf or "")
    if not file.is_file() or file.stem.split("-")[1:2] != [found.name.rpartition("@")[2]]:
        raise ModelNotFound(
            f"{spec}: {found.path} holds no GGUF file of these weights; write one: comity models gguf {adapter}"
        )
    name = f"{found.name}{MARK}-{file.stem.rpartition('-')[2]}"
    return GgufModel(name, file, alias="adapter", context=_context(file), slots=conversations), found


def _context(file: Path) -> int:
    from gguf import GGUFReader

    try:
        fields = GGUFReader(file).fields
        said = [field.contents() for name, field in fields.items() if name.endswith(".context_length")]
        return min(int(said[0]), _LONGEST)
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise ModelNotFound(f"{file} cannot be read ({error}); write it again: comity models gguf") from None
