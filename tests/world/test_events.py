"""An event is an action or a failure, never both and never neither."""

import pytest
from pydantic import ValidationError
from worlds import say

from comity.world.events import Event, Failure

FAILED = Failure(kind="context_length", detail="too long")


def test_an_event_is_one_or_the_other() -> None:
    for did in ({}, {"action": say(), "failure": FAILED}):
        with pytest.raises(ValidationError, match="an action or a failure"):
            Event.model_validate({"index": 0, "turn": 1, "seat": "a", "audience": (), **did})


def test_what_happened_is_the_action_or_the_failure() -> None:
    assert Event(index=0, turn=1, seat="a", action=say(), audience=("a",)).did == say()
    assert Event(index=0, turn=1, seat="a", failure=FAILED, audience=()).did == FAILED
