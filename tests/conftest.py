"""What all tests share: the backend of async tests, no deadline for hypothesis, since the machine may be busy, and the small real
model, fetched once and kept.
"""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from comity.models.download import pull
from comity.models.registry import LocalModelEntry, load_registry

settings.register_profile("comity", deadline=None)
settings.load_profile("comity")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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
