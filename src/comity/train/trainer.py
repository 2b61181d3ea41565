"""trl's `SFTTrainer` with weights on tokens, an order of batches that is known beforehand, and checkpoints that are whole or not there.

Imported where a fit begins, since it needs torch. It reports to nobody: trl's own message to its makers is left out.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel
from torch.utils.data import DataLoader
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from comity.train.bases import Base
from comity.train.batches import ordered, padded, sorted_batches
from comity.train.checkpoints import Checkpoints
from comity.train.losses import Loss, best, read_losses, since_best, write_losses
from comity.train.masks import Tokens
from comity.train.settings import FitError, FitPlan

__all__ = ["WeightedTrainer"]

_LOSSES = "losses.json"


class WeightedTrainer(SFTTrainer):
    """Minimises the mean of -log p over tokens, each weighed by its weight.

    Args:
        dev: examples that are not learned; their loss is taken at every evaluation.
        heard: called after each step and each evaluation.
    """

    loss_is_scaled_for_ga = True  # type: ignore[assignment]

    def __init__(
        self,
        base: Base,
        train: Sequence[Tokens],
        dev: Sequence[Tokens],
        plan: FitPlan,
        checkpoints: Checkpoints,
        folder: Path,
        heard: Callable[[Loss], None],
    ) -> None:
        self._net, self._plan, self._dev, self._checkpoints, self._heard = base.model, plan, dev, checkpoints, heard
        lengths = [len(row.input_ids) for row in train]
        self._batches = ordered(lengths, plan.batch, plan.epochs, plan.seed)
        self._read = list(accumulate(sum(lengths[i] for i in batch) for batch in self._batches))
        self.steps = min(-(-len(self._batches) // plan.accumulate), plan.max_steps or len(self._batches))
        self.losses = list[Loss]()
        self._began, self._spent = time.monotonic(), 0.0
        pad = base.tokenizer.pad_token_id
        self._pad = pad if pad is not None else base.tokenizer.eos_token_id or 0
        self._rows = Dataset.from_dict(
            {"input_ids": [row.input_ids for row in train], "weights": [row.weights for row in train]}
        )
        super().__init__(
            model=base.model,
            args=_arguments(plan, self.steps, folder),
            data_collator=self._collated,
            train_dataset=self._rows,
            processing_class=base.tokenizer,
        )
        self.remove_callback(PrinterCallback)
        self.add_callback(_Evaluations(self.steps, plan.evaluate_every, bool(dev)))
        self._head = base.model.get_output_embeddings()

    def fit(self, step: int | None) -> None:
        """Train to the end, from the checkpoint of this step. Raises `FitError` where the loss is no number, or memory does not do."""
        if step is not None:
            self.losses = read_losses(self._checkpoints.at(step) / _LOSSES)
            self._spent = self.losses[-1].seconds
        if step is not None and (step == self.steps or self.stopped_early):
            self._load_from_checkpoint(str(self._checkpoints.at(step)))
        else:
            try:
                self.train(resume_from_checkpoint=None if step is None else str(self._checkpoints.at(step)))
            except torch.OutOfMemoryError as error:
                raise FitError("the GPU has too little memory; halve fit.batch and double fit.accumulate") from error
        lowest = best(self.losses)
        if self._plan.patience and lowest and lowest.step != self.losses[-1].step:
            self._go_back(lowest.step)

    def _go_back(self, step: int) -> None:
        if damage := self._checkpoints.damage(step):
            raise FitError(
                f"{self._checkpoints.at(step)}, the best, is damaged ({damage}); remove all beside it to begin anew"
            )
        self._load_from_checkpoint(str(self._checkpoints.at(step)))

    @property
    def stopped_early(self) -> bool:
        """Whether the dev loss has not become better for as long as the plan waits."""
        return bool(self._plan.patience) and since_best(self.losses) >= self._plan.patience

    @property
    def parameters(self) -> tuple[int, int]:
        """How many are trained, and how many there are."""
        if isinstance(self._net, PeftModel):
            return self._net.get_nb_trainable_parameters()
        every = sum(int(each.numel()) for each in self._net.parameters())
        return every, every

    def write(self, folder: Path, base: str) -> None:
        """Write the model, or the adapter with the path of its base as it is seen from there."""
        if isinstance(self._net, PeftModel):
            self._net.peft_config["default"].base_model_name_or_path = base
            self._net.save_pretrained(str(folder), save_embedding_layers=False)
            (folder / "README.md").unlink()  # peft's own, which knows nothing of what was learned
            _sort_targets(folder / "adapter_config.json")
        else:
            self._net.save_pretrained(folder)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """The weighted sum of -log p, over the sum of the step's weights."""
        ids, weights = inputs["input_ids"], inputs["weights"]
        learned = weights[:, 1:] > 0
        with self._only(torch.nn.functional.pad(learned, (0, 1))):
            logits = model(input_ids=ids, use_cache=False).logits
        lost = torch.nn.functional.cross_entropy(logits.float(), ids[:, 1:][learned], reduction="none")
        total = weights[:, 1:].sum() if num_items_in_batch is None else num_items_in_batch
        loss: torch.Tensor = (lost * weights[:, 1:][learned]).sum() / total
        if not torch.isfinite(loss):
            raise FitError(f"step {self.state.global_step + 1}: the loss is no number any more; {_LOWER}")
        return loss

    @contextmanager
    def _only(self, learned: torch.Tensor) -> Iterator[None]:
        """The output layer sees the positions that are learned and no other: with 50,000 tokens to choose from it is most of the work."""
        hook = self._head.register_forward_pre_hook(lambda _, given: (given[0][learned],))
        try:
            yield
        finally:
            hook.remove()

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Take the loss on the dev examples."""
        was, lost, total = self._net.training, 0.0, 0.0
        self._net.eval()
        with torch.no_grad():
            for batch in sorted_batches([len(row.input_ids) for row in self._dev], self._plan.batch * 2):
                inputs = self._prepare_inputs(self._collated([self._dev[at]._asdict() for at in batch]))
                weight = float(inputs["weights"][:, 1:].sum())
                lost += float(self.compute_loss(self._net, inputs)) * weight
                total += weight
        self._net.train(was)
        self.losses[-1] = self.losses[-1].model_copy(update={"dev_loss": lost / total, "seconds": self._seconds()})
        self._heard(self.losses[-1])
        self.control.should_evaluate = False  # done; else it would be taken again when the steps are over
        self.control.should_training_stop |= self.stopped_early
        return {}

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Keep the row of a step."""
        if "loss" not in logs:  # the summary at the end
            return
        step = self.state.global_step
        self.losses.append(
            Loss(
                step=step,
                loss=logs["loss"],
                learning_rate=logs["learning_rate"],
                tokens=self._read[min(step * self._plan.accumulate, len(self._read)) - 1],
                seconds=self._seconds(),
            )
        )
        self._heard(self.losses[-1])

    def get_train_dataloader(self) -> DataLoader[Any]:
        """All batches of all epochs, as one."""
        return DataLoader(self._rows, batch_sampler=self._batches, collate_fn=self._collated)

    def _seconds(self) -> float:
        return round(self._spent + time.monotonic() - self._began, 3)

    def _collated(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        return padded([(row["input_ids"], row["weights"]) for row in rows], self._pad)

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: torch.device) -> torch.Tensor | None:
        return sum((batch["weights"][:, 1:].sum() for batch in batch_samples), torch.tensor(0.0)).to(device)

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)  # type: ignore[no-untyped-call]
        if not torch.isfinite(torch.as_tensor(norm)):
            raise FitError(f"step {self.state.global_step + 1}: the gradient is no number any more; {_LOWER}")
        return norm

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        step = self.state.global_step
        with self._checkpoints.writing(step) as folder:
            self.write(folder, "")
            self._save_optimizer_and_scheduler(str(folder))
            self._save_rng_state(str(folder))
            self.state.save_to_json(str(folder / "trainer_state.json"))
            write_losses(self.losses, folder / _LOSSES)
        lowest = best(self.losses)
        self._checkpoints.prune(lowest.step if lowest else None)

    def _send_telemetry(self) -> None:
        """Nothing is sent."""


_LOWER = "lower fit.learning_rate, and remove the checkpoints or choose another folder"


class _Evaluations(TrainerCallback):
    """When the dev loss is taken and a checkpoint written: every so many steps, and at the end."""

    def __init__(self, steps: int, every: int, dev: bool) -> None:
        self._steps, self._every, self._dev = steps, every, dev

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        due = state.global_step % self._every == 0 or state.global_step == self._steps
        control.should_log = True
        control.should_save = due
        control.should_evaluate = due and self._dev


def _sort_targets(config: Path) -> None:
    """peft writes a set in the order it happens to have, and the same adapter would not have the same hash."""
    said = json.loads(config.read_text("utf-8"))
    if isinstance(said["target_modules"], list):
        said["target_modules"].sort()
        config.write_text(json.dumps(said, indent=2, sort_keys=True) + "\n", "utf-8")


def _arguments(plan: FitPlan, steps: int, folder: Path) -> SFTConfig:
    gpu = torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=plan.batch,
        gradient_accumulation_steps=plan.accumulate,
        num_train_epochs=1,
        max_steps=steps,
        learning_rate=plan.learning_rate,
        lr_scheduler_type="constant_with_warmup" if plan.schedule == "constant" else plan.schedule,
        warmup_steps=math.floor(plan.warmup * steps),  # the first of them learns nothing: its rate is 0
        weight_decay=plan.weight_decay,
        max_grad_norm=plan.clip,
        logging_steps=1,
        save_strategy="steps",
        save_steps=steps,
        report_to="none",
        disable_tqdm=True,
        seed=plan.seed,
        use_cpu=not gpu,
        bf16=gpu,
        activation_checkpointing=gpu,
        dataloader_pin_memory=gpu,
        remove_unused_columns=False,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        average_tokens_across_devices=False,
    )
