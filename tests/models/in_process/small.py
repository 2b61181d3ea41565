"""Small random models in folders, as `save_pretrained` writes them, for the tests of models in this process."""

import json
import warnings
from functools import cache
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from comity.models.in_process.checked import check
from comity.models.in_process.engine import Engine, Limits, Reply, Request, vocabulary_of
from comity.models.in_process.folder import AdapterNote, find, weights_hash
from comity.models.in_process.grammar import Grammars
from comity.models.in_process.loading import Loaded, load_found
from comity.models.protocol import ModelError

TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
_CONTROL = ["<|end|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>"]
_TEXT = 'You keep the book and I keep the hat. Deal? {"do":"propose","terms":{"books":2},"say":"I agree."} Paris Rome '


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level, with control tokens and a chat template."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=_CONTROL, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator([_TEXT] * 20, trainer)
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made, eos_token="<|end|>", pad_token="<|pad|>", extra_special_tokens=_CONTROL[2:]
    )
    wrapped.chat_template = TEMPLATE
    return wrapped


def save_model(
    into: Path,
    *,
    hidden: int = 64,
    layers: int = 2,
    heads: int = 4,
    groups: int = 2,
    window: int = 512,
    vocabulary: int = 512,
    seed: int = 0,
) -> Path:
    """A Llama of seeded random weights, large enough that its next token is no near-certainty and no mere noise."""
    tokens = tokenizer()
    tokens.save_pretrained(into)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=hidden * 2,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=groups,
        max_position_embeddings=window,
        bos_token_id=None,
        eos_token_id=tokens.eos_token_id,
        pad_token_id=tokens.pad_token_id,
        tie_word_embeddings=True,
    )
    chance = torch.Generator().manual_seed(seed)
    model = LlamaForCausalLM(config)
    for weights in model.parameters():
        if weights.dim() > 1:
            weights.data.normal_(0, weights.shape[-1] ** -0.5, generator=chance)
    model.save_pretrained(into)
    return into


def save_lora(into: Path, base: Path, *, seed: int = 1, said: str | None = None) -> Path:
    """A LoRA adapter of random weights with what training writes beside it."""
    from peft import LoraConfig, get_peft_model

    plain = LlamaForCausalLM.from_pretrained(base)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by names of yesterday
        laid = get_peft_model(plain, config)
    chance = torch.Generator().manual_seed(seed)
    for name, weights in laid.named_parameters():
        if "lora_" in name:
            weights.data.normal_(0, 0.3, generator=chance)
    laid.save_pretrained(str(into))
    write_note(into, kind="lora", base=said or f"hf:{base}", base_sha256=weights_hash(base))
    return into


def write_note(folder: Path, **fields: object) -> None:
    """`comity.json`, as training writes it."""
    note = {"style": "compact", "sampling": {"temperature": 0.7, "max_tokens": 96}, **fields}
    (folder / "comity.json").write_text(json.dumps(note))
    AdapterNote.model_validate(note)


@cache
def loaded(folder: Path) -> Loaded:
    """The model of a folder with the engine's attention."""
    made = load_found(find(f"hf:{folder}"), device="cpu")
    check(made.model, str(folder))
    return made


def engine_of(folder: Path, *, ends: bool = True, window: int | None = None, limits: Limits | None = None) -> Engine:
    """An engine that has answered nobody yet.

    Args:
        ends: whether a reply may end before its limit.
    """
    made = loaded(folder)
    end = made.tokenizer.eos_token_id
    assert isinstance(end, int)
    grammars = Grammars(made.tokenizer, vocabulary_of(made.model), [end])
    return Engine(made.model, grammars, window=window or made.window, ends=[end] if ends else [], limits=limits)


class Answers:
    """What became of requests, by a name."""

    def __init__(self) -> None:
        self.of: dict[object, Reply | ModelError] = {}

    def run(self, engine: Engine, requests: dict[object, Request]) -> None:
        """Answer these together."""
        for name, request in requests.items():
            request.done = lambda result, name=name: self.of.__setitem__(name, result)  # type: ignore[misc]
        engine.add(requests.values())
        while engine.is_busy:
            engine.step()


def reply_to(engine: Engine, request: Request) -> Reply:
    """The reply to one request, alone."""
    answers = Answers()
    answers.run(engine, {"it": request})
    reply = answers.of["it"]
    if isinstance(reply, ModelError):
        raise reply
    return reply
