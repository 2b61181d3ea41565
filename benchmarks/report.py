"""Writing down what was measured: `results.json` for programs, and a page for people, each figure with its machine and its day."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from figures import Figure

from comity._version import code_version

__all__ = ["Measurement", "read_results", "taken_now", "write_report", "write_results"]

_HEAD = """\
# What Comity costs

Written by `make bench`; `make bench ONLY="cpu load"` measures a part. The peer is `mock_server.py`, a model server of raw asyncio
in a process of its own, and every figure is taken in a child process of its own. The limits are the design's; a broken one makes
the command fail. The reference system is sotopia 0.1.5, measured on a quiet machine of this kind.
"""


@dataclass(frozen=True)
class Measurement:
    """A figure, and where and when it was taken."""

    figure: Figure
    taken_at: str
    """UTC, to the minute."""
    machine: str
    code: str
    """The version of Comity."""
    others: float
    """How many cores other processes used on average while it was taken; figures are good where that is near 0."""


def taken_now(figure: Figure, others: float) -> Measurement:
    """The figure, taken on this machine at this moment, while others used so many cores."""
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    return Measurement(figure, when, _machine(), code_version(), round(others, 2))


def read_results(path: Path) -> dict[str, Measurement]:
    """What was measured before, by figure; nothing where there is no file."""
    if not path.exists():
        return {}
    about = {field.name for field in fields(Measurement)} - {"figure"}
    return {
        name: Measurement(
            Figure(name, **{key: value for key, value in entry.items() if key not in about | {"broken"}}),
            **{key: entry[key] for key in about},
        )
        for name, entry in json.loads(path.read_text("utf-8")).items()
    }


def write_results(results: Mapping[str, Measurement], path: Path) -> None:
    """Every measurement as JSON, by the figure's name."""
    entries = {name: _flat(result) for name, result in results.items()}
    path.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _flat(result: Measurement) -> dict[str, object]:
    entry = asdict(result)
    figure = entry.pop("figure")
    del figure["name"]
    return {**figure, "broken": result.figure.broken, **entry}


def write_report(results: Mapping[str, Measurement], path: Path) -> None:
    """Every measurement as a page."""
    rows = ["| figure | value | limit | reference system |", "|---|---|---|---|"]
    rows += [_row(result.figure) for result in results.values()]
    how = [_explained(result) for result in results.values()]
    path.write_text("\n".join([_HEAD, *rows, "\n## How each was measured\n", *how]) + "\n", "utf-8")


def _row(figure: Figure) -> str:
    value = "not measured" if figure.value is None else f"{figure.value:g} {figure.unit}"
    limit = "" if figure.limit is None else f"{figure.bound} {figure.limit:g}"
    return f"| `{figure.name}` | {f'**{value}, broken**' if figure.broken else value} | {limit} | {figure.reference} |"


def _explained(result: Measurement) -> str:
    figure = result.figure
    details = ", ".join(f"{key.replace('_', ' ')} {value:g}" for key, value in figure.details.items())
    how = (figure.why and f"Not measured: {figure.why}.") or figure.how
    taken = f"{result.taken_at} UTC, Comity {result.code}, {result.machine}, others used {result.others:g} cores"
    return f"- `{figure.name}`: {how}{f' ({details}.)' if details else ''} *{taken}.*"


def _machine() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = names[0].partition(":")[2].strip() if names else platform.machine()
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} x {model}, {platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}"
    )
