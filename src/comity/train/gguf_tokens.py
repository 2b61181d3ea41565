"""A Hugging Face tokenizer as the metadata of a GGUF file: the kinds of it that llama.cpp splits text by in the same way.

Byte-level BPE is known by how it splits text before merging; SentencePiece's BPE by its bytes. Another is refused, since a model that is
given other tokens than it was trained with answers badly and says nothing of it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import gguf
from transformers import PreTrainedTokenizerBase

from comity.train.work import TrainError

__all__ = ["GgufError", "add_tokenizer"]


class GgufError(TrainError):
    """A model or adapter cannot be written as GGUF; the message says why and what to do instead."""


_LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_SPLITS: Mapping[str, str] = {
    _LLAMA3: "llama-bpe",
    _LLAMA3.replace("{1,3}", ""): "qwen2",
}
"""llama.cpp's names of the expressions by which text is split before it is merged."""


def add_tokenizer(writer: gguf.GGUFWriter, tokenizer: PreTrainedTokenizerBase, rows: int, where: str) -> None:
    """Write the tokenizer and its chat template.

    Args:
        rows: how many tokens the model's embedding has, which may be more than the tokenizer knows.
        where: the model, for the message.

    Raises `GgufError` for a kind of tokenizer that llama.cpp would not split text with alike.
    """
    whole, prompt = _whole(tokenizer, where), _prompt(tokenizer, where)
    sentencepiece = bool(whole["model"].get("byte_fallback"))
    tokens, types = _tokens(whole, rows, sentencepiece)
    if sentencepiece and tokenizer.unk_token_id is not None:
        types[int(tokenizer.unk_token_id)] = gguf.TokenType.UNKNOWN
    writer.add_tokenizer_model("llama" if sentencepiece else "gpt2")
    writer.add_tokenizer_pre("default" if sentencepiece else _split_of(whole, where))
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    merges = [
        tuple(merge.split(" ", 1)) if isinstance(merge, str) else tuple(merge) for merge in whole["model"]["merges"]
    ]
    if sentencepiece:
        writer.add_token_scores(_scores(tokens, merges))
        writer.add_add_space_prefix(_prefixed(whole, prompt, tokenizer.all_special_tokens, where))
    else:
        writer.add_token_merges([" ".join(merge) for merge in merges])
        writer.add_add_space_prefix(False)
    _add_special(writer, tokenizer)
    writer.add_chat_template(str(tokenizer.chat_template))


def _whole(tokenizer: PreTrainedTokenizerBase, where: str) -> dict[str, Any]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    whole: dict[str, Any] = json.loads(backend.to_str()) if backend is not None else {}
    if whole.get("model", {}).get("type") != "BPE":
        raise GgufError(
            f"the tokenizer of {where} is no byte pair encoding, which alone can be written; play it with hf:"
        )
    return whole


def _tokens(whole: Mapping[str, Any], rows: int, sentencepiece: bool) -> tuple[list[str], list[gguf.TokenType]]:
    """Every token with its type. What the embedding has beyond those is filled up; a token that it has not cannot be used."""
    tokens = [f"[PAD{at}]" for at in range(rows)]
    types = [gguf.TokenType.UNUSED] * rows
    for token, at in whole["model"]["vocab"].items():
        byte = sentencepiece and len(token) == 6 and token.startswith("<0x")
        tokens[at], types[at] = token, gguf.TokenType.BYTE if byte else gguf.TokenType.NORMAL
    for added in (added for added in whole["added_tokens"] if added["id"] < rows):
        tokens[added["id"]] = added["content"]
        types[added["id"]] = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
    return tokens, types


def _split_of(whole: Mapping[str, Any], where: str) -> str:
    """llama.cpp's name of how text is split. What normalises it first is let pass where it is NFC, which llama.cpp leaves out."""
    parts = whole["pre_tokenizer"] or {}
    steps: Sequence[Mapping[str, Any]] = parts.get("pretokenizers", [parts])
    last = steps[-1]
    plain = last.get("type") == "ByteLevel" and not last.get("add_prefix_space")
    normal = (whole["normalizer"] or {"type": "NFC"})["type"] == "NFC"
    if plain and normal and last.get("use_regex", True):
        if len(steps) == 1:
            return "gpt-2"
        if len(steps) == 2 and steps[0]["type"] == "Digits" and steps[0]["individual_digits"]:
            return "smollm"
    split = steps[0].get("pattern", {}).get("Regex", "") if len(steps) == 2 else ""
    if plain and normal and split in _SPLITS:
        return _SPLITS[split]
    raise GgufError(
        f"the tokenizer of {where} splits text in a way that is not known to be llama.cpp's too; play it with hf:"
    )


def _scores(tokens: Sequence[str], merges: Sequence[tuple[str, ...]]) -> list[float]:
    """SentencePiece's: what is merged sooner scores higher."""
    rank = {"".join(merge): at for at, merge in reversed(list(enumerate(merges)))}
    return [-float(rank.get(token, len(merges))) for token in tokens]


_SAID = ({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"})


def _prompt(tokenizer: PreTrainedTokenizerBase, where: str) -> str:
    """A conversation as the chat template has it."""
    if not isinstance(tokenizer.chat_template, str):
        raise GgufError(
            f"{where} has no chat template, and llama.cpp would take one of its own; put chat_template.jinja there"
        )
    return str(tokenizer.apply_chat_template(list(_SAID), tokenize=False, add_generation_prompt=True))


def _prefixed(whole: Mapping[str, Any], prompt: str, control: Sequence[str], where: str) -> bool:
    """Whether llama.cpp is to put a blank before the text, and again after each control token.

    It does so even where there is one, and the tokenizers of Hugging Face do not: prompts in which that would show are refused.
    """
    scheme = (whole["pre_tokenizer"] or {}).get("prepend_scheme", "never")
    if scheme == "first" and prompt.startswith(tuple(control)):
        return False
    blank = prompt.startswith(" ") or any(f"{token} " in prompt for token in control)
    if scheme == "first" or (scheme == "always" and blank):
        raise GgufError(
            f"{where}: its chat template has blanks where llama.cpp would cut the text otherwise; play it with hf:"
        )
    return scheme == "always" or '"type": "Prepend"' in json.dumps(whole["normalizer"])


def _add_special(writer: gguf.GGUFWriter, tokenizer: PreTrainedTokenizerBase) -> None:
    """The tokens that begin, end and fill; none is put before a prompt, since the chat template says where they stand."""
    for token, add in (
        (tokenizer.bos_token_id, writer.add_bos_token_id),
        (tokenizer.eos_token_id, writer.add_eos_token_id),
        (tokenizer.pad_token_id, writer.add_pad_token_id),
        (tokenizer.unk_token_id, writer.add_unk_token_id),
    ):
        if isinstance(token, int):
            add(token)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
