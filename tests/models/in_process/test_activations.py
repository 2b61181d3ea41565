"""The engine's activations: torch's own numbers, and bitwise the same wherever a number stands and however many threads there are."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from models.in_process.small import loaded
from transformers.activations import ACT2FN

from comity.models.in_process.activations import Even

KINDS = ("silu", "gelu", "gelu_pytorch_tanh", "gelu_new", "mish", "sigmoid", "relu")


@pytest.fixture(params=[1, 2, 3, 5])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [300, 222, 512])
def test_a_number_is_the_same_wherever_it_stands(kind: str, width: int, threads: int) -> None:
    even = Even(ACT2FN[kind])
    numbers = 3 * torch.randn(200, width, generator=torch.Generator().manual_seed(0))
    whole = even(numbers)
    for start, rows in ((0, 4), (7, 4), (30, 12), (1, 160)):
        part = slice(start, start + rows)
        assert torch.equal(even(numbers[part].clone()), whole[part]), (start, rows)
    torch.set_num_threads(1)
    assert torch.equal(even(numbers), whole)
    torch.testing.assert_close(whole, ACT2FN[kind](numbers))


def test_a_half_of_something_wider_is_taken_as_it_stands(threads: int) -> None:
    even = Even(torch.nn.SiLU())
    wide = torch.randn(64, 3, 1400, generator=torch.Generator().manual_seed(0))
    gate, _ = wide.chunk(2, dim=-1)
    assert torch.equal(even(gate), even(gate.contiguous()))
    assert even(gate).shape == gate.shape


def test_a_models_activations_are_made_so_once(tiny: Path) -> None:
    model = loaded(tiny).model
    found = [module for module in model.modules() if isinstance(module, Even)]
    assert len(found) == model.config.num_hidden_layers
    assert not any(isinstance(module.inner, Even) for module in found)
