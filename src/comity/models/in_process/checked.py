"""Whether a model can be answered with here: its own forward pass and the engine's must tell the same, tried once when it is loaded."""

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from comity.models.in_process.activations import make_even
from comity.models.in_process.attention import BLOCK, NAME, Step, Unsupported
from comity.models.in_process.engine import shape_of, vocabulary_of
from comity.models.in_process.rows import PIECE, Rows
from comity.models.protocol import ModelNotFound

__all__ = ["check"]

_TOKENS = PIECE + 8
_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1, torch.float16: 0.05}
"""Of the largest score. In float32 the two differ by about 1e-6."""
_UNKNOWN = (Unsupported, AttributeError, IndexError, NotImplementedError, RuntimeError, TypeError, ValueError)


_BY_THE_LONGEST = ("dynamic", "longrope")
"""Ways to tell positions that change for all texts of a step with the longest of them."""


@torch.inference_mode()
def check(model: PreTrainedModel, path: str) -> None:
    """Compare, and leave the model with the engine's attention and activations.

    Raises `ModelNotFound` where the model's kind is not supported.
    """
    kind = type(model).__name__
    for turning in _turnings(model.config.get_text_config()):
        if turning in _BY_THE_LONGEST:
            problem = f"with rope_type {turning!r} (rope_parameters in config.json) a text's numbers depend on the longest beside it"
            raise ModelNotFound(_advice(path, f"{problem}, so a {kind} is not run in this process"))
    chance = torch.Generator().manual_seed(0)
    tokens = torch.randint(vocabulary_of(model), (1, _TOKENS), generator=chance).to(model.device)
    try:
        # softcap is known to the plain implementation alone
        model.set_attn_implementation("eager")
        own = model(input_ids=tokens, use_cache=False).logits[0, -1].float()
        model.set_attn_implementation(NAME)
        make_even(model)
        ours = _as_the_engine(model, tokens)
    except _UNKNOWN as error:
        raise ModelNotFound(_advice(path, f"a {kind} cannot be run in this process ({error})")) from error
    apart, most = float((own - ours).abs().max()), float(own.abs().max())
    if apart > _TOLERANCE[shape_of(model).dtype] * max(most, 1.0):
        raise ModelNotFound(
            _advice(path, f"a {kind} run in this process tells something else than by itself ({apart:.2g})")
        )


def _turnings(config: PreTrainedConfig) -> list[str]:
    """How positions are told, for each kind of layer that has its own way."""
    said = getattr(config, "rope_parameters", None) or {}  # not every kind of model has them
    ways = [said, *(each for each in said.values() if isinstance(each, dict))]
    return [way["rope_type"] for way in ways if "rope_type" in way]


def _as_the_engine(model: PreTrainedModel, tokens: torch.Tensor) -> torch.Tensor:
    """The last scores, had in two steps."""
    rows, shape, length = Rows(shape_of(model)), shape_of(model), tokens.shape[1]
    rows.reserve(4, BLOCK, BLOCK)
    output = torch.empty(0)
    for start, end in ((0, PIECE), (PIECE, length)):
        positions = torch.arange(start, end, device=model.device)[None]
        rows.these(torch.zeros(1, dtype=torch.long, device=model.device), positions, BLOCK)
        output = model(
            input_ids=tokens[:, start:end],
            position_ids=positions,
            attention_mask=torch.zeros(1, 1, 1, 1, device=model.device),
            past_key_values=rows,
            use_cache=True,
            step=Step(positions, BLOCK, shape.dtype),
        )[0]
    return output[0, -1].float()


def _advice(path: str, problem: str) -> str:
    return f"{path}: {problem}; serve it with llama.cpp or vLLM and name the server"
