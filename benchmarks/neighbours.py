"""How busy others keep the machine while something is measured: figures taken beside them are worse than the code is."""

import os
import time
from pathlib import Path

__all__ = ["Neighbours"]


class Neighbours:
    """Watches from when it is made. Linux only."""

    def __init__(self) -> None:
        self._began = _busy(), _ours(), time.perf_counter()

    def cores(self) -> float:
        """How many cores other processes have used on average since then. Children count as ours once they have ended."""
        busy, ours, at = self._began
        return max(0.0, (_busy() - busy) - (_ours() - ours)) / (time.perf_counter() - at)

    def seconds(self) -> float:
        """How long it has watched."""
        return time.perf_counter() - self._began[2]


def _busy() -> float:
    """Seconds that all cores have worked since the machine started, for whomever."""
    user, nice, system, _idle, _iowait, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _ours() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
