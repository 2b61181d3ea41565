"""Which examples are learned from together: all of them, once an epoch, those of like length together, by the seed alone."""

from hypothesis import given
from hypothesis import strategies as st

from comity.train.batches import ordered, padded, sorted_batches

LENGTHS = st.lists(st.integers(1, 900), min_size=1, max_size=300)


@given(LENGTHS, st.integers(1, 16), st.integers(1, 3), st.integers(0, 9))
def test_every_example_comes_once_in_every_epoch(lengths: list[int], batch: int, epochs: int, seed: int) -> None:
    batches = ordered(lengths, batch, epochs, seed)
    an_epoch = len(batches) // epochs
    for epoch in range(epochs):
        indices = [at for each in batches[epoch * an_epoch : (epoch + 1) * an_epoch] for at in each]
        assert sorted(indices) == list(range(len(lengths)))
    assert all(1 <= len(each) <= batch for each in batches)
    assert batches == ordered(lengths, batch, epochs, seed)


def test_another_seed_and_another_epoch_have_another_order() -> None:
    lengths = [100 + at % 37 for at in range(200)]
    first, second = ordered(lengths, 8, 1, 0), ordered(lengths, 8, 1, 1)
    assert first != second
    both = ordered(lengths, 8, 2, 0)
    assert both[:25] == first != both[25:]


def test_little_is_padded() -> None:
    """Of conversations of 100 to 700 tokens less than a tenth is; in the order they come in it would be two fifths."""
    lengths = [100 + (at * 271) % 601 for at in range(3000)]
    batches = ordered(lengths, 16, 1, 0)
    computed = sum(len(each) * max(lengths[at] for at in each) for each in batches)
    assert computed / sum(lengths) < 1.1
    as_they_come = sum(16 * max(lengths[at : at + 16]) for at in range(0, 3000, 16))
    assert as_they_come / sum(lengths) > 1.4


@given(LENGTHS, st.integers(1, 16))
def test_sorted_batches_hold_every_index_longest_first(lengths: list[int], batch: int) -> None:
    order = [at for each in sorted_batches(lengths, batch) for at in each]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[at] for at in order] == sorted(lengths, reverse=True)


def test_rows_are_filled_up_at_the_end_with_what_does_not_count() -> None:
    filled = padded([([5, 6, 7], [0.0, 1.0, 2.0]), ([8], [0.5])], 9)
    assert filled["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert filled["weights"].tolist() == [[0.0, 1.0, 2.0], [0.5, 0.0, 0.0]]
