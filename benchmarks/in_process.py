"""Models in this process: tokens a second of 32 replies at once, beside what the bare library computes of the same shape.

    python benchmarks/in_process.py SIZE

makes a model of random weights, measures in this process, with one thread of torch's, and prints JSON.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from children import ChildFailed
from figures import Figure

from comity.models.in_process.folder import find
from comity.models.in_process.model import SLOTS, InProcessModel
from comity.models.protocol import Message, Sampling, Schema

__all__ = ["in_process", "main"]

_REPLY, _WORDS, _ALONE = 64, 200, 4


@dataclass(frozen=True)
class _Size:
    """A Llama, as large as one that is trained on a laptop, and as SmolLM2-135M."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    groups: int
    vocabulary: int
    rounds: int
    limit: float


_SIZES = {
    "3m": _Size(192, 512, 6, 6, 2, 2048, rounds=5, limit=0.5),
    "135m": _Size(576, 1536, 30, 9, 3, 49152, rounds=2, limit=0.6),
}
_LIST = Schema("list", {"type": "array", "items": {"type": "integer"}, "minItems": 100})
"""No reply to it ends before its tokens are spent, so that every measurement is of one shape."""


def in_process() -> list[Figure]:
    """`in_process_of_bare_SIZE` and `in_process_over_generate_SIZE`. Raises `ChildFailed`."""
    return [figure for size in _SIZES for figure in _figures(size)]


def _figures(size: str) -> list[Figure]:
    command, alone = [sys.executable, str(Path(__file__)), size], {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=alone)
    if done.returncode:
        raise ChildFailed(f"in_process {size}: {(done.stderr or done.stdout).strip()}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    how = (
        f"A Llama of {size.upper()} random weights: {SLOTS} prompts of about {found['prompt_tokens']:.0f} tokens at once, {_REPLY} tokens of"
        " reply each, held to a schema, temperature 0.7: chat template, tokens, prompts read anew, grammar, drawing and text included."
    )
    return [
        Figure(
            f"in_process_of_bare_{size}",
            found["of_bare"],
            "of the library's",
            f"{how} Tokens a second over those of transformers' bare forward passes of the same shape (one of all prompts, then {_REPLY}"
            " of a token a row, sdpa, nothing drawn). Wall time, one thread of torch's; medians of alternating rounds in a child process.",
            limit=_SIZES[size].limit,
            bound="at least",
            details=found,
        ),
        Figure(
            f"in_process_over_generate_{size}",
            found["over_generate"],
            "x",
            f"The same tokens a second over those of transformers' `generate`, free and one prompt at a time ({_ALONE} of them).",
        ),
    ]


def main(size: str) -> None:
    """Measure one size and print it."""
    with tempfile.TemporaryDirectory() as folder:
        _save(size, Path(folder))
        model = InProcessModel(find(f"hf:{folder}"), device="cpu")
        print(json.dumps(_measured(model, _SIZES[size].rounds)))


def _measured(model: InProcessModel, rounds: int) -> dict[str, float]:
    import anyio

    anyio.run(_asked, model, -1, 2, _LIST)
    ways: dict[str, Callable[[int], float]] = {
        "held": lambda at: anyio.run(_asked, model, at, _REPLY, _LIST),
        "bare": lambda at: _bare(model, at),
        "generate": lambda at: _generated(model, at),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for at in range(rounds):
        for name, measure in ways.items():
            speeds[name].append(measure(at))
    anyio.run(model.aclose)
    found = {f"{name}_tokens_s": round(statistics.median(each), 1) for name, each in speeds.items()}
    ratio = [held / bare for held, bare in zip(speeds["held"], speeds["bare"], strict=True)]
    alone = [held / one for held, one in zip(speeds["held"], speeds["generate"], strict=True)]
    return {
        "of_bare": round(statistics.median(ratio), 3),
        "over_generate": round(statistics.median(alone), 2),
        "prompt_tokens": float(model.count(_talk(0, 0))),
        **found,
        "rounds": rounds,
    }


def _talk(series: int, at: int) -> tuple[Message, ...]:
    words = " ".join(f"{(series * 7919 + at * 31 + word * word) % 10}" for word in range(_WORDS // 2))
    return (Message("system", f"{series} {at} You are a person."), Message("user", words))


async def _asked(model: InProcessModel, series: int, tokens: int, schema: Schema) -> float:
    import anyio

    drawn = 0

    async def one(at: int) -> None:
        nonlocal drawn
        sampling = Sampling(temperature=0.7, max_tokens=tokens, seed=at)
        reply = await model.complete(_talk(series, at), schema=schema, sampling=sampling, session=str(at))
        drawn += reply.completion_tokens or 0

    start = time.perf_counter()
    async with anyio.create_task_group() as group:
        for at in range(SLOTS):
            group.start_soon(one, at)
    return drawn / (time.perf_counter() - start)


def _library(model: InProcessModel) -> Any:
    """The model as it is without Comity."""
    ready = model._load()
    ready.loaded.model.set_attn_implementation("sdpa")
    return ready.loaded.model


def _again_ours(library: Any) -> None:
    from comity.models.in_process.attention import NAME

    library.set_attn_implementation(NAME)


def _prompts(model: InProcessModel, series: int, count: int) -> Sequence[Sequence[int]]:
    ready = model._load()
    return [ready.template.prompt(_talk(series, at)) for at in range(count)]  # type: ignore[union-attr]


def _bare(model: InProcessModel, series: int) -> float:
    import torch
    from transformers import DynamicCache

    prompts, library = _prompts(model, series, SLOTS), _library(model)
    length = min(map(len, prompts))
    tokens = torch.tensor([prompt[:length] for prompt in prompts])
    start = time.perf_counter()
    with torch.inference_mode():
        cache = DynamicCache(config=library.config)
        library(tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
        for _ in range(_REPLY):
            library(tokens[:, :1], past_key_values=cache, use_cache=True)
    speed = SLOTS * _REPLY / (time.perf_counter() - start)
    _again_ours(library)
    return speed


def _generated(model: InProcessModel, series: int) -> float:
    import torch

    library = _library(model)
    asked = [torch.tensor([prompt]) for prompt in _prompts(model, series, _ALONE)]
    start = time.perf_counter()
    for tokens in asked:
        library.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            do_sample=True,
            temperature=0.7,
            max_new_tokens=_REPLY,
            eos_token_id=None,
        )
    speed = _ALONE * _REPLY / (time.perf_counter() - start)
    _again_ours(library)
    return speed


def _save(size: str, folder: Path) -> None:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: at for at, letter in enumerate(["<|end|>", *letters])}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|end|>")  # type: ignore[no-untyped-call]
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] + ' ' + m['content'] + '<|end|>' }}{% endfor %}"
    tokenizer.chat_template += "{% if add_generation_prompt %}{{ 'assistant ' }}{% endif %}"
    tokenizer.save_pretrained(folder)
    about = _SIZES[size]
    config = LlamaConfig(
        vocab_size=about.vocabulary,
        hidden_size=about.hidden,
        intermediate_size=about.intermediate,
        num_hidden_layers=about.layers,
        num_attention_heads=about.heads,
        num_key_value_heads=about.groups,
        max_position_embeddings=2048,
        bos_token_id=None,
        eos_token_id=0,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)


if __name__ == "__main__":
    main(sys.argv[1])
