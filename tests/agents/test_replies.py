"""From a model's text to an action that its seat may take, or a problem that the model can be told."""

import pytest
from worlds import LEAVE, reply

from comity.agents.replies import parse_action
from comity.models.replies import UnusableReply
from comity.world.actions import Action, ActionSpec, ActionType

SPEC = ActionSpec(types=tuple(ActionType), recipients=(("b", "Ben"),))


@pytest.mark.parametrize("kind", ActionType)
def test_every_action_type_is_read(kind: ActionType) -> None:
    argument = "" if kind is ActionType.NONE else "hm"
    assert parse_action(reply(kind, argument), SPEC).action == Action(type=kind, argument=argument)


def test_unknown_fields_are_ignored_and_a_missing_argument_is_empty() -> None:
    assert parse_action('{"thought": "bye", "action_type": "leave"}', SPEC).action == LEAVE


@pytest.mark.parametrize(
    ("text", "problem", "legal"),
    [
        ('{"argument": "hi"}', '"action_type" is None; it must be one of: none, speak', True),
        (reply("wave", "hi"), "\"action_type\" is 'wave'", True),
        (reply("speak", ""), "'speak' needs words", True),
        ('{"action_type": "speak", "argument": 3}', '"argument" must be a string', True),
        (reply("speak", "hi", to=[3]), '"to" must be a list of names', True),
        (reply("speak", "hi", to={"name": "Ben"}), '"to" must be a list of names', True),
        (reply("speak", "hi", to=["Bob"]), "it can go to: Ben", False),
        (reply("speak", "hi", to=["\ud83d"]), "it can go to: Ben", False),
    ],
)
def test_a_problem_says_what_is_wrong_and_whether_it_was_a_rule(text: str, problem: str, legal: bool) -> None:
    with pytest.raises(UnusableReply) as raised:
        parse_action(text, SPEC)
    assert problem in str(raised.value)
    assert raised.value.legal is legal
    str(raised.value).encode()


@pytest.mark.parametrize("to", [[], None, ""])
def test_without_recipients_everyone_hears_it(to: object) -> None:
    assert parse_action(reply("speak", "hi", to=to), SPEC).action.to == ()
