"""What `hf:` and `adapter:` find on disk, that a name stands for weights, and that what is missing is named with its fix."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from models.in_process.small import save_lora, save_model, write_note

from comity.models.in_process import folder as folders
from comity.models.in_process.folder import find, read_note, weights_hash
from comity.models.protocol import ModelNotFound


@pytest.fixture
def model(tmp_path: Path, tiny: Path) -> Path:
    """One's own copy."""
    return Path(shutil.copytree(tiny, tmp_path / "model"))


@pytest.fixture
def adapter(tmp_path: Path, model: Path) -> Path:
    """A LoRA adapter beside its base, which it names as it is seen from there."""
    return save_lora(tmp_path / "adapter", model, said="hf:../model")


def test_a_models_name_holds_its_hash_and_leads_to_it_again(model: Path) -> None:
    found = find(f"hf:{model}")
    assert found.name == f"hf:{model}@{weights_hash(model)[:12]}"
    assert find(found.name) == found


def test_a_relative_path_is_seen_from_where_one_stands_and_stays_as_it_was_said(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    assert find("hf:model").name == f"hf:model@{weights_hash(model)[:12]}"


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"])
def test_the_hash_changes_with_whatever_changes_replies(model: Path, name: str) -> None:
    before = weights_hash(model)
    text = (model / name).read_bytes()
    (model / name).write_bytes(text + b" ")
    assert weights_hash(model) != before
    (model / name).write_bytes(text)
    os.utime(model / name, (1, 1))
    assert weights_hash(model) == before


def test_the_hash_knows_nothing_of_notes_beside_the_model(model: Path) -> None:
    before = weights_hash(model)
    (model / "losses.json").write_text("[]")
    (model / "README.md").write_text("A card.")
    assert weights_hash(model) == before


def test_a_name_whose_weights_are_gone_is_refused(model: Path) -> None:
    name = find(f"hf:{model}").name
    save_model(model, seed=5)
    with pytest.raises(
        ModelNotFound, match=r"does not hold the weights of .* any more, but those of hf:.*@[0-9a-f]{12}"
    ):
        find(name)


def test_an_adapter_is_found_with_its_base_style_and_sampling(adapter: Path, model: Path) -> None:
    found = find(f"adapter:{adapter}")
    assert found.base is not None
    assert found.base.path.resolve() == model
    assert found.note is not None
    assert (found.note.style, found.note.sampling.max_tokens) == ("compact", 96)
    assert find(found.name) == found


def test_an_adapters_name_changes_with_its_weights_and_with_its_base(adapter: Path, model: Path) -> None:
    first = find(f"adapter:{adapter}").name
    shutil.rmtree(adapter)
    save_lora(adapter, model, seed=2)
    second = find(f"adapter:{adapter}").name
    save_model(model, seed=3)
    write_note(adapter, kind="lora", base="hf:../model", base_sha256=weights_hash(model))
    assert len({first, second, find(f"adapter:{adapter}").name}) == 3


def test_a_base_that_is_another_by_now_is_refused(adapter: Path, model: Path) -> None:
    save_model(model, seed=9)
    with pytest.raises(ModelNotFound, match=r"is not what .* was trained on"):
        find(f"adapter:{adapter}")


def test_a_whole_model_that_training_wrote_needs_no_base(model: Path) -> None:
    write_note(model, kind="full", base="hf:gone", base_sha256="0" * 64)
    found = find(f"adapter:{model}")
    assert found.base is None
    assert find(found.name) == found


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("hf:{}/nowhere", "there is no .*nowhere; give a folder"),
        ("hf:{}/note.txt", "neither a folder nor a .gguf"),
        ("hf:{}/empty", "empty has no config.json"),
        ("hf:{}/bare", "bare holds no model.safetensors"),
        ("hf:{}/broken", "broken/config.json cannot be read"),
        ("adapter:{}/empty", "empty is no adapter that training wrote: it has no comity.json"),
        ("adapter:{}/odd", "comity.json cannot be read: base_sha256: Field required"),
    ],
)
def test_what_is_missing_is_named_with_its_fix(tmp_path: Path, spec: str, fault: str) -> None:
    for name in ("empty", "bare", "broken", "odd"):
        (tmp_path / name).mkdir()
    (tmp_path / "note.txt").write_text("")
    (tmp_path / "bare" / "config.json").write_text("{}")
    (tmp_path / "broken" / "config.json").write_text("{")
    (tmp_path / "odd" / "comity.json").write_text(json.dumps({"kind": "lora", "base": "hf:x", "style": "chat"}))
    with pytest.raises(ModelNotFound, match=fault):
        find(spec.format(tmp_path))


def test_a_gguf_file_is_named_by_its_own_hash(tmp_path: Path) -> None:
    file = tmp_path / "small.gguf"
    file.write_bytes(b"GGUF")
    assert find(f"hf:{file}").name == f"hf:{file}@{weights_hash(file)[:12]}"


def test_without_the_extra_its_name_is_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(folders, "find_spec", lambda name: None if name == "torch" else real(name))
    with pytest.raises(ModelNotFound, match=r"needs torch; `pip install 'comity\[train\]'`"):
        find(f"hf:{model}")


def test_a_note_says_what_it_was_trained_in(model: Path) -> None:
    write_note(model, kind="full", base="hf:x", base_sha256="0" * 64, style="chat", gguf="model.gguf")
    assert (read_note(model).style, read_note(model).gguf) == ("chat", "model.gguf")


def test_a_model_is_found_without_torch_being_imported(model: Path) -> None:
    program = (
        "import sys; from comity.models.resolve import resolve; resolve(sys.argv[1]);"
        "print([name for name in ('torch', 'transformers', 'llguidance', 'numpy') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program, f"hf:{model}"], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
