"""What all tests share: the backend of async tests, and no deadline for hypothesis, since the machine may be busy."""

import pytest
from hypothesis import settings

settings.register_profile("comity", deadline=None)
settings.load_profile("comity")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
