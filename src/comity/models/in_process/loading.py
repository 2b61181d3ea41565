"""From a folder or a GGUF file to a model and tokenizer in memory, in evaluation, ready for `engine`. Nothing is downloaded.

A LoRA adapter is merged into its base: the merged weights are what answers, and cost what the base costs.
"""

import contextlib
import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import huggingface_hub.constants as hub
import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as said

from comity.models.in_process.folder import Found
from comity.models.protocol import ModelNotFound

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

__all__ = ["Loaded", "load", "load_found"]

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, ImportError, SafetensorError)
"""What transformers raises for files that are missing, cut off, of another shape or of a kind it does not know."""


@dataclass(frozen=True)
class Loaded:
    """A model ready to be asked."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    window: int
    """How many tokens a prompt and its reply may have together."""


def load(path: Path, *, device: str = "cpu") -> tuple[PreTrainedModel, PreTrainedTokenizerBase, int]:
    """The model of a Hugging Face folder or GGUF file, its tokenizer and its window in tokens.

    float32 on the CPU, bfloat16 on a GPU. Raises `ModelNotFound` with the file and the fix.
    """
    with _quiet():
        model = _model(path, _on(device))
        tokenizer = _tokenizer(path)
    return model, tokenizer, _window(model.config, path)


def load_found(found: Found, *, device: str = "auto") -> Loaded:
    """The model that was found, a LoRA adapter merged into its base. Raises `ModelNotFound`.

    Args:
        device: `auto` for a GPU where there is one, `cpu`, or as torch names it.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if found.base is None:
        return Loaded(*load(found.path, device=device))
    base = load_found(found.base, device=device)
    with _quiet():
        merged = _merged(base.model, found.path)
        has_own = any((found.path / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json"))
        tokenizer = _tokenizer(found.path) if has_own else base.tokenizer
    return Loaded(merged, tokenizer, base.window)


def _on(device: str) -> torch.device:
    try:
        named = torch.device(device)
    except RuntimeError:
        raise ModelNotFound(f"{device!r} is no device; give auto, cpu or cuda") from None
    if named.type == "cuda" and not torch.cuda.is_available():
        raise ModelNotFound("there is no GPU that torch can use; give the device cpu, or install torch with CUDA")
    return named


def _model(path: Path, device: torch.device) -> PreTrainedModel:
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    place, more = (path, {}) if path.is_dir() else (path.parent, {"gguf_file": path.name})
    try:
        model = AutoModelForCausalLM.from_pretrained(place, dtype=dtype, local_files_only=True, **more)
    except _UNREADABLE as error:
        raise ModelNotFound(f"{_at_fault(path)} cannot be loaded: {_said(error)}; save the model again") from error
    if not path.is_dir() and hasattr(model.config, "quantization_config"):
        del (
            model.config.quantization_config
        )  # the weights are plain numbers now, and would be saved as if they were not
    return _at_rest(torch.nn.Module.to(model, device))


def _tokenizer(path: Path) -> PreTrainedTokenizerBase:
    place, more = (path, {}) if path.is_dir() else (path.parent, {"gguf_file": path.name})
    try:
        return AutoTokenizer.from_pretrained(place, local_files_only=True, **more)
    except _UNREADABLE as error:
        raise ModelNotFound(
            f"the tokenizer in {path} cannot be loaded: {_said(error)}; save it beside the model"
        ) from error


def _merged(base: PreTrainedModel, adapter: Path) -> PreTrainedModel:
    from peft import PeftModel

    try:
        laid = PeftModel.from_pretrained(base, str(adapter), is_trainable=False)
        merged = laid.merge_and_unload(safe_merge=True)
    except _UNREADABLE as error:
        raise ModelNotFound(
            f"the adapter in {adapter} cannot be laid on its base: {_said(error)}; train again"
        ) from error
    return _at_rest(merged)


def _at_rest(model: PreTrainedModel) -> PreTrainedModel:
    model.train(False)
    model.requires_grad_(False)
    return model


def _window(config: "PreTrainedConfig", path: Path) -> int:
    text = config.get_text_config()
    window = getattr(text, "max_position_embeddings", None)  # the name differs by model and is mapped to this one
    if not isinstance(window, int):
        raise ModelNotFound(
            f"{path} does not say how long its context is; put max_position_embeddings into config.json"
        )
    return window


def _at_fault(path: Path) -> Path:
    """The safetensors file that cannot be read, where that can be told; else all of it."""
    if not path.is_dir():
        return path
    for file in sorted(path.glob("*.safetensors")):
        with file.open("rb") as opened:
            size = int.from_bytes(opened.read(8), "little")
            header = opened.read(min(size, 100_000_000))
        try:
            ends = [about["data_offsets"][1] for name, about in json.loads(header).items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError):
            return file
        if file.stat().st_size < 8 + size + max(ends, default=0):
            return file
    return path


def _said(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No network, whatever a file refers to, and no bars or advice on the terminal: where it fails, the error says it."""
    level, bars, known = said.get_verbosity(), said.is_progress_bar_enabled(), hub.HF_HUB_OFFLINE
    said.set_verbosity(logging.ERROR)
    said.disable_progress_bar()  # type: ignore[no-untyped-call]
    hub.HF_HUB_OFFLINE = True
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning)  # peft asks transformers by names of yesterday
            yield
    finally:
        hub.HF_HUB_OFFLINE = known
        said.set_verbosity(level)
        if bars:
            said.enable_progress_bar()  # type: ignore[no-untyped-call]
