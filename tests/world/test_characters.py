"""Characters are adults, and their values are those of the named theories."""

import pytest
from pydantic import ValidationError
from worlds import character

from comity.world.characters import Character


@pytest.mark.parametrize("age", [17, 0, -1, 121])
def test_nobody_is_younger_than_18_or_older_than_120(age: int) -> None:
    with pytest.raises(ValidationError, match="age"):
        character(age=age)


@pytest.mark.parametrize(
    "wrong",
    [
        {"big_five": {"openness": "huge"}},
        {"moral_values": ["greed"]},
        {"schwartz_values": ["chaos"]},
        {"gender": ""},
    ],
)
def test_a_value_outside_the_theory_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Character.model_validate(character().model_dump() | wrong)


def test_a_character_reads_back_what_it_wrote() -> None:
    ana = Character.model_validate(
        character().model_dump()
        | {"big_five": {"openness": "high"}, "moral_values": ["care"], "schwartz_values": ["self-direction"]}
    )
    assert Character.model_validate_json(ana.model_dump_json()) == ana
