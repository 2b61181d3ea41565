"""Several processes on one store: one that is stopped for too long, one that is killed at any moment, and some that share a run."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from store_records import episode, event

from comity.store import Busy, Claim, Store, this_process

from .conftest import Place

HERE = str(Path(__file__).parent.parent)

WORKER = """
import sys
sys.path.insert(0, sys.argv[2])
import anyio
from anyio import to_thread
from store_records import episode, event
from comity.store import Fenced, Store
from comity.store.writer import Writer

async def main() -> None:
    with Store.open(sys.argv[1]) as store:
        async with Writer.open(store, run="r1", lease=0.6) as writer:
            (one,) = await writer.claim([episode("e1")])
            print("took it", flush=True)
            for index, _ in enumerate(iter(sys.stdin.readline, "")):
                try:
                    await writer.append(one.claim, [event(index, "theirs")])
                    print(index, flush=True)
                except Fenced as error:
                    print(error, flush=True)
                    break

anyio.run(main)
"""


def stop_at_rest(process: subprocess.Popen[str], place: Place) -> None:
    """Stop it where it is within no transaction: one that holds a file's lock would hold it as long as it is stopped."""
    while True:
        process.send_signal(signal.SIGSTOP)
        try:
            with Store.open(place.url, wait=0.5) as store:
                store.release_dead()
                return
        except Busy:
            process.send_signal(signal.SIGCONT)


def test_a_worker_that_was_stopped_for_too_long_is_fenced_when_it_wakes(place: Place) -> None:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WORKER, place.url, HERE]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "took it\n"
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "0\n"
        stop_at_rest(process, place)
        me = this_process("r1")
        with Store.open(place.url) as store:
            store.renew(me, 60)
            asked = 0
            while not (taken := store.claim(me.id, [episode("e1")])):
                asked += 1
                time.sleep(0.02)
            assert asked > 0
            assert taken[0].claim == Claim("e1", 2)
            store.append("e1", [event(1, "mine")])
            process.send_signal(signal.SIGCONT)
            process.stdin.write("\n")
            process.stdin.close()
            assert "'e1' was taken over by another worker" in process.stdout.readline()
            words = [e.action.argument for e in store.episode("e1").events if e.action]
            assert words == ["theirs", "mine"]
            assert store.claim(this_process("r1").id, [episode("e1")]) == []


PLAYER = """
import sys
sys.path.insert(0, sys.argv[2])
import anyio
from store_records import episode, event
from comity.store import Store
from comity.store.writer import Writer

async def play(writer, claimed) -> None:
    start = len(claimed.episode.events)
    for index in range(start, start + 4000, 2):
        await writer.append(claimed.claim, [event(index, f"words {index}"), event(index + 1, f"words {index + 1}")])
        print(claimed.episode.id, index + 1, flush=True)

async def main() -> None:
    with Store.open(sys.argv[1]) as store:
        async with Writer.open(store, run="r1") as writer:
            taken = await writer.claim([episode(f"e{number}") for number in range(40)])
            print(len(taken), *{one.claim.epoch for one in taken}, flush=True)
            async with anyio.create_task_group() as group:
                for one in taken:
                    group.start_soon(play, writer, one)

anyio.run(main)
"""


def test_a_kill_in_the_midst_of_many_commits_loses_nothing_and_tears_nothing(place: Place) -> None:
    said: dict[str, int] = {}
    for again, heard in enumerate((60, 333, 700)):
        command = [sys.executable, "-c", PLAYER, place.url, HERE]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            # The one before was killed, and nobody waits for its lease.
            assert process.stdout.readline() == f"40 {again + 1}\n"
            lines = [process.stdout.readline() for _ in range(heard)]
            process.kill()
            lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        said |= {id_: int(last) for id_, last in (line.split() for line in lines)}
        with Store.open(place.url) as store:
            for number in range(40):
                kept = store.episode(f"e{number}").events
                assert len(kept) >= said.get(f"e{number}", -1) + 1
                assert len(kept) % 2 == 0
                assert kept == tuple(event(index, f"words {index}") for index in range(len(kept)))
    assert len(said) == 40


SHARER = """
import sys
sys.path.insert(0, sys.argv[2])
import anyio
from store_records import END, START, episode, event
from comity.store import Store
from comity.store.writer import Writer

async def play(writer, claimed) -> None:
    for index in range(4):
        await writer.append(claimed.claim, [event(index)])
    await writer.finish(claimed.claim, END, START, None)
    await writer.release([claimed.claim])

async def main() -> None:
    print("ready", flush=True)
    sys.stdin.read(1)
    played = 0
    with Store.open(sys.argv[1]) as store:
        async with Writer.open(store, run="r1", on_trouble=lambda error: print(error, flush=True)) as writer:
            for first in range(0, 120, 6):
                taken = await writer.claim([episode(f"e{number}") for number in range(first, first + 6)])
                played += len(taken)
                async with anyio.create_task_group() as group:
                    for one in taken:
                        group.start_soon(play, writer, one)
    print(played, flush=True)

anyio.run(main)
"""


def test_several_processes_share_one_run(place: Place) -> None:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", SHARER, place.url, HERE]
    started = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(3)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    heard = [process.communicate("x") for process in started]
    assert [errors for _, errors in heard] == ["", "", ""]
    assert sum(int(played) for played, _ in heard) == 120
    with Store.open(place.url) as store:
        assert all(len(store.episode(f"e{number}").events) == 4 for number in range(120))
        assert {one.status for one in store.episodes()} == {"finished"}
