"""A small model made on the spot: a tokenizer learned from the examples' own text, and a Llama of seeded random weights.

It knows nothing before it is fitted; it is for experiments and tests that a laptop finishes, and no base for anything else.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from comity.train.examples import Example
from comity.train.folders import made_whole
from comity.world.record import Record

if TYPE_CHECKING:
    from transformers import LlamaConfig, PreTrainedTokenizerFast

__all__ = ["NanoSpec", "new_model"]

END, PAD = "<|end|>", "<|pad|>"
_ROLES = ("<|system|>", "<|user|>", "<|assistant|>")

_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""ChatML with one token for each role, so that a turn costs two tokens beside its words."""


class NanoSpec(Record):
    """How large the model is. As it stands: 2.8 million parameters."""

    hidden: int = Field(default=192, ge=8)
    layers: int = Field(default=6, ge=1)
    heads: int = Field(default=6, ge=1)
    kv_heads: int = Field(default=2, ge=1)
    intermediate: int = Field(default=512, ge=8)
    vocab: int = Field(default=2048, ge=300)
    """The most tokens there are: 256 bytes, five control tokens, and what is learned from the text."""
    window: int = Field(default=1024, ge=16)
    """In tokens."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.hidden % self.heads or self.heads % self.kv_heads:
            raise ValueError(
                f"{self.heads} heads do not divide hidden {self.hidden}, or {self.kv_heads} kv_heads the heads"
            )
        return self


def new_model(examples: Iterable[Example], spec: NanoSpec, seed: int, into: Path) -> Path:
    """Make a model and save it as a Hugging Face folder, which takes its place when it is whole; the folder.

    The same examples, spec and seed give the same files. Raises `FolderError`.
    """
    from comity.train.offline import offline

    with offline(), made_whole(into) as folder:
        tokenizer = _tokenizer(_texts(examples), spec)
        tokenizer.save_pretrained(folder)
        _save_random(_config(tokenizer, spec), seed, folder)
    return into


def _texts(examples: Iterable[Example]) -> Iterator[str]:
    """Each text once: the same system message opens many conversations and would outweigh what is said in them."""
    seen = set[str]()
    for example in examples:
        for text in (example.text,) if example.text is not None else (said.content for said in example.messages):
            if text not in seen:
                seen.add(text)
                yield text


def _tokenizer(texts: Iterator[str], spec: NanoSpec) -> "PreTrainedTokenizerFast":
    """Byte-level, a token a digit: sums and comparisons are learned sooner so. Split as SmolLM's is, which llama.cpp knows."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    made.decoder = decoders.ByteLevel()
    control: Sequence[str] = (END, PAD, *_ROLES)
    made.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=spec.vocab,
            special_tokens=list(control),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=list(_ROLES),
        chat_template=_TEMPLATE,
        model_max_length=spec.window,
        clean_up_tokenization_spaces=False,
    )


def _config(tokenizer: "PreTrainedTokenizerFast", spec: NanoSpec) -> "LlamaConfig":
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        num_key_value_heads=spec.kv_heads,
        intermediate_size=spec.intermediate,
        max_position_embeddings=spec.window,
        # 0.02 suits thousands; so small a model would look evenly at everything for long
        initializer_range=spec.hidden**-0.5,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _save_random(config: "LlamaConfig", seed: int, folder: Path) -> None:
    import torch
    from transformers import LlamaForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        LlamaForCausalLM(config).save_pretrained(folder)
