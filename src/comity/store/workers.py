"""Workers: the processes that play episodes, each with a lease on the database's own clock. What one holds is free when its lease is over.

A lease is a row that its worker renews. Whoever was stopped for too long may still write what nobody took from it; what
was taken is fenced by its epoch, in `claims`.
"""

import os
import socket
from functools import cache
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, update

from comity.store.dialects import now, upsert
from comity.store.tables import episodes, workers

__all__ = ["Worker", "alive", "release_dead", "renew", "retire", "this_process"]

_RUNNING = select(workers.c.id).where(workers.c.until > now())
_OVER = delete(workers).where(workers.c.until <= now())
_HERE = select(workers.c.id, workers.c.process).where(workers.c.host == bindparam("here"))
_GONE = delete(workers).where(workers.c.id == bindparam("wanted"))
_FREE = update(episodes).where(episodes.c.holder == bindparam("wanted")).values(holder=None)


class Worker(NamedTuple):
    """One process that plays, or several in one."""

    id: str
    run: str
    host: str
    """The machine since it was started, and what of it the process sees."""
    process: str
    """The process's number and when it started, so that a later one of the same number is another."""


def this_process(run: str) -> Worker:
    """A new worker in this process."""
    return Worker(uuid4().hex, run, _here(), _process(os.getpid()) or str(os.getpid()))


def alive(holder: ColumnElement[str | None]) -> ColumnElement[bool]:
    """The SQL condition that a column names a worker whose lease is not over."""
    return holder.in_(_RUNNING)


def renew(connection: Connection, worker: Worker, lease: float) -> None:
    """Give the worker a lease of so many seconds from now, whether it had one or not; those that are over are forgotten."""
    connection.execute(_OVER)
    connection.execute(upsert(connection, workers).values(**worker._asdict(), until=now() + int(lease * 1000)))


def retire(connection: Connection, worker_id: str) -> None:
    """Free all that a worker holds, and forget it."""
    connection.execute(_FREE, {"wanted": worker_id})
    connection.execute(_GONE, {"wanted": worker_id})


def release_dead(connection: Connection) -> int:
    """Free at once what processes of this machine held that are no more, and say how many those were."""
    here = connection.execute(_HERE, {"here": _here()}).all()
    dead = [row.id for row in here if not _lives(row.process)]
    for worker_id in dead:
        retire(connection, worker_id)
    return len(dead)


@cache
def _here() -> str:
    """Two machines may share a name, two containers a machine; in the latter the other's processes cannot be seen."""
    boot, sees = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    known = [boot.read_text().strip(), str(sees.readlink())] if boot.exists() and sees.is_symlink() else []
    return " ".join([socket.gethostname(), *known])


def _lives(process: str) -> bool:
    number, _, started = process.partition(" ")
    if started:
        return _process(int(number)) == process
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _process(number: int) -> str | None:
    """The number and the start of a process that runs; `None` where there is none, or no way to know."""
    try:
        # The name, in brackets, may hold anything; state is the first field after it, start the twentieth.
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZXx" else f"{number} {fields[19]}"
