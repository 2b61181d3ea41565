"""Measures every speed claim and writes `results.json` and `README.md` beside itself; ends with 1 where a limit is broken.

    python benchmarks/bench.py [cpu] [growth] [client] [load] [prefix] [slots] [kills] [negotiators] [analysis] [in_process]

measures all, or what is named; figures that are not measured now are kept as they were.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from analysis import analysis
from children import ChildFailed
from cost import client, cpu, growth
from figures import Figure
from in_process import in_process
from kills import kills
from load import load
from negotiators import negotiators
from neighbours import Neighbours
from prompts import prefix, slots
from report import Measurement, read_results, taken_now, write_report, write_results

__all__ = ["main"]

MEASURED: Mapping[str, Callable[[], list[Figure]]] = {
    "cpu": cpu,
    "growth": growth,
    "client": client,
    "load": load,
    "prefix": prefix,
    "slots": slots,
    "kills": kills,
    "negotiators": negotiators,
    "analysis": analysis,
    "in_process": in_process,
}


def main(wanted: Sequence[str], folder: Path = Path(__file__).parent) -> int:
    """Measure what is wanted, all where nothing is named; 1 where a limit is broken or the work failed, 2 where that cannot be tried."""
    if unknown := [name for name in wanted if name not in MEASURED]:
        print(f"nothing is called {', '.join(unknown)}; there are: {', '.join(MEASURED)}", file=sys.stderr)
        return 2
    if sys.platform != "linux":
        print("the benchmarks read what Linux says of processes in /proc, and run there only", file=sys.stderr)
        return 2
    results = read_results(folder / "results.json") if wanted else {}
    well = True
    for name in wanted or MEASURED:
        taken = _measured(name)
        well = well and bool(taken) and not any(measurement.figure.broken for measurement in taken)
        results |= {measurement.figure.name: measurement for measurement in taken}
        write_results(results, folder / "results.json")
        write_report(results, folder / "README.md")
    return int(not well)


def _measured(name: str) -> list[Measurement]:
    """Nothing where the work itself failed, which is said."""
    neighbours = Neighbours()
    try:
        figures = MEASURED[name]()
    except ChildFailed as error:
        print(f"{name}: {error}", file=sys.stderr)
        return []
    others = neighbours.cores()
    for figure in figures:
        print(_line(figure), flush=True)
    print(f"  ({name} took {neighbours.seconds():.0f} s; others used {others:.2f} cores)", flush=True)
    return [taken_now(figure, others) for figure in figures]


def _line(figure: Figure) -> str:
    if figure.value is None:
        return f"{figure.name}: not measured: {figure.why}"
    limit = "" if figure.limit is None else f" ({figure.bound} {figure.limit:g}{': BROKEN' if figure.broken else ''})"
    return f"{figure.name}: {figure.value:g} {figure.unit}{limit}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
