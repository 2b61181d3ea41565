"""kill -9 at any moment: what `append` has returned from is there, whole turns are whole, and the store opens."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from store_records import episode, event

from comity.store import Store

from .conftest import Place

WRITER = """
import sys
from itertools import count
sys.path.insert(0, sys.argv[2])
from store_records import event
from comity.store import Store

store = Store.open(sys.argv[1])
for index in count(0, 2):
    store.append("e1", [event(index, f"words {index}"), event(index + 1, f"words {index + 1}")])
    print(index + 1, flush=True)
"""


@pytest.mark.parametrize("heard", [1, 40, 151])
def test_what_was_appended_survives_a_kill(place: Place, heard: int) -> None:
    with Store.open(place.url) as store:
        store.begin(episode())
    here = str(Path(__file__).parent.parent)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, place.url, here], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    printed = [int(writer.stdout.readline()) for _ in range(heard)]
    writer.send_signal(signal.SIGKILL)
    # A line that the kill cut short was not said.
    printed += [int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()

    with Store.open(place.url) as store:
        kept = store.episode("e1").events
        assert len(kept) >= printed[-1] + 1
        assert len(kept) % 2 == 0
        assert kept == tuple(event(index, f"words {index}") for index in range(len(kept)))
        store.append("e1", [event(len(kept), "and on it goes")])
