"""Work of the benchmarks in processes of its own, so that CPU time and memory are those of the work and of nothing else."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from playing import Load

__all__ = ["ChildFailed", "Measured", "PlayingChild", "playing_child", "run_child"]

Measured = Mapping[str, Sequence[float]]
"""Numbers by what they are of."""


class ChildFailed(RuntimeError):
    """A child process ended with an error, which is in the message."""


def run_child(name: str, load: Load | None = None, **options: object) -> Measured:
    """Run one piece of `work` to its end. Raises `ChildFailed`."""
    given = options if load is None else {**options, "load": asdict(load)}
    done = subprocess.run(_command(name, given), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ChildFailed(f"{name}: {done.stderr.strip()}")
    return {key: list(map(float, values)) for key, values in json.loads(done.stdout.splitlines()[-1]).items()}


@dataclass(frozen=True)
class PlayingChild:
    """A child that plays."""

    process: subprocess.Popen[bytes]
    said: IO[bytes]

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def must_run(self) -> None:
        """Raise `ChildFailed` where it has ended, with what it said."""
        if not self.runs:
            self.said.seek(0)
            said = self.said.read().decode(errors="replace").strip()
            raise ChildFailed(
                f"play: ended too soon, with exit code {self.process.returncode}; {said or 'it said nothing'}"
            )

    def memory_peak_mib(self) -> float:
        """The most memory it has had, in MiB; Linux counts it from its start as this program, not from its parent's."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def seconds_of_cpu(self) -> float:
        """Its CPU time, all threads, to a hundredth of a second."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def playing_child(load: Load) -> Iterator[PlayingChild]:
    """A child that plays; it is killed with `kill -9` when the block ends."""
    with tempfile.TemporaryFile() as said:
        command = _command("play", {"load": asdict(load)})
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said) as process:
            try:
                yield PlayingChild(process, said)
            finally:
                process.kill()


def _command(name: str, options: Mapping[str, object]) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("work.py")), name, json.dumps(options)]
