"""How a model is fitted to examples: the numbers, and named sets of them. What is done with them is in `fit`; nothing heavy is imported here."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from comity.world.record import Record

__all__ = ["PRESETS", "FitError", "FitPlan"]


class FitError(Exception):
    """A model cannot be fitted; the message says what to do. What was written before is kept."""


PRESETS: Mapping[str, Mapping[str, JsonValue]] = {
    # arXiv 2403.08715, section 4 and appendix; batch on each of its GPUs.
    "sotopia-pi": {
        "method": "qlora",
        "rank": 8,
        "alpha": 16,
        "dropout": 0.05,
        "targets": ["q_proj", "v_proj"],
        "learning_rate": 5e-5,
        "schedule": "cosine",
        "warmup": 0.03,
        "batch": 4,
        "cutoff": 4096,
        "epochs": 20,
    },
    "lora-cpu": {
        "method": "lora",
        "rank": 16,
        "alpha": 32,
        "dropout": 0.0,
        "targets": "all-linear",
        "learning_rate": 2e-3,
        "schedule": "cosine",
        "warmup": 0.03,
        "batch": 4,
        "cutoff": 1024,
        "epochs": 1,
    },
    "nano": {
        "method": "full",
        "learning_rate": 1e-3,
        "schedule": "cosine",
        "warmup": 0.05,
        "weight_decay": 0.01,
        "batch": 16,
        "cutoff": 1024,
        "epochs": 1,
    },
}
"""By name: the paper's, for a GPU; a LoRA that a laptop can fit to a model of 100 million parameters; and all weights of a model made here."""


VERSION = 2
"""Raised with every change of what the same settings come to; 2: a warm-up is in whole steps, rounded down."""


class FitPlan(Record):
    """Everything that decides what a fit comes to, beside the examples and the model it begins from."""

    preset: str | None = None
    """One of `PRESETS`, whose values stand where nothing else is said."""
    method: Literal["qlora", "lora", "full"]
    """An adapter on a base in 4 bits (NF4, doubly quantised; needs a GPU), an adapter, or all weights."""
    rank: int = Field(default=8, ge=1)
    alpha: int = Field(default=16, ge=1)
    """The adapter's output is scaled by alpha / rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Of the adapter's input."""
    targets: tuple[str, ...] | Literal["all-linear"] = ("q_proj", "v_proj")
    """The modules that an adapter is put on, by the end of their names."""
    learning_rate: float = Field(gt=0, allow_inf_nan=False)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(default=0.03, ge=0, lt=1)
    """The part of all steps over which the learning rate rises from 0, in whole steps, rounded down."""
    batch: int = Field(default=4, ge=1)
    """Examples that are learned from at the same time."""
    accumulate: int = Field(default=1, ge=1)
    """Batches a step."""
    cutoff: int = Field(default=1024, ge=8)
    """The longest example, in tokens; the model's window at most."""
    epochs: int = Field(default=1, ge=1)
    max_steps: int | None = Field(default=None, ge=1)
    """The most steps, where that is fewer than the epochs have."""
    weight_decay: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    clip: float = Field(default=1.0, gt=0)
    """The largest norm of a step's gradient."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Decides the order of examples, dropout and an adapter's first weights."""
    evaluate_every: int = Field(default=100, ge=1)
    """After how many steps the loss on the dev examples is taken, and a checkpoint is written; at the end too."""
    patience: int = Field(default=0, ge=0)
    """After how many evaluations in a row that are no better than the best it stops, and goes back to the best. 0: it never does."""
    checkpoints: int = Field(default=2, ge=1)
    """How many of the newest are kept while it goes on, beside the best."""

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        name = given.get("preset")
        if name is not None and name not in PRESETS:
            raise ValueError(f"there is no preset {name!r}; there are: {', '.join(PRESETS)}")
        whole = {**(PRESETS[name] if name is not None else {}), **given}
        # What is handed on is Python's and no longer JSON's, where a list would do for a tuple.
        return {field: tuple(value) if isinstance(value, list) else value for field, value in whole.items()}

    @model_validator(mode="after")
    def _adapters_have_targets(self) -> Self:
        if self.method != "full" and not self.targets:
            raise ValueError("an adapter needs targets: names of modules, or all-linear")
        return self
