"""What a fit begins from: in 4 bits as the paper does, and from a GGUF file, where weights are unpacked first."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from train.fitting import conversations, plan

from comity.models.chat_templates import ChatTemplate
from comity.models.in_process.folder import find
from comity.models.in_process.loading import load_found
from comity.train.checkpoints import Checkpoints
from comity.train.fit import fit
from comity.train.masks import tokenised
from comity.train.nano import NanoSpec, new_model
from comity.train.offline import offline
from comity.train.plan import Begin
from comity.train.serving import adopted

LEARN = conversations(24)
WIDE = NanoSpec(hidden=64, layers=1, heads=4, kv_heads=2, intermediate=128, vocab=300, window=128)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"hf:{new_model(LEARN, WIDE, 0, tmp_path_factory.mktemp('base') / 'wide')}"


@pytest.fixture
def quiet() -> Iterator[None]:
    with offline():
        yield


@pytest.mark.usefixtures("quiet")
def test_a_base_in_four_bits_is_trained_by_an_adapter_on_what_the_paper_names(base: str, tmp_path: Path) -> None:
    """By the parts themselves: `fit` asks for a GPU, where this is fast enough to be of use."""
    from bitsandbytes.nn.modules import Linear4bit

    from comity.train.bases import load_base
    from comity.train.trainer import WeightedTrainer

    how = plan("qlora", rank=8, alpha=16, dropout=0.05, max_steps=6)
    loaded = load_base(find(base), how)
    packed = {name: part for name, part in loaded.model.named_modules() if isinstance(part, Linear4bit)}
    assert {name.rpartition("layers.0.")[2].removesuffix(".base_layer") for name in packed} == {
        *(f"self_attn.{name}_proj" for name in "qkvo"),
        *(f"mlp.{name}_proj" for name in ("gate", "up", "down")),
    }
    for part in packed.values():
        assert part.quant_state is not None
        assert part.quant_state.quant_type == "nf4"
        assert part.quant_state.nested
    trained = [name for name, each in loaded.model.named_parameters() if each.requires_grad]
    assert sorted({name.split(".")[-4] for name in trained}) == ["q_proj", "v_proj"]
    assert all("lora_" in name for name in trained)
    template = ChatTemplate(loaded.tokenizer, base)
    rows = [tokenised(example, template, 128) for example in LEARN]
    trainer = WeightedTrainer(loaded, rows, rows[:4], how, Checkpoints(tmp_path, 1), tmp_path, lambda _: None)
    trainer.fit(None)
    assert trainer.losses[-1].loss < trainer.losses[0].loss


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_gguf_file_is_a_base_like_any_other(base: str, tmp_path: Path, method: str) -> None:
    from comity.train.gguf import write_merged

    made = fit(base, LEARN, (), plan(max_steps=1), tmp_path / "start", style="chat")
    file = write_merged(made.path, weights="f16", into=tmp_path / "start.gguf")
    fitted = fit(f"hf:{file}", LEARN, (), plan(method, max_steps=4), tmp_path / "model", style="chat")
    assert fitted.record.loss < made.record.loss
    if method == "full":
        assert "quantization_config" not in json.loads((fitted.path / "config.json").read_text())
    with offline():
        assert load_found(find(fitted.spec), device="cpu").window == 128


def test_a_gguf_file_is_adopted_as_a_folder_of_plain_weights(base: str, tmp_path: Path) -> None:
    from comity.train.gguf import write_merged

    made = fit(base, LEARN, (), plan(max_steps=1), tmp_path / "start", style="chat")
    file = write_merged(made.path, weights="f32", into=tmp_path / "start.gguf")
    begin = Begin(model=f"hf:{file}")
    spec = adopted(find(f"hf:{file}"), begin, tmp_path / "own")
    assert spec == adopted(find(f"hf:{file}"), begin, tmp_path / "own")
    assert "quantization_config" not in json.loads((tmp_path / "own" / "config.json").read_text())
    with offline():
        ours, theirs = (load_found(find(of), device="cpu").model for of in (spec, made.spec))
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
