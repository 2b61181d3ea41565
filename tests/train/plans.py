"""Training plans for tests: small ones, with scripted players where no model is what the test is about."""

from typing import Any

from comity.train.plan import TrainPlan

__all__ = ["BC", "POOL", "plan_of", "step"]

POOL = {"splitter": {"model": "negotiator:held-out@1/splitter"}, "grim": {"model": "negotiator:held-out@1/grim"}}
TINY = {"preset": "nano", "batch": 4, "max_steps": 4, "evaluate_every": 2}


def step(learns: str = "expert", begin: str = "base", rule: str = "bc", **fields: Any) -> dict[str, Any]:
    """A step of a few training steps."""
    return {"learns": learns, "begin": begin, "filter": {"rule": rule}, "fit": TINY, **fields}


BC = {"bc": step()}


def plan_of(**fields: Any) -> TrainPlan:
    """A plan whose tables are laid over those of a small one about divisions."""
    small: dict[str, Any] = {
        "name": "small",
        "tasks": {
            "train": {"fresh": {"division": 6}, "worlds": {"division": ["cellar", "relief"]}, "seed": 1},
            "test": {"fresh": {"division": 4}, "worlds": {"division": ["wagon"]}, "seed": 2},
        },
        "policy": {
            "nano": {"hidden": 32, "layers": 1, "heads": 2, "kv_heads": 1, "intermediate": 48, "vocab": 400},
            "pretrain": {"fit": TINY},
            "max_tokens": 64,
        },
        "expert": {"players": {"linear": {"model": "negotiator:linear"}}},
        "steps": BC,
        "test": {"partners": POOL, "safety": False},
    }
    return TrainPlan.model_validate({**small, **fields})
