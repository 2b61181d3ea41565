"""A small model made on the spot: the same from the same, of the size that was asked for, and one that can be trained and asked."""

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from train.fitting import TINY, conversations
from transformers import AutoModelForCausalLM, AutoTokenizer

from comity.models.chat_templates import ChatTemplate
from comity.models.in_process.folder import weights_hash
from comity.train.examples import Example, Said, example_of_text
from comity.train.folders import FolderError
from comity.train.masks import tokenised
from comity.train.nano import NanoSpec, new_model


def test_the_same_examples_spec_and_seed_give_the_same_model_and_others_another(tmp_path: Path) -> None:
    made = {
        name: weights_hash(new_model(examples, spec, seed, tmp_path / name))
        for name, examples, spec, seed in (
            ("one", conversations(20), TINY, 0),
            ("same", conversations(20), TINY, 0),
            ("seed", conversations(20), TINY, 1),
            ("words", (example_of_text("To be or not to be"),), TINY, 0),
            ("size", conversations(20), TINY.model_copy(update={"layers": 1}), 0),
        )
    }
    assert made["one"] == made["same"]
    assert len(set(made.values())) == 4


def test_it_is_as_large_as_its_spec_says(tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(new_model(conversations(5), NanoSpec(), 0, tmp_path / "nano"))
    config = model.config
    assert (config.hidden_size, config.num_hidden_layers, config.max_position_embeddings) == (192, 6, 1024)
    assert 2_300_000 < model.num_parameters() < 2_800_000
    assert model.dtype == torch.float32


def test_its_tokenizer_knows_the_words_of_the_examples_a_digit_a_token(tmp_path: Path) -> None:
    said = tuple(Said(role="user", content=f"Ben proposes books {n}") for n in range(40))
    examples = [Example(messages=(each, Said(role="assistant", content="Yes")), weights=(0, 1)) for each in said]
    folder = new_model([*examples, example_of_text("Yes and no")], TINY, 0, tmp_path / "nano")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.tokenize("Ben proposes books 317") == ["Ben", "Ġproposes", "Ġbooks", "Ġ", "3", "1", "7"]
    for text in ("naïve 🎩 漢字", "a\n\n b  c\t", "<|end|"):
        assert tokenizer.decode(tokenizer.encode(text), skip_special_tokens=False) == text


def test_a_turn_costs_two_tokens_beside_its_words(tmp_path: Path) -> None:
    folder = new_model(conversations(20), TINY, 0, tmp_path / "nano")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    template = ChatTemplate(tokenizer, "nano")
    example = conversations(20)[0]
    tokens = tokenised(example, template, 1000)
    words = sum(len(tokenizer.encode(said.content)) for said in example.messages)
    assert len(tokens.input_ids) == words + 2 * len(example.messages)
    assert tokenizer.decode([template.end], skip_special_tokens=False) == "<|end|>" == tokenizer.eos_token
    assert not template.folded


def test_what_stands_there_is_not_overwritten_and_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "nano").mkdir()
    with pytest.raises(FolderError, match="is there already"):
        new_model(conversations(5), TINY, 0, tmp_path / "nano")
    with pytest.raises(ValidationError, match="5 heads do not divide hidden 32"):
        NanoSpec.model_validate(TINY.model_dump() | {"heads": 5})
    assert [path.name for path in tmp_path.iterdir()] == ["nano"]
