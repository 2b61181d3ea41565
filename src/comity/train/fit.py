"""Fitting a model to examples: from a base to a folder that `adapter:PATH` plays. One call, and after a kill the same call goes on.

What is learned from is made in `examples`, the numbers are in `settings`. Here they are checked, trained with (`trainer`) and written
down. Beside the folder stands `NAME.part` with the checkpoints while it goes on.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import ValidationError

from comity import __version__
from comity.models.chat_templates import ChatTemplate
from comity.models.in_process.folder import AdapterNote, Found, find, weights_hash
from comity.models.protocol import Sampling
from comity.train.checkpoints import Checkpoints
from comity.train.examples import Example, examples_hash
from comity.train.folders import FolderError, disk_errors, made_whole, out_of_room
from comity.train.losses import Loss, best, draw, write_losses
from comity.train.masks import Tokens, tokenised
from comity.train.settings import PRESETS, FitError, FitPlan
from comity.world.record import Record, content_hash

if TYPE_CHECKING:
    from comity.train.bases import Base
    from comity.train.trainer import WeightedTrainer

__all__ = ["PRESETS", "Counts", "FitError", "FitPlan", "FitRecord", "Fitted", "Progress", "check_machine", "fit"]

_RECORD = "fit.json"


class Progress(NamedTuple):
    """What is heard of a fit: a step or an evaluation, or a remark."""

    step: int
    steps: int
    loss: Loss | None = None
    """`None` with a remark."""
    remark: str = ""
    """Such as a damaged checkpoint that was passed over."""


class Counts(Record):
    """What became of the examples."""

    examples: int
    learned: int
    """Replies, and texts."""
    tokens: int
    """Of one epoch, prompts included."""
    weighted_tokens: int
    """Those that are learned."""
    empty: int
    """Examples with nothing to learn: no reply with a weight, or none that fits."""
    cut: int
    """Replies that did not fit the cutoff, and texts whose end did not."""


class FitRecord(Record):
    """What a fit was made of and came to: `fit.json`."""

    digest: str
    """SHA-256 over all that decides it: plan, examples, dev examples, base, style and sampling."""
    plan: FitPlan
    base_sha256: str
    """Of what it began from; of an adapter that was trained on, the adapter's."""
    examples_sha256: str
    dev_sha256: str
    style: str
    system: Literal["own message", "before the first user message"]
    """How the template takes the system message."""
    train: Counts
    dev: Counts
    steps: int
    best_step: int
    """The step whose weights these are."""
    stopped_early: bool
    loss: float
    """Of that step."""
    dev_loss: float | None
    tokens: int
    """Read in all steps, prompts included."""
    seconds: float
    trained: int
    """How many parameters."""
    parameters: int
    device: str
    threads: int
    versions: dict[str, str]
    remarks: tuple[str, ...] = ()


class Fitted(NamedTuple):
    """A model that was fitted."""

    path: Path
    spec: str
    """`adapter:PATH@HASH`."""
    record: FitRecord


@dataclass(frozen=True, slots=True)
class _Request:
    found: Found
    examples: Sequence[Example]
    dev: Sequence[Example]
    plan: FitPlan
    into: Path
    style: str
    sampling: Sampling

    @property
    def begins_from(self) -> str:
        return weights_hash(self.found.path)

    def digest(self) -> str:
        return content_hash(
            _Identity(
                plan=self.plan,
                base=self.begins_from,
                under=weights_hash(self.found.base.path) if self.found.base else "",
                examples=examples_hash(self.examples),
                dev=examples_hash(self.dev),
                style=self.style,
                sampling=self.sampling,
            )
        )


class _Identity(Record):
    plan: FitPlan
    base: str
    under: str
    examples: str
    dev: str
    style: str
    sampling: Sampling


def fit(
    base: str,
    examples: Sequence[Example],
    dev: Sequence[Example],
    plan: FitPlan,
    into: Path,
    *,
    style: str,
    sampling: Sampling | None = None,
    note: Callable[[Progress], None] = lambda _: None,
) -> Fitted:
    """Fit a model to examples. Where the same call was made before, it goes on from where that stood, or gives what that made.

    Args:
        base: `hf:PATH` or `adapter:PATH`; an adapter is trained on, if the plan's method is an adapter's.
        dev: examples that are not learned but show when to stop; may be empty where the plan has no patience.
        into: the folder to make: an adapter or a model, its tokenizer, `comity.json`, `fit.json`, `losses.json`, `losses.svg`.
        style: the prompt style that the examples are in; with `sampling`, how `adapter:PATH` is played unless said otherwise.
        note: hears of every step.

    On a CPU the same call gives the same losses and weights, bit by bit, with the same number of threads and versions.

    Raises `FitError`, `TemplateError` where the chat template cannot be used, `ModelNotFound` where there is no base.
    """
    request = _Request(find(base), examples, dev, plan, into, style, sampling or Sampling())
    digest = request.digest()
    if (done := _done(into, digest)) is not None:
        return done
    check_machine(plan)
    part = into.with_name(f"{into.name}.part")
    try:
        fitted = _fitted(request, digest, part, note)
        shutil.rmtree(part, ignore_errors=True)
    except FolderError as error:
        raise FitError(str(error)) from error
    except disk_errors() as error:
        if why := out_of_room(error):
            raise FitError(
                f"{into} cannot be written ({why}); the last checkpoint is kept: make room and go on"
            ) from error
        raise
    return fitted


def _done(into: Path, digest: str) -> Fitted | None:
    path = into / _RECORD
    if not path.exists():
        return None
    try:
        record = FitRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise FitError(f"{path} cannot be read ({error}); remove {into}") from None
    if record.digest != digest:
        raise FitError(f"{into} holds another fit: plan, examples or base differ; choose another folder, or remove it")
    return Fitted(into, find(f"adapter:{into}").name, record)


def _begin(part: Path, digest: str) -> None:
    """Whose checkpoints these are is written down, so that no other fit goes on from them."""
    about = part / "digest"
    part.mkdir(parents=True, exist_ok=True)
    if about.exists() and (kept := about.read_text("utf-8")) and kept != digest:
        raise FitError(
            f"{part} holds checkpoints of another fit: plan, examples or base differ; remove it to begin anew"
        )
    about.write_text(digest, "utf-8")


def check_machine(plan: FitPlan) -> None:
    """Raise `FitError` where this machine cannot fit so."""
    import torch

    if plan.method == "qlora" and not torch.cuda.is_available():
        raise FitError("method qlora needs a GPU, and torch finds none here; use method lora or full (preset lora-cpu)")
    if plan.patience and plan.max_steps and plan.max_steps < plan.evaluate_every:
        raise FitError(f"patience waits for evaluations, and max_steps {plan.max_steps} is over before the first")
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise FitError("several processes would each fit the whole; start one, and let it have one GPU")


def _fitted(request: _Request, digest: str, part: Path, note: Callable[[Progress], None]) -> Fitted:
    from comity.train.offline import offline

    plan = request.plan
    with offline():
        from comity.train.bases import load_base
        from comity.train.trainer import WeightedTrainer

        base = load_base(request.found, plan)
        if plan.cutoff > base.window:
            raise FitError(
                f"cutoff {plan.cutoff} is longer than the model's window; set fit.cutoff to {base.window} at most"
            )
        template = ChatTemplate(base.tokenizer, str(request.found.path))
        train, counts = _tokens(request.examples, template, plan.cutoff)
        dev, dev_counts = _tokens(request.dev, template, plan.cutoff)
        _check_data(plan, counts, dev_counts)
        _begin(part, digest)
        checkpoints = Checkpoints(part, plan.checkpoints)
        trainer: WeightedTrainer = WeightedTrainer(
            base, train, dev, plan, checkpoints, part, lambda loss: note(Progress(loss.step, trainer.steps, loss))
        )
        newest = checkpoints.newest()
        for remark in checkpoints.damaged:
            note(Progress(newest or 0, trainer.steps, remark=f"{remark}; going on from step {newest or 0}"))
        trainer.fit(newest)
        with made_whole(request.into) as folder:
            remarks = _write(request, base, trainer, folder)
            record = _record(request, digest, template, counts, dev_counts, trainer, (*checkpoints.damaged, *remarks))
            (folder / _RECORD).write_text(record.model_dump_json(indent=1) + "\n", "utf-8")
    return Fitted(request.into, find(f"adapter:{request.into}").name, record)


def _tokens(examples: Sequence[Example], template: ChatTemplate, cutoff: int) -> tuple[list[Tokens], Counts]:
    rows = [tokenised(example, template, cutoff) for example in examples]
    kept = [row for row in rows if any(row.weights[1:])]
    counts = Counts(
        examples=len(rows),
        learned=sum(row.learned for row in kept),
        tokens=sum(len(row.input_ids) for row in kept),
        weighted_tokens=sum(weight > 0 for row in kept for weight in row.weights[1:]),
        empty=len(rows) - len(kept),
        cut=sum(row.cut for row in rows),
    )
    return kept, counts


def _check_data(plan: FitPlan, train: Counts, dev: Counts) -> None:
    if not train.learned:
        why = f"{train.cut} replies are longer than cutoff {plan.cutoff}" if train.cut else "no reply has a weight"
        raise FitError(f"there is nothing to learn in {train.examples} examples: {why}; keep more, or raise fit.cutoff")
    if plan.patience and not dev.learned:
        raise FitError(
            "patience stops where the dev loss does not fall, and there are no dev examples; give some, or patience 0"
        )


def _write(request: _Request, base: "Base", trainer: "WeightedTrainer", folder: Path) -> list[str]:
    """All files but the record; what there is to say of them."""
    on = request.found.base or request.found
    below = os.path.relpath(on.path.resolve(), request.into.resolve())
    kind: Literal["lora", "full"] = "full" if request.plan.method == "full" else "lora"
    trainer.write(folder, below)
    base.tokenizer.save_pretrained(folder)
    said = AdapterNote(
        kind=kind, base=f"hf:{below}", base_sha256=weights_hash(on.path), style=request.style, sampling=request.sampling
    )
    (folder / "comity.json").write_text(said.model_dump_json(indent=1) + "\n", "utf-8")
    write_losses(trainer.losses, folder / "losses.json")
    remark = draw(trainer.losses, folder / "losses.svg")
    return [remark] if remark else []


def _record(
    request: _Request,
    digest: str,
    template: ChatTemplate,
    train: Counts,
    dev: Counts,
    trainer: "WeightedTrainer",
    remarks: Sequence[str],
) -> FitRecord:
    import torch

    rows = trainer.losses
    lowest = best(rows) if request.plan.patience else None
    kept = lowest or rows[-1]
    return FitRecord(
        digest=digest,
        plan=request.plan,
        base_sha256=request.begins_from,
        examples_sha256=examples_hash(request.examples),
        dev_sha256=examples_hash(request.dev),
        style=request.style,
        system="before the first user message" if template.folded else "own message",
        train=train,
        dev=dev,
        steps=rows[-1].step,
        best_step=kept.step,
        stopped_early=trainer.stopped_early and rows[-1].step < trainer.steps,
        loss=kept.loss,
        dev_loss=kept.dev_loss,
        tokens=rows[-1].tokens,
        seconds=rows[-1].seconds,
        trained=trainer.parameters[0],
        parameters=trainer.parameters[1],
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        threads=torch.get_num_threads(),
        versions={name: version(name) for name in ("torch", "transformers", "peft", "trl", "tokenizers")}
        | {"comity": __version__},
        remarks=tuple(remarks),
    )
