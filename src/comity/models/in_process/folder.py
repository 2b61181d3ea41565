"""What a specification `hf:` or `adapter:` finds on disk: which files there are, whether they can be a model, and their hash.

It reads files and imports neither torch nor transformers; `loading` makes a model of what is found.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from comity.models.protocol import ModelNotFound, Sampling
from comity.world.record import Record

__all__ = ["AdapterNote", "Found", "find", "read_note", "weights_hash"]

NOTE = "comity.json"
_MARK = re.compile(r"(.+)@([0-9a-f]{12})")
_WEIGHTS = (".safetensors", ".bin")
_DESCRIBING = frozenset(
    {
        "config.json",
        "generation_config.json",
        "adapter_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "merges.txt",
        "tokenizer.model",
        "chat_template.jinja",
        "chat_template.json",
    }
)


class AdapterNote(Record):
    """What training writes beside an adapter, as `comity.json`."""

    kind: Literal["lora", "full"]
    """`lora` needs its base; `full` is a whole model."""
    base: str
    """The specification it was trained from; a relative path is seen from the adapter's folder."""
    base_sha256: str
    """`weights_hash` of the base."""
    style: str
    """The prompt style it was trained in."""
    sampling: Sampling = Field(default_factory=Sampling)
    gguf: str | None = None
    """A file for llama.cpp in the same folder, where one was written."""


@dataclass(frozen=True, slots=True)
class Found:
    """A model on disk."""

    name: str
    """Its specification with the first 12 digits of its hash."""
    path: Path
    """The folder, or the GGUF file."""
    note: AdapterNote | None = None
    """What training wrote, for an adapter."""
    base: "Found | None" = None
    """What a LoRA adapter is laid on."""


def find(spec: str, *, seen_from: Path | None = None) -> Found:
    """The model that `hf:PATH[@HASH]` or `adapter:PATH[@HASH]` names. Raises `ModelNotFound` with the file and the fix.

    Args:
        seen_from: the folder from which a relative path is seen; the working directory unless given.
    """
    _check_extra(spec)
    scheme, _, rest = spec.partition(":")
    marked = _MARK.fullmatch(rest)
    said, mark = (marked[1], marked[2]) if marked else (rest, None)
    path = (seen_from or Path()) / Path(said).expanduser()
    found, whole = _adapter(said, path) if scheme == "adapter" else _plain(said, path)
    if mark is not None and not whole.startswith(mark):
        raise ModelNotFound(
            f"{path} does not hold the weights of {spec} any more, but those of {found.name}; "
            "name these, or put the others back"
        )
    return found


def weights_hash(path: Path) -> str:
    """SHA-256, in hex, of a model's or adapter's weights, configuration, tokenizer and chat template; of a GGUF file as it is.

    Raises `ModelNotFound` where there are no weights.
    """
    if path.is_file():
        return _file_hash(path)
    files = _hashed_files(path)
    if not any(file.suffix in _WEIGHTS for file in files):
        raise ModelNotFound(f"{path} holds no model.safetensors; save the model there with save_pretrained")
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name} {_file_hash(file)}\n".encode())
    return digest.hexdigest()


def read_note(folder: Path) -> AdapterNote:
    """What training wrote of an adapter. Raises `ModelNotFound` with the field at fault."""
    path = folder / NOTE
    try:
        return AdapterNote.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ModelNotFound(
            f"{folder} is no adapter that training wrote: it has no {NOTE}; a model's own folder is named hf:{folder}"
        ) from None
    except (OSError, ValidationError) as error:
        raise ModelNotFound(f"{path} cannot be read: {_first_fault(error)}; train again") from None


def _adapter(said: str, path: Path) -> tuple[Found, str]:
    note = read_note(path)
    base = None
    if note.kind == "lora":
        _check_folder(path, "adapter_config.json")
        base = find(note.base, seen_from=path)
        if (now := weights_hash(base.path)) != note.base_sha256:
            raise ModelNotFound(
                f"{base.path} is not what {path} was trained on: its hash is {now[:12]}, not {note.base_sha256[:12]}; "
                "put that model back, or train again"
            )
    else:
        _check_folder(path, "config.json")
    whole = hashlib.sha256(f"{weights_hash(path)} {note.base_sha256}".encode()).hexdigest()
    return Found(f"adapter:{said}@{whole[:12]}", path, note, base), whole


def _plain(said: str, path: Path) -> tuple[Found, str]:
    if not path.exists():
        raise ModelNotFound(f"there is no {path}; give a folder with config.json and safetensors, or a .gguf file")
    if path.is_dir():
        _check_folder(path, "config.json")
    elif path.suffix != ".gguf":
        raise ModelNotFound(f"{path} is neither a folder nor a .gguf file; name the folder that holds it")
    whole = weights_hash(path)
    return Found(f"hf:{said}@{whole[:12]}", path), whole


def _check_folder(path: Path, config: str) -> None:
    if not (path / config).is_file():
        raise ModelNotFound(f"{path} has no {config}; a Hugging Face model's folder has, as save_pretrained writes it")
    try:
        json.loads((path / config).read_bytes())
    except (OSError, ValueError) as error:
        raise ModelNotFound(f"{path / config} cannot be read: {error}; save the model again") from None


def _check_extra(spec: str) -> None:
    missing = [name for name in ("torch", "transformers", "llguidance", "peft") if find_spec(name) is None]
    if missing:
        raise ModelNotFound(f"{spec} needs {', '.join(missing)}; `pip install 'comity[train]'` adds what is missing")


def _hashed_files(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.iterdir()
        if file.is_file() and (file.suffix in _WEIGHTS or file.name in _DESCRIBING or file.suffix == ".jinja")
    )


def _file_hash(path: Path) -> str:
    try:
        about = path.stat()
        return _hash_of(path.resolve(), about.st_mtime_ns, about.st_size, about.st_ino)
    except OSError as error:
        raise ModelNotFound(f"{path} cannot be read: {error.strerror}") from None


@lru_cache(maxsize=1024)
def _hash_of(path: Path, modified: int, size: int, inode: int) -> str:
    """Of the content; what else is given tells a file that was read from one that has changed since."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_fault(error: OSError | ValidationError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
