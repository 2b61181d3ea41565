"""What a fit begins from, loaded to be trained: a model with all weights, or with a new or an older adapter on it, in 4 bits or not.

Imported where a fit begins, since it needs torch. Answering with a model is `models.in_process`.
"""

from typing import Any, NamedTuple

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from comity.models.in_process.folder import Found
from comity.train.settings import FitError, FitPlan

__all__ = ["Base", "load_base"]


class Base(NamedTuple):
    """A model that is ready to be trained."""

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    window: int
    """In tokens."""


def load_base(found: Found, plan: FitPlan) -> Base:
    """The model of a specification with what the plan trains of it. Raises `FitError`.

    An adapter is trained on, with the weights it has: so what is made of it needs its base alone, and not a chain of adapters. SOTOPIA-π
    does likewise with BC and then SR. The rest of the optimiser's state begins anew.
    """
    on = found.base or found
    if found.base is not None and plan.method == "full":
        raise FitError(
            f"{found.name} is an adapter, and method full trains a whole model; fit with lora, or merge it first"
        )
    try:
        whole = _model(on, plan)
        tokenizer = AutoTokenizer.from_pretrained(**_place(found if (found.path / "tokenizer.json").exists() else on))
        window = int(whole.config.get_text_config().max_position_embeddings)
        model = whole if plan.method == "full" else _adapted(whole, found, plan)
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError, SafetensorError) as error:
        raise FitError(f"{found.path} cannot be loaded: {error}; save the model again") from error
    return Base(model, tokenizer, window)


def _place(found: Found) -> dict[str, Any]:
    if found.path.is_file():
        return {
            "pretrained_model_name_or_path": found.path.parent,
            "gguf_file": found.path.name,
            "local_files_only": True,
        }
    return {"pretrained_model_name_or_path": found.path, "local_files_only": True}


def _model(found: Found, plan: FitPlan) -> PreTrainedModel:
    """What is trained is float32; what stays as it is may be less exact on a GPU."""
    on_gpu = torch.cuda.is_available()
    frozen = torch.bfloat16 if on_gpu and plan.method != "full" else torch.float32
    more: dict[str, Any] = {"quantization_config": four_bits()} if plan.method == "qlora" else {}
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(**_place(found), dtype=frozen, **more)
    if found.path.is_file():
        # The weights are no longer packed, and a model that says they are is neither trained nor read again.
        quantizer: Any = model.hf_quantizer
        quantizer.remove_quantization_config(model)
    return model


def four_bits() -> transformers.BitsAndBytesConfig:
    """NF4, the constants quantised too, computed in bfloat16: arXiv 2305.14314, as SOTOPIA-π uses it."""
    return transformers.BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def _adapted(model: PreTrainedModel, found: Found, plan: FitPlan) -> PeftModel:
    if found.base is not None:
        adapted = PeftModel.from_pretrained(model, str(found.path), is_trainable=True, local_files_only=True)
        has = adapted.peft_config["default"]
        if not isinstance(has, LoraConfig) or (has.r, has.lora_alpha) != (plan.rank, plan.alpha):
            raise FitError(
                f"{found.name} is no LoRA adapter of rank {plan.rank} and alpha {plan.alpha}; "
                "say in the plan what its adapter_config.json says: its weights are trained on"
            )
        return adapted
    targets = plan.targets if isinstance(plan.targets, str) else list(plan.targets)
    config = LoraConfig(
        r=plan.rank, lora_alpha=plan.alpha, lora_dropout=plan.dropout, target_modules=targets, task_type="CAUSAL_LM"
    )
    torch.manual_seed(plan.seed)
    return get_peft_model(model, config)
