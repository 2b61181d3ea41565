"""Drawing a token: by its probability, from its own chance, never what is masked."""

import math

import pytest
import torch

from comity.models.in_process.sampling import Way, chance, draw


def test_chance_is_of_seed_and_step_alone_and_even() -> None:
    assert chance(7, 3) == chance(7, 3) != chance(7, 4) != chance(8, 3)
    drawn = [chance(seed, step) for seed in range(50) for step in range(40)]
    assert all(0 <= one < 1 for one in drawn)
    assert abs(sum(drawn) / 2000 - 0.5) < 4 * math.sqrt(1 / 12 / 2000)


def test_tokens_come_as_often_as_they_are_likely() -> None:
    shares = [0.5, 0.25, 0.15, 0.1]
    logits = torch.log(torch.tensor(shares)).repeat(4000, 1)
    drawn = draw(logits, [Way(seed=seed) for seed in range(4000)], [0] * 4000)
    for token, share in enumerate(shares):
        found = sum(one.token == token for one in drawn) / 4000
        assert abs(found - share) < 4 * math.sqrt(share * (1 - share) / 4000)
    assert all(math.isclose(one.log_probability, math.log(shares[one.token]), rel_tol=1e-5) for one in drawn)


def test_a_temperature_of_zero_takes_the_likeliest_and_a_low_one_nearly_always() -> None:
    logits = torch.tensor([[0.0, 1.0, 0.5]]).repeat(200, 1)
    assert {one.token for one in draw(logits, [Way(0, seed=s) for s in range(200)], [0] * 200)} == {1}
    cold = [one.token for one in draw(logits, [Way(0.1, seed=s) for s in range(200)], [0] * 200)]
    assert cold.count(1) > 190


def test_what_is_masked_is_never_drawn() -> None:
    logits = torch.full((500, 50), -torch.inf)
    logits[:, 20:22] = 0.0
    drawn = draw(logits, [Way(seed=s) for s in range(500)], [1] * 500)
    assert {one.token for one in drawn} == {20, 21}


@pytest.mark.parametrize(
    ("way", "left"),
    [(Way(top_p=0.7), {0, 1}), (Way(top_p=0.5), {0}), (Way(top_k=3), {0, 1, 2}), (Way(top_k=3, top_p=0.7), {0, 1})],
)
def test_top_p_and_top_k_leave_the_likeliest(way: Way, left: set[int]) -> None:
    logits = torch.log(torch.tensor([0.5, 0.25, 0.15, 0.1])).repeat(300, 1)
    ways = [Way(way.temperature, way.top_p, way.top_k, seed) for seed in range(300)]
    assert {one.token for one in draw(logits, ways, [0] * 300)} == left


def test_a_row_draws_the_same_among_others_and_alone() -> None:
    logits = torch.randn(12, 700, generator=torch.Generator().manual_seed(0)) * 4
    ways = [Way((0.7, 0.0, 1.3)[row % 3], (1.0, 0.9)[row % 2], seed=row) for row in range(12)]
    together = draw(logits, ways, list(range(12)))
    assert together == [draw(logits[row : row + 1], [ways[row]], [row])[0] for row in range(12)]
