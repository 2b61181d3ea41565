"""Chat templates from their public definitions, with small tokenizers that have their control tokens: how a conversation is written by each
is spelled out by hand beside it, cut where learning begins and ends.
"""

import json
from functools import cache
from typing import NamedTuple

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

__all__ = ["CONVERSATION", "FAMILIES", "Family", "tokenizer_of"]

CONVERSATION = (
    ("system", "You are Ana.\nBooks are worth 5 to you."),
    ("user", "Turn 1 of 10."),
    ("assistant", '{"do":"propose","terms":{"books":2},"say":"Hi"}'),
    ("user", 'Ben: "No."\nTurn 3 of 10.'),
    ("assistant", '{"do":"accept","say":"Deal."}'),
)
_SYSTEM, _FIRST, _OFFER, _SECOND, _DEAL = (content for _, content in CONVERSATION)


class Family(NamedTuple):
    """A template with its control tokens."""

    template: str
    control: tuple[str, ...]
    begin: str
    """What every text begins with, if anything does."""
    end: str
    """What ends a text, in the tokenizer's configuration."""
    pieces: bool
    """Whether the tokenizer is of SentencePiece's kind, where a word carries the space before it."""
    written: tuple[str, ...]
    """The conversation as it is written: what is not learned, what is, and so on."""


_CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
)
_ASK = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

_QWEN = (
    "{% if messages[0]['role'] == 'system' %}{{ '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}"
    "{% else %}{{ '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{% for m in messages %}{% if m.role == 'user' or (m.role == 'system' and not loop.first) or m.role == 'assistant' %}"
    "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{% endif %}{% endfor %}" + _ASK
)

_LLAMA2 = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}"
    "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}"
    "{% for m in loop_messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if loop.index0 == 0 and system_message != false %}"
    "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + m['content'] %}{% else %}{% set content = m['content'] %}{% endif %}"
    "{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% elif m['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)

_LLAMA3 = (
    "{% for m in messages %}{% set content = '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)

_GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if m['role'] == 'assistant' %}{% set role = 'model' %}{% else %}{% set role = m['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + m['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)

_ZEPHYR = (
    "{% for m in messages %}\n{% if m['role'] == 'user' %}\n{{ '<|user|>\n' + m['content'] + eos_token }}\n"
    "{% elif m['role'] == 'system' %}\n{{ '<|system|>\n' + m['content'] + eos_token }}\n"
    "{% elif m['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + m['content'] + eos_token }}\n{% endif %}\n"
    "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"
)

_MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% elif m['role'] == 'assistant' %}{{ m['content'] + eos_token + ' ' }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)

_IM = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
_WRITTEN_IM = (
    f"<|im_start|>system\n{_SYSTEM}<|im_end|>\n<|im_start|>user\n{_FIRST}<|im_end|>\n<|im_start|>assistant\n",
    f"{_OFFER}<|im_end|>",
    f"\n<|im_start|>user\n{_SECOND}<|im_end|>\n<|im_start|>assistant\n",
    f"{_DEAL}<|im_end|>",
)

FAMILIES = {
    "chatml": Family(_CHATML + _ASK, _IM, "", "<|im_end|>", False, _WRITTEN_IM),
    "qwen2.5": Family(_QWEN, _IM, "", "<|im_end|>", False, _WRITTEN_IM),
    "qwen2.5-base": Family(_QWEN, _IM, "", "<|endoftext|>", False, _WRITTEN_IM),
    "llama-2": Family(
        _LLAMA2,
        ("<s>", "</s>"),
        "<s>",
        "</s>",
        True,
        (
            f"<s>[INST] <<SYS>>\n{_SYSTEM}\n<</SYS>>\n\n{_FIRST} [/INST]",
            f" {_OFFER} </s>",
            f"<s>[INST] {_SECOND} [/INST]",
            f" {_DEAL} </s>",
        ),
    ),
    "llama-3": Family(
        _LLAMA3,
        ("<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"),
        "<|begin_of_text|>",
        "<|eot_id|>",
        False,
        (
            f"<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n{_SYSTEM}<|eot_id|>"
            f"<|start_header_id|>user<|end_header_id|>\n\n{_FIRST}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            f"{_OFFER}<|eot_id|>",
            f"<|start_header_id|>user<|end_header_id|>\n\n{_SECOND}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            f"{_DEAL}<|eot_id|>",
        ),
    ),
    "gemma": Family(
        _GEMMA,
        ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
        "<bos>",
        "<eos>",
        False,
        (
            f"<bos><start_of_turn>user\n{_SYSTEM}\n\n{_FIRST}<end_of_turn>\n<start_of_turn>model\n",
            f"{_OFFER}<end_of_turn>",
            f"\n<start_of_turn>user\n{_SECOND}<end_of_turn>\n<start_of_turn>model\n",
            f"{_DEAL}<end_of_turn>",
        ),
    ),
    "zephyr": Family(
        _ZEPHYR,
        ("<s>", "</s>"),
        "<s>",
        "</s>",
        True,
        (
            f"<|system|>\n{_SYSTEM}</s>\n<|user|>\n{_FIRST}</s>\n<|assistant|>\n",
            f"{_OFFER}</s>",
            f"\n<|user|>\n{_SECOND}</s>\n<|assistant|>\n",
            f"{_DEAL}</s>",
        ),
    ),
    "mistral": Family(
        _MISTRAL,
        ("<s>", "</s>"),
        "<s>",
        "</s>",
        True,
        (
            f"<s>[INST] {_SYSTEM}\n\n{_FIRST} [/INST]",
            f"{_OFFER}</s>",
            f" [INST] {_SECOND} [/INST]",
            f"{_DEAL}</s>",
        ),
    ),
}


@cache
def tokenizer_of(family: str) -> PreTrainedTokenizerFast:
    """A small tokenizer of the family's kind with its template, which knows parts of the conversation's words."""
    about = FAMILIES[family]
    made = _of_pieces(about.control) if about.pieces else _of_bytes(about.control)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made,
        bos_token=about.begin or None,
        eos_token=about.end,
        additional_special_tokens=[token for token in about.control if token not in (about.begin, about.end)],
        chat_template=about.template,
        clean_up_tokenization_spaces=False,
    )


_WORDS = [content for _, content in CONVERSATION]


def _of_bytes(control: tuple[str, ...]) -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    size = len(control) + len(alphabet) + 60
    made.train_from_iterator(_WORDS, _trainer(control, alphabet, size))
    return made


def _of_pieces(control: tuple[str, ...]) -> Tokenizer:
    """Spaces are letters, and what is no letter falls to bytes, as in what is converted from SentencePiece."""
    spaces = normalizers.Replace(" ", "▁")
    learned = Tokenizer(models.BPE())
    learned.normalizer = spaces
    alphabet = sorted({*"".join(_WORDS), *"[INST]</SYS><|userassistantsystem|>", "▁"} - {"\n", " "})
    learned.train_from_iterator(
        (word for words in _WORDS for word in words.split("\n")),
        _trainer(control, alphabet, len(control) + len(alphabet) + 60),
    )
    known = json.loads(learned.to_str())["model"]
    bytes_ = {f"<0x{byte:02X}>": len(known["vocab"]) + byte for byte in range(256)}
    merges = [tuple(pair) for pair in known["merges"]]
    made = Tokenizer(models.BPE(vocab={**known["vocab"], **bytes_}, merges=merges, byte_fallback=True))
    made.add_special_tokens(list(control))
    made.normalizer = spaces
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return made


def _trainer(control: tuple[str, ...], alphabet: list[str], size: int) -> trainers.BpeTrainer:
    return trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(control), initial_alphabet=alphabet, show_progress=False
    )
