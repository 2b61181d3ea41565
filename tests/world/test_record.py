"""Records are frozen and strict; identifiers are safe everywhere; a content hash names the content and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from worlds import character

from comity.world.record import Record, content_hash, derive_seed
from comity.world.scenarios import Seat


@pytest.mark.parametrize("id_", ["../../x", "a/b", "", ".hidden", "a b", "a\n", "ü", "x" * 129])
def test_an_unsafe_identifier_is_refused(id_: str) -> None:
    with pytest.raises(ValidationError):
        Seat(id=id_, goal="g")


@pytest.mark.parametrize("name", ["", "   ", "two\nlines", "a\x00b", "tab\there", "\u202eABC", "x" * 121])
def test_a_name_is_one_printable_line(name: str) -> None:
    with pytest.raises(ValidationError):
        character().model_validate(character().model_dump() | {"name": name})


def test_an_unknown_field_is_an_error_and_not_ignored() -> None:
    with pytest.raises(ValidationError, match="gaol"):
        Seat.model_validate({"id": "a", "goal": "g", "gaol": "g"})


def test_a_record_cannot_be_changed() -> None:
    seat = Seat(id="a", goal="g")
    with pytest.raises(ValidationError, match="frozen"):
        seat.__setattr__("goal", "another")


def test_equal_records_have_equal_hashes_and_a_changed_field_another_one() -> None:
    ana = character("Ana")
    assert content_hash(ana) == content_hash(type(ana).model_validate_json(ana.model_dump_json()))
    assert content_hash(ana) != content_hash(ana.model_copy(update={"secret": "another"}))


def test_the_hash_does_not_depend_on_the_order_of_fields() -> None:
    class Two(Record):
        x: int
        y: int

    class Swapped(Record):
        y: int
        x: int

    assert content_hash(Two(x=1, y=2)) == content_hash(Swapped(y=2, x=1))


@given(st.lists(st.integers() | st.text(), min_size=1, max_size=4))
def test_a_derived_seed_is_reproducible_and_fits_31_bits(parts: list[int | str]) -> None:
    assert derive_seed(*parts) == derive_seed(*parts)
    assert 0 <= derive_seed(*parts) < 2**31


def test_derived_seeds_differ_by_every_part() -> None:
    drawn = {derive_seed(seed, turn, seat) for seed in range(10) for turn in range(1, 11) for seat in "abc"}
    assert len(drawn) == 300
