"""What an action must hold, and what a seat may do by its `ActionSpec`."""

import pytest
from pydantic import ValidationError
from worlds import LEAVE, NOTHING, say

from comity.world.actions import MAX_ARGUMENT, Action, ActionSpec, ActionType, IllegalAction

SPEC = ActionSpec(types=(ActionType.NONE, ActionType.SPEAK), recipients=(("b", "Ben"), ("c", "Zoë (1)")))


@pytest.mark.parametrize("kind", [ActionType.SPEAK, ActionType.NON_VERBAL, ActionType.ACTION])
@pytest.mark.parametrize("words", ["", "   ", "\n"])
def test_words_are_needed_where_something_is_said_or_done(kind: ActionType, words: str) -> None:
    with pytest.raises(ValidationError, match="needs words"):
        Action(type=kind, argument=words)


def test_doing_nothing_carries_no_words_and_no_recipients() -> None:
    for extra in ({"argument": "hm"}, {"to": ("b",)}):
        with pytest.raises(ValidationError, match="'none' carries no words"):
            Action.model_validate({"type": "none", **extra})


def test_leaving_may_be_silent() -> None:
    assert LEAVE.argument == ""


def test_a_type_that_is_not_offered_is_illegal_and_the_offer_is_named() -> None:
    with pytest.raises(IllegalAction, match="'leave' is not possible now; allowed: none, speak"):
        SPEC.check(LEAVE)


def test_an_action_may_be_as_long_as_the_limit_and_no_longer() -> None:
    SPEC.check(say("x" * MAX_ARGUMENT))
    with pytest.raises(IllegalAction, match="32,769 characters; at most 32,768"):
        SPEC.check(say("x" * (MAX_ARGUMENT + 1)))


def test_a_private_message_goes_to_those_who_can_be_reached() -> None:
    SPEC.check(say("psst", "b", "c"))
    with pytest.raises(IllegalAction, match="it can go to: Ben, Zoë"):
        SPEC.check(say("psst", "b", "a"))


def test_where_there_are_no_recipients_a_private_message_is_illegal() -> None:
    with pytest.raises(IllegalAction, match="private messages are not possible here"):
        ActionSpec(types=(ActionType.SPEAK,)).check(say("psst", "b"))


def test_recipients_are_found_by_display_name_in_any_case_and_once_each() -> None:
    assert SPEC.seats_named(["ZOË (1)", " ben ", "Ben"]) == ("c", "b")
    assert SPEC.seats_named([]) == ()


@pytest.mark.parametrize("name", ["Bob", "", "b", "Zoë"])
def test_a_name_that_is_not_there_is_illegal(name: str) -> None:
    with pytest.raises(IllegalAction, match="it can go to: Ben"):
        SPEC.seats_named(["Ben", name])


def test_nothing_is_always_the_same() -> None:
    assert Action(type=ActionType.NONE) == NOTHING
