"""From files to a model: what is broken is named, adapters are merged, and kinds of models are run right or refused."""

import logging
import shutil
import warnings
from pathlib import Path

import pytest
import torch
import transformers
from models.in_process.small import loaded, reply_to, save_lora, save_model
from peft import PeftModel
from transformers import AutoModelForCausalLM, LlamaForCausalLM, PreTrainedModel

from comity.models.in_process.checked import check
from comity.models.in_process.engine import Engine, Request
from comity.models.in_process.folder import find
from comity.models.in_process.grammar import Grammars
from comity.models.in_process.loading import load, load_found
from comity.models.in_process.sampling import Way
from comity.models.protocol import ModelNotFound


@pytest.fixture
def model(tmp_path: Path, tiny: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "model"))


def test_a_folder_is_loaded_in_float32_with_its_tokenizer_and_window(model: Path) -> None:
    made, tokenizer, window = load(model)
    assert (made.dtype, made.training, window) == (torch.float32, False, 512)
    assert tokenizer.decode(tokenizer.encode("Deal?")) == "Deal?"


def test_an_adapter_answers_as_peft_does(tmp_path: Path, model: Path) -> None:
    adapter = save_lora(tmp_path / "adapter", model)
    tokens = torch.arange(5, 45)[None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        laid = PeftModel.from_pretrained(LlamaForCausalLM.from_pretrained(model), str(adapter))
    expected = laid(input_ids=tokens).logits
    found = load_found(find(f"adapter:{adapter}"), device="cpu").model
    torch.testing.assert_close(found(input_ids=tokens).logits, expected, rtol=1e-4, atol=1e-4)
    plain = LlamaForCausalLM.from_pretrained(model)(input_ids=tokens).logits
    assert (plain - expected).abs().max() > 0.1


@pytest.mark.parametrize("cut", [4, 200, -100])
def test_weights_that_are_cut_off_are_named(model: Path, cut: int) -> None:
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(ModelNotFound, match=r"model\.safetensors cannot be loaded"):
        load(model)


def test_weights_of_another_shape_and_a_config_of_no_known_kind_are_told(model: Path, tmp_path: Path) -> None:
    other = save_model(tmp_path / "other", hidden=32)
    shutil.copy(other / "model.safetensors", model / "model.safetensors")
    with pytest.raises(ModelNotFound, match="cannot be loaded"):
        load(model)
    (model / "config.json").write_text('{"model_type": "unheard-of"}')
    with pytest.raises(ModelNotFound, match="unheard-of"):
        load(model)


def test_a_missing_tokenizer_is_told(model: Path) -> None:
    (model / "tokenizer.json").unlink()
    with pytest.raises(ModelNotFound, match=r"the tokenizer in .*model cannot be loaded"):
        load(model)


def test_an_adapter_whose_weights_are_gone_is_told(tmp_path: Path, model: Path) -> None:
    adapter = save_lora(tmp_path / "adapter", model)
    found = find(f"adapter:{adapter}")
    (adapter / "adapter_model.safetensors").write_bytes(b"short")
    with pytest.raises(ModelNotFound, match="cannot be laid on its base"):
        load_found(found, device="cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_and_a_device_that_is_none_are_told(model: Path) -> None:
    with pytest.raises(ModelNotFound, match="no GPU that torch can use; give the device cpu"):
        load(model, device="cuda")
    with pytest.raises(ModelNotFound, match="'warp' is no device"):
        load(model, device="warp")


_GROUPED: dict[str, object] = {"num_key_value_heads": 2}
KINDS: dict[str, dict[str, object]] = {
    "Llama": {},
    "GPTNeoX": {},
    "Mistral": {**_GROUPED, "sliding_window": 24},
    "Qwen2": {**_GROUPED},
    "Qwen3": {**_GROUPED, "head_dim": 16},
    "Gemma": {**_GROUPED, "head_dim": 16},
    "Gemma2": {**_GROUPED, "head_dim": 16, "sliding_window": 16},
    "Gemma3Text": {**_GROUPED, "head_dim": 16, "sliding_window": 16},
    "Phi3": {**_GROUPED},
    "SmolLM3": {**_GROUPED},
}


def random_model(kind: str, **more: object) -> PreTrainedModel:
    about: dict[str, object] = {
        "vocab_size": 300,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 256,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    config = getattr(transformers, f"{kind}Config")(**about | more)
    torch.manual_seed(0)
    made: PreTrainedModel = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    made.train(False)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_common_kinds_of_models_are_run_as_they_run_by_themselves(kind: str) -> None:
    check(random_model(kind, **KINDS[kind]), kind)


def test_learned_places_end_with_the_window(tiny: Path) -> None:
    model = random_model("GPT2", max_position_embeddings=40)
    check(model, "GPT2")
    grammars = Grammars(loaded(tiny).tokenizer, 300, [0])
    engine = Engine(model, grammars, window=40, ends=[])
    reply = reply_to(engine, Request(range(10, 47), Way(0.0), 9, lambda result: None))
    model.set_attn_implementation("eager")
    expected = model(input_ids=torch.tensor([[*range(10, 47), *reply.tokens[:-1]]])).logits[0, 36:].argmax(-1)
    assert list(reply.tokens) == expected.tolist()
    assert len(reply.tokens) == 3


def test_a_model_whose_memory_is_not_keys_and_values_is_refused_with_a_way_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)
    mixed = random_model("Lfm2", **_GROUPED, layer_types=["conv", "full_attention"])
    with pytest.raises(
        ModelNotFound, match=r"a Lfm2ForCausalLM cannot be run in this process .*; serve it with llama\.cpp or vLLM"
    ):
        check(mixed, "somewhere")


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_places_that_depend_on_the_longest_text_beside_are_refused(kind: str) -> None:
    told = {"rope_type": kind, "rope_theta": 10000.0, "factor": 4.0}
    factors = {"short_factor": [1.0] * 8, "long_factor": [4.0] * 8, "original_max_position_embeddings": 64}
    model = random_model("Llama", rope_parameters=told | (factors if kind == "longrope" else {}))
    with pytest.raises(
        ModelNotFound, match=rf"here: with rope_type '{kind}' \(rope_parameters in config.json\).*serve it"
    ):
        check(model, "here")


def test_a_way_to_tell_places_of_one_kind_of_layer_alone_is_seen() -> None:
    ways = {"full_attention": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}}
    other = {"sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}
    model = random_model("Llama")
    model.config.rope_parameters = other | ways
    with pytest.raises(ModelNotFound, match="dynamic"):
        check(model, "here")


def test_a_model_that_would_tell_something_else_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model("Llama")
    monkeypatch.setattr(model.model.layers[1].self_attn, "scaling", 0.9)
    check(model, "scaled alike in both")
    rotary = model.model.rotary_emb
    forward = rotary.forward
    monkeypatch.setattr(rotary, "forward", lambda x, position_ids: forward(x, torch.arange(x.shape[1])[None]))
    with pytest.raises(ModelNotFound, match="tells something else"):
        check(model, "places counted anew in every step")
