"""Personality and values in SOTOPIA's words: written, and read back as the same."""

from hypothesis import given
from hypothesis import strategies as st

from comity.interop.traits import (
    read_big_five,
    read_moral_values,
    read_schwartz_values,
    write_big_five,
    write_moral_values,
    write_schwartz_values,
)
from comity.world.characters import BigFive, MoralValue, SchwartzValue

levels = st.sampled_from(["low", "medium", "high", None])


@given(st.fixed_dictionaries(dict.fromkeys(BigFive.model_fields, levels)))
def test_big_five(traits: dict[str, str | None]) -> None:
    given_traits = BigFive.model_validate(traits)
    assert read_big_five(write_big_five(given_traits)) == (given_traits, [])


@given(st.lists(st.sampled_from(MoralValue), unique=True))
def test_moral_values(values: list[MoralValue]) -> None:
    assert read_moral_values(write_moral_values(values)) == (tuple(values), [])


@given(st.lists(st.sampled_from(SchwartzValue), unique=True))
def test_schwartz_values(values: list[SchwartzValue]) -> None:
    assert read_schwartz_values(write_schwartz_values(values)) == (tuple(values), [])


def test_the_words_of_the_release() -> None:
    assert (
        write_big_five(BigFive(openness="high", neuroticism="low"))
        == "Openness to Experience - High; Neuroticism - Low"
    )
    assert write_moral_values([MoralValue.CARE]) == ["Care/Harm"]
    assert write_moral_values([MoralValue.CARE, MoralValue.PURITY]) == ["Care", " Sanctity"]
    assert write_schwartz_values([SchwartzValue.POWER, SchwartzValue.SELF_DIRECTION]) == ["Power", " Self-Direction"]
