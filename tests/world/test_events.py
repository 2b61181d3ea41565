"""An event is an action or a failure, never both and never neither."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError
from worlds import say

from comity.world.actions import Action
from comity.world.events import Event, Failure, Trace

FAILED = Failure(kind="context_length", detail="too long")


def test_an_event_is_one_or_the_other() -> None:
    for did in ({}, {"action": say(), "failure": FAILED}):
        with pytest.raises(ValidationError, match="an action or a failure"):
            Event.model_validate({"index": 0, "turn": 1, "seat": "a", "audience": (), **did})


def test_what_happened_is_the_action_or_the_failure() -> None:
    assert Event(index=0, turn=1, seat="a", action=say(), audience=("a",)).did == say()
    assert Event(index=0, turn=1, seat="a", failure=FAILED, audience=()).did == FAILED


@pytest.mark.parametrize("did", [{"action": say("psst", "b")}, {"failure": FAILED}])
def test_an_untraced_event_is_the_same_but_for_how_it_came_about(did: dict[str, Action | Failure]) -> None:
    event = Event.model_validate({"index": 3, "turn": 2, "seat": "a", "audience": ("a",), **did})
    traced = event.model_copy(update={"trace": Trace(at=datetime.now(UTC))})
    assert traced.untraced() == event != traced
    assert Event.model_validate_json(traced.untraced().model_dump_json()) == event
