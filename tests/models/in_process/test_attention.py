"""The engine's attention: the library's numbers, and bitwise the same whoever else is in the step and however many keys are masked."""

import pytest
import torch
from torch import Tensor

from comity.models.in_process.attention import Step, Unsupported, attend

SHAPES = [(2, 3, 32), (3, 3, 64), (6, 1, 32), (2, 2, 16), (4, 4, 128), (1, 4, 24), (5, 1, 30)]
"""Groups, heads in each, and the size of a head."""


class Inputs:
    """Random queries, keys and values of ten rows, whose first query stands at a place."""

    def __init__(self, groups: int, shared: int, size: int, tokens: int, start: int) -> None:
        chance = torch.Generator().manual_seed(0)
        self.query = torch.randn(10, groups * shared, tokens, size, generator=chance)
        self.key, self.value = (torch.randn(10, groups, 1024, size, generator=chance) for _ in range(2))
        self.positions = start + torch.arange(tokens).expand(10, tokens)
        self.start, self.tokens = start, tokens

    def attended(self, keys: int, rows: slice = slice(None), **more: object) -> Tensor:
        step = Step(self.positions[rows], keys, torch.float32)
        module = torch.nn.Module()
        key, value = self.key[rows, :, :keys], self.value[rows, :, :keys]
        return attend(module, self.query[rows], key, value, None, step=step, **more)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(("groups", "shared", "size"), SHAPES)
@pytest.mark.parametrize("tokens", [1, 32])
@pytest.mark.parametrize("start", [5, 200, 700])
def test_a_row_is_bitwise_the_same_among_others_and_with_more_keys_masked(
    groups: int, shared: int, size: int, tokens: int, start: int
) -> None:
    inputs = Inputs(groups, shared, size, tokens, start)
    whole = inputs.attended(1024)
    least = -(-(start + tokens) // 64) * 64
    for keys in {least, 960}:
        for rows in (slice(0, 4), slice(5, 10)):
            assert torch.equal(inputs.attended(keys, rows), whole[rows]), (keys, rows)


@pytest.mark.parametrize(("groups", "shared", "size"), SHAPES)
def test_it_is_the_librarys_attention(groups: int, shared: int, size: int) -> None:
    inputs = Inputs(groups, shared, size, 32, 100)
    seen = torch.arange(192) <= inputs.positions[:, :, None]
    expected = torch.nn.functional.scaled_dot_product_attention(
        inputs.query, inputs.key[:, :, :192], inputs.value[:, :, :192], attn_mask=seen[:, None], enable_gqa=True
    )
    torch.testing.assert_close(inputs.attended(192), expected.transpose(1, 2))


def test_a_sliding_window_ends_what_may_be_seen() -> None:
    inputs = Inputs(2, 2, 16, 1, 100)
    near = inputs.attended(128, sliding_window=8)
    inputs.value[:, :, :93] = 7.0
    assert torch.equal(inputs.attended(128, sliding_window=8), near)
    inputs.value[:, :, 93] = 7.0
    assert not torch.equal(inputs.attended(128, sliding_window=8), near)


def test_the_number_of_threads_changes_nothing() -> None:
    inputs = Inputs(3, 3, 64, 32, 500)
    alone = inputs.attended(576)
    torch.set_num_threads(2)
    try:
        assert torch.equal(inputs.attended(576), alone)
    finally:
        torch.set_num_threads(1)


def test_an_attention_of_another_kind_is_refused() -> None:
    inputs = Inputs(2, 2, 16, 1, 10)
    with pytest.raises(Unsupported):
        inputs.attended(64, s_aux=torch.zeros(4))
    with pytest.raises(Unsupported):
        attend(torch.nn.Module(), inputs.query, inputs.key, inputs.value, None)


@pytest.mark.parametrize(("width", "out"), [(64, 128), (192, 512), (512, 192), (576, 1536), (1536, 576), (192, 2048)])
def test_a_row_of_a_linear_layer_is_the_same_in_any_multiple_of_four(width: int, out: int) -> None:
    chance = torch.Generator().manual_seed(0)
    rows, weights = torch.randn(512, width, generator=chance), torch.randn(out, width, generator=chance)
    whole = torch.nn.functional.linear(rows, weights)
    for count in (4, 8, 12, 32, 96, 160, 448):
        assert torch.equal(torch.nn.functional.linear(rows[5 : 5 + count], weights), whole[5 : 5 + count]), count
