"""Small models that the tests of this folder share, made once."""

from pathlib import Path

import pytest
import torch
from models.in_process.small import save_model


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Several test processes share the machine's cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of 64."""
    return save_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six layers of 192, as wide as the smallest model that is trained."""
    where = tmp_path_factory.mktemp("models") / "nano"
    return save_model(where, hidden=192, layers=6, heads=6, groups=2, window=1024, vocabulary=2048)


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of 150 and 300, which are no multiples of what a processor takes in one go."""
    where = tmp_path_factory.mktemp("models") / "odd"
    return save_model(where, hidden=150, heads=5, groups=5, vocabulary=777)
