"""What all tests share: the backend of async tests, no deadline for hypothesis, since the machine may be busy, the small real
model, fetched once and kept, the check that prompts only grow, whatever is tested, and less work for Python's garbage collector.
"""

import gc
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from privacy.recording import Growth

from comity.agents.llm import LLMAgent
from comity.agents.protocol import Reply
from comity.models.conversation import Prompt
from comity.models.download import pull
from comity.models.registry import LocalModelEntry, load_registry
from comity.world.views import SeatView

settings.register_profile("comity", deadline=None)
settings.load_profile("comity")


def pytest_collection_finish() -> None:
    """What has been loaded by now stays, and is gone through by no collection: with torch among it each would take a third of a second,
    and every run begins with one.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def prompts_only_grow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Growth]:
    """In every test, every prompt of a seat of an episode but its first begins with the whole of its previous one.

    What is sent to a model is checked, once a turn: a re-ask is a side branch. It is what a style makes of the view
    afresh, whatever was kept of earlier views. Two episodes of one id would be taken for one, so each that a test plays
    needs its own.
    """
    growth, act = Growth(), LLMAgent.act

    async def watched(self: LLMAgent, view: SeatView) -> Reply:
        messages = self._style.messages(replace(view, notes={}))
        growth.note(view.session, self._style.template.label, messages)
        reply = await act(self, view)
        assert not reply.calls or reply.calls[0].prompt_hash == Prompt(list(messages)).hash, "another prompt was sent"
        return reply

    monkeypatch.setattr(LLMAgent, "act", watched)
    yield growth
    assert not growth.broken, growth.broken


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> LocalModelEntry:
    """The shipped entry, whatever the user's own list says."""
    return load_registry({"XDG_CONFIG_HOME": str(tmp_path_factory.mktemp("config"))})["smollm2-135m"]


@pytest.fixture(scope="session")
def smollm2_directory(smollm2: LocalModelEntry) -> Path:
    """A models directory that holds smollm2-135m: `$COMITY_TEST_MODELS`, else `.cache/models` in the repository."""
    kept = os.environ.get("COMITY_TEST_MODELS") or Path(__file__).parents[1] / ".cache" / "models"
    pull(smollm2, directory=Path(kept))
    return Path(kept)
