"""Where a user's own files are by the XDG rules: settings in one directory, what can be had again in another. It creates nothing."""

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["cache_directory", "config_directory"]


def config_directory(environ: Mapping[str, str] | None = None) -> Path:
    """`comity` in `$XDG_CONFIG_HOME`, else in `~/.config`."""
    return _directory(environ, "XDG_CONFIG_HOME", ".config")


def cache_directory(environ: Mapping[str, str] | None = None) -> Path:
    """`comity` in `$XDG_CACHE_HOME`, else in `~/.cache`."""
    return _directory(environ, "XDG_CACHE_HOME", ".cache")


def _directory(environ: Mapping[str, str] | None, variable: str, otherwise: str) -> Path:
    chosen = Path((os.environ if environ is None else environ).get(variable, ""))
    return (chosen if chosen.is_absolute() else Path.home() / otherwise) / "comity"  # XDG: ignore a relative path
