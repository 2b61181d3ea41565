"""Trained weights as GGUF files, for llama.cpp: a whole model with its adapter merged, or a LoRA adapter alone.

Llama's own shape and what shares it: Llama, Mistral, SmolLM2 and Qwen2. Names, the order of rotary dimensions and metadata are those of
llama.cpp's own converter (`convert_hf_to_gguf.py`, `convert_lora_to_gguf.py`). The weights are held in memory while they are written.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

import gguf
import numpy as np
import numpy.typing as npt
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel

from comity.models.in_process.folder import NOTE, AdapterNote, Found, find
from comity.models.in_process.loading import load_found
from comity.models.merged import merged_file
from comity.train.gguf_tokens import GgufError, add_tokenizer

__all__ = ["WEIGHTS", "GgufError", "Weights", "write_adapter", "write_merged"]

Weights = Literal["f32", "f16", "q8_0"]
"""How each number of a matrix is written; vectors are always f32."""

WEIGHTS: Mapping[str, Weights] = {"f32": "f32", "f16": "f16", "q8_0": "q8_0"}
"""Each by its name."""

_TYPES: Mapping[Weights, gguf.GGMLQuantizationType] = {
    "f32": gguf.GGMLQuantizationType.F32,
    "f16": gguf.GGMLQuantizationType.F16,
    "q8_0": gguf.GGMLQuantizationType.Q8_0,
}
_FILE_TYPES: Mapping[Weights, gguf.LlamaFileType] = {
    "f32": gguf.LlamaFileType.ALL_F32,
    "f16": gguf.LlamaFileType.MOSTLY_F16,
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
}
_ARCHITECTURES: Mapping[str, gguf.MODEL_ARCH] = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "mistral": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
}
_BLOCK = 32
"""Numbers that q8_0 writes together."""
_LORA = "base_model.model."

_Array = npt.NDArray[np.float32]


def write_merged(adapter: Path, *, weights: Weights = "f16", into: Path | None = None) -> Path:
    """Write an adapter's whole model as one file, and name it in the adapter's `comity.json`; the file.

    Args:
        adapter: the folder that training wrote, of either kind.
        into: another file than the one that `adapter:FOLDER#llama.cpp` plays; then `comity.json` stays as it is.

    Raises `GgufError` for a model that llama.cpp could not be told of, and `ModelNotFound`.
    """
    found = find(f"adapter:{adapter}")
    loaded = load_found(found, device="cpu")
    file = into or merged_file(found, weights)
    with _written(file, _architecture(loaded.model.config)) as writer:
        writer.add_name(found.name)
        writer.add_file_type(_FILE_TYPES[weights])
        _describe(writer, loaded.model.config, loaded.window)
        rows = loaded.model.config.vocab_size
        add_tokenizer(writer, loaded.tokenizer, rows, str(found.path))
        for name, numbers in _tensors(loaded.model, found.path):
            kind = _TYPES[weights] if numbers.ndim > 1 else _TYPES["f32"]
            if kind is _TYPES["q8_0"] and numbers.shape[-1] % _BLOCK:
                kind = _TYPES["f16"]
            writer.add_tensor(name, gguf.quantize(numbers, kind), raw_dtype=kind)
    if into is None:
        _name_in_note(found, file)
    return file


def write_adapter(adapter: Path, *, into: Path | None = None) -> Path:
    """Write a LoRA adapter alone, which llama.cpp lays on its base with `--lora`; the file, `lora.gguf` in the folder unless given.

    Raises `GgufError` for a kind of adapter that llama.cpp does not know, and `ModelNotFound`.
    """
    from safetensors.numpy import load_file

    found = find(f"adapter:{adapter}")
    if found.base is None:
        raise GgufError(f"{adapter} holds a whole model and no adapter; write it with write_merged")
    settings = json.loads((found.path / "adapter_config.json").read_bytes())
    _check_adapter(settings, found.path)
    config = _config(found.base)
    file = into or found.path / "lora.gguf"
    names = gguf.get_tensor_name_map(_architecture(config), config.num_hidden_layers)
    with _written(file, _architecture(config)) as writer:
        writer.add_name(found.name)
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        scale = settings["lora_alpha"] * (settings["r"] ** 0.5 if settings.get("use_rslora") else 1.0)
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, scale)
        for key, numbers in sorted(load_file(found.path / "adapter_model.safetensors").items()):
            module, _, part = key.removeprefix(_LORA).removesuffix(".weight").rpartition(".")
            if part not in ("lora_A", "lora_B"):
                raise GgufError(
                    f"{found.path} has a weight {key}, which llama.cpp's adapters have not; write it with write_merged"
                )
            name = _named(names, f"{module}.weight", found.path)
            turned = _turned(module, numbers.astype(np.float32), config) if part == "lora_B" else numbers
            writer.add_tensor(f"{name}.{part.lower()}", turned.astype(np.float32))
    return file


@contextmanager
def _written(file: Path, architecture: gguf.MODEL_ARCH) -> Iterator[gguf.GGUFWriter]:
    """A writer whose file takes its place when it is whole."""
    part = file.with_name(f"{file.name}.part")
    writer = gguf.GGUFWriter(None, gguf.MODEL_ARCH_NAMES[architecture])
    yield writer
    try:
        writer.write_header_to_file(part)
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        part.replace(file)
    except OSError as problem:
        raise GgufError(f"{file} cannot be written ({problem.strerror}); make room, or name another file") from problem
    finally:
        part.unlink(missing_ok=True)


def _architecture(config: PreTrainedConfig) -> gguf.MODEL_ARCH:
    if config.model_type not in _ARCHITECTURES:
        known = ", ".join(_ARCHITECTURES)
        raise GgufError(
            f"a model of the kind {config.model_type!r} cannot be written here, only {known}; play it with hf:"
        )
    return _ARCHITECTURES[config.model_type]


def _describe(writer: gguf.GGUFWriter, config: PreTrainedConfig, window: int) -> None:
    """The shape of the model."""
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    rope = config.rope_parameters
    if rope.get("rope_type", "default") != "default":
        raise GgufError(f"a context stretched by {rope['rope_type']!r} cannot be written here; play the model with hf:")
    writer.add_context_length(window)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_rope_dimension_count(head)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_vocab_size(config.vocab_size)


def _tensors(model: PreTrainedModel, where: Path) -> Iterator[tuple[str, _Array]]:
    """Every weight by llama.cpp's name. An output that is the same as the embedding is not written twice."""
    config = model.config
    names = gguf.get_tensor_name_map(_architecture(config), config.num_hidden_layers)
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        numbers = cast(_Array, weight.float().numpy())
        yield _named(names, name, where), _turned(name.rpartition(".")[0], numbers, config)


def _named(names: gguf.TensorNameMap, name: str, where: Path) -> str:
    known = names.get_name(name, try_suffixes=(".weight", ".bias"))
    if known is None:
        raise GgufError(f"{where} has a weight {name} that llama.cpp has no name for; play it with hf:")
    return known


def _turned(module: str, numbers: _Array, config: PreTrainedConfig) -> _Array:
    """Llama's query and key rows in llama.cpp's order: each rotary pair side by side, where Hugging Face has halves."""
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(module.rpartition(".")[2])
    if heads is None or _architecture(config) is not gguf.MODEL_ARCH.LLAMA:
        return numbers
    rest = numbers.shape[1:]
    return numbers.reshape(heads, 2, numbers.shape[0] // heads // 2, *rest).swapaxes(1, 2).reshape(numbers.shape)


def _check_adapter(settings: Mapping[str, object], where: Path) -> None:
    odd = [name for name in ("use_dora", "modules_to_save", "rank_pattern", "alpha_pattern") if settings.get(name)]
    if settings.get("bias", "none") != "none":
        odd.append("bias")
    if odd:
        raise GgufError(
            f"{where} has {', '.join(odd)}, which llama.cpp's adapters have not; write it with write_merged"
        )


def _config(base: Found) -> PreTrainedConfig:
    place, more = (base.path, {}) if base.path.is_dir() else (base.path.parent, {"gguf_file": base.path.name})
    return cast(PreTrainedConfig, AutoConfig.from_pretrained(place, local_files_only=True, **more))


def _name_in_note(found: Found, file: Path) -> None:
    assert found.note is not None, "every adapter has a note"
    note: AdapterNote = found.note.model_copy(update={"gguf": file.name})
    part = found.path / f"{NOTE}.part"
    part.write_text(note.model_dump_json(indent=2), "utf-8")
    part.replace(found.path / NOTE)
