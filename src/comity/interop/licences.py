"""Where rows of SOTOPIA's family come from, in words and as the data names it, and under which licence. Unknown stays unknown."""

from collections.abc import Iterable, Sequence

__all__ = ["RELEASE", "licence_of", "named_source", "origins_of", "together"]

RELEASE = "SOTOPIA release (arXiv 2310.11667)"
"""The profiles released with the paper; runs find their tasks by how a scenario's source begins."""

_NAMES = {"sotopia": "SOTOPIA (arXiv 2310.11667)", "sotopia-pi": "SOTOPIA-π (arXiv 2403.08715)"}
_LICENCES = {
    "sotopia": "MIT",
    "sotopia-pi": "Apache-2.0",
    "sotopia-lab/sotopia": "MIT",
    "sotopia-lab/sotopia-pi": "Apache-2.0",
    "sotopia-lab/sotopia-rl": "Apache-2.0",
    "microsoft/social-reasoning-bench": "MIT",
    RELEASE: "CC-BY-SA-4.0",
}
"""By the repository that an origin such as `sotopia-pi:dump.rdb` begins with."""


def licence_of(origins: Iterable[str]) -> str:
    """The licences of all the origins as one SPDX expression; empty where one of them, or no origin, is known."""
    return together([_LICENCES.get(_repository(origin), "") for origin in origins])


def together(licences: Iterable[str]) -> str:
    """What is under all of these licences, as one SPDX expression; empty where one of them, or none, is known."""
    found = {part for licence in licences for part in licence.split(" AND ")}
    return " AND ".join(sorted(found)) if "" not in found else ""


def named_source(origins: Sequence[str]) -> str:
    """The origins in words, such as `SOTOPIA-π (arXiv 2403.08715): dump.rdb`; `origins_of` gives them back."""
    return "; ".join(_named(origin) for origin in origins)


def origins_of(source: str) -> list[str]:
    """The origins that `named_source` put in words."""
    return [_origin(part) for part in source.split("; ") if part]


def _repository(origin: str) -> str:
    return origin.partition(":")[0]


def _named(origin: str) -> str:
    repository, colon, rest = origin.partition(":")
    return f"{_NAMES[repository]}: {rest}" if colon and repository in _NAMES else origin


def _origin(part: str) -> str:
    for repository, name in _NAMES.items():
        if part.startswith(f"{name}: "):
            return f"{repository}:{part.removeprefix(f'{name}: ')}"
    return part
