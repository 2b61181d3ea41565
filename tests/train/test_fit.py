"""A fit from a base to a folder that plays: what is minimised, what is written, and that chance, a kill or a full disk changes nothing of it."""

import gc
import json
import os
import resource
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from train.fitting import conversation, conversations, plan, tiny_model

from comity.models.chat_templates import ChatTemplate, TemplateError
from comity.models.in_process.folder import find, read_note
from comity.models.in_process.loading import load_found
from comity.models.protocol import ModelNotFound, Sampling
from comity.train.batches import ordered
from comity.train.examples import Example, example_of_text
from comity.train.fit import FitError, FitPlan, Fitted, Progress, fit
from comity.train.losses import read_losses
from comity.train.masks import tokenised
from comity.train.offline import offline

LEARN, DEV = conversations(40), conversations(8, 1000)
LORA = {"rank": 4, "alpha": 8, "dropout": 0.2, "targets": "all-linear"}


@pytest.fixture(scope="module", autouse=True)
def few_objects() -> None:
    """The trainer collects garbage at every beginning, which takes half a second with all the modules there are; they are set aside, like
    those that are loaded before it (conftest.py).
    """
    with offline():
        import comity.train.trainer  # noqa: F401
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def whole(base: str, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Two epochs that nothing disturbed."""
    return fitted(base, tmp_path_factory.mktemp("whole"), plan(epochs=2))


@pytest.fixture(scope="module")
def adapter(base: str, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    return fitted(base, tmp_path_factory.mktemp("adapter"), plan("lora", **LORA))


def fitted(base: str, folder: Path, how: FitPlan, note: Callable[[Progress], None] = lambda _: None) -> Fitted:
    sampling = Sampling(temperature=0.7, max_tokens=96)
    return fit(base, LEARN, DEV, how, folder / "model", style="chat", sampling=sampling, note=note)


def lost(made: Fitted) -> list[tuple[int, float, float | None]]:
    return [(row.step, row.loss, row.dev_loss) for row in read_losses(made.path / "losses.json")]


def weights(made: Fitted) -> bytes:
    (file,) = made.path.glob("*.safetensors")
    return file.read_bytes()


def loss_of(spec: str, examples: tuple[Example, ...]) -> float:
    """By the definition: the mean of -log p over the tokens that are learned, each weighed by its weight."""
    with offline():
        loaded = load_found(find(spec), device="cpu")
    template, above, below = ChatTemplate(loaded.tokenizer, spec), 0.0, 0.0
    for example in examples:
        tokens = tokenised(example, template, loaded.window)
        with torch.no_grad():
            logits = loaded.model(input_ids=torch.tensor([tokens.input_ids])).logits[0]
        said = torch.log_softmax(logits, -1)
        for at in range(1, len(tokens.input_ids)):
            above -= tokens.weights[at] * float(said[at - 1, tokens.input_ids[at]])
            below += tokens.weights[at]
    return above / below


def test_it_learns_and_says_what_it_did(base: str, whole: Fitted) -> None:
    rows = read_losses(whole.path / "losses.json")
    assert [row.step for row in rows] == list(range(1, 21))
    assert rows[-1].loss < rows[0].loss / 2
    assert [row.step for row in rows if row.dev_loss is not None] == [4, 8, 12, 16, 20]
    assert rows[-1].tokens == 2 * whole.record.train.tokens
    record = whole.record
    assert (record.train.examples, record.train.empty, record.train.cut) == (40, 0, 0)
    assert record.train.learned == sum(example.learned for example in LEARN)
    assert (record.steps, record.best_step, record.stopped_early) == (20, 20, False)
    assert record.trained == record.parameters > 20_000
    assert (record.device, record.system) == ("cpu", "own message")
    assert record.base_sha256 == read_note(whole.path).base_sha256
    assert set(record.versions) == {"comity", "torch", "transformers", "peft", "trl", "tokenizers"}
    assert "<svg" in (whole.path / "losses.svg").read_text()
    assert not list(whole.path.parent.glob("*.part")), "checkpoints are removed once the folder is whole"


def test_what_is_minimised_is_the_weighted_loss_on_replies(base: str, whole: Fitted) -> None:
    """The first step's loss is that of the base on the first batch, and a dev loss that of the model on all dev examples."""
    template = ChatTemplate(load_found(find(base), device="cpu").tokenizer, base)
    lengths = [len(tokenised(example, template, 128).input_ids) for example in LEARN]
    first = ordered(lengths, 4, 2, seed=1)[0]
    assert loss_of(base, tuple(LEARN[at] for at in first)) == pytest.approx(lost(whole)[0][1], abs=1e-5)
    assert loss_of(whole.spec, DEV) == pytest.approx(lost(whole)[-1][2], abs=1e-5)


def test_a_reply_counts_as_much_as_its_weight_says(whole: Fitted, tmp_path: Path) -> None:
    """A step over batches that are gathered is the step over one batch of them all: weights are not averaged twice."""
    unequal = tuple(
        each.model_copy(update={"weights": tuple(w * 9**at for at, w in enumerate(each.weights))}) for each in LEARN
    )
    gathered = plan(batch=1, accumulate=40, max_steps=1, warmup=0.0)
    together = plan(batch=40, max_steps=1, warmup=0.0)
    one = fit(whole.spec, unequal, (), gathered, tmp_path / "a", style="chat")
    other = fit(whole.spec, unequal, (), together, tmp_path / "b", style="chat")
    expected = loss_of(whole.spec, unequal)
    assert (one.record.loss, other.record.loss) == pytest.approx((expected, expected), abs=1e-5)
    assert abs(loss_of(whole.spec, LEARN) - expected) > 1e-3


def test_a_fit_of_one_step_learns(whole: Fitted, tmp_path: Path) -> None:
    """A warm-up of less than a step is none: it would be all there is, at a rate of 0."""
    one = fit(whole.spec, LEARN, (), plan(batch=40, max_steps=1, warmup=0.05), tmp_path / "one", style="chat")
    assert weights(one) != weights(whole)


def test_the_folder_plays_as_it_was_trained(base: str, whole: Fitted, adapter: Fitted) -> None:
    for made, kind in ((whole, "full"), (adapter, "lora")):
        note = read_note(made.path)
        assert (note.kind, note.style, note.sampling.temperature) == (kind, "chat", 0.7)
        assert not Path(note.base.removeprefix("hf:")).is_absolute()
        found = find(f"adapter:{made.path}")
        assert found.name == made.spec
        assert (found.base is not None) == (kind == "lora")
        assert loss_of(made.spec, DEV) == pytest.approx(made.record.dev_loss, abs=1e-5)
        assert loss_of(made.spec, DEV) < loss_of(base, DEV)


def test_an_adapter_trains_itself_alone(adapter: Fitted) -> None:
    assert adapter.record.trained < adapter.record.parameters / 4
    assert sorted(path.name for path in adapter.path.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "chat_template.jinja",
        "comity.json",
        "fit.json",
        "losses.json",
        "losses.svg",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    said = json.loads((adapter.path / "adapter_config.json").read_text())
    assert said["target_modules"] == sorted(said["target_modules"])
    assert not Path(said["base_model_name_or_path"]).is_absolute()


def test_an_adapter_is_trained_on_with_the_weights_it_has(adapter: Fitted, tmp_path: Path) -> None:
    onward = fit(adapter.spec, LEARN, DEV, plan("lora", **LORA), tmp_path / "on", style="chat")
    assert lost(onward)[-1][1] < lost(adapter)[-1][1]
    assert read_note(onward.path).base_sha256 == read_note(adapter.path).base_sha256
    assert onward.record.base_sha256 != adapter.record.base_sha256
    with pytest.raises(FitError, match="rank 8"):
        fit(adapter.spec, LEARN, DEV, plan("lora", **LORA | {"rank": 8}), tmp_path / "other", style="chat")
    with pytest.raises(FitError, match="merge it first"):
        fit(adapter.spec, LEARN, DEV, plan("full"), tmp_path / "other", style="chat")


def test_a_model_that_was_fitted_is_fitted_on(whole: Fitted, tmp_path: Path) -> None:
    onward = fit(whole.spec, LEARN, DEV, plan(max_steps=2), tmp_path / "on", style="chat")
    assert onward.record.loss < lost(whole)[0][1] / 2


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(adapter: Fitted, base: str, tmp_path: Path) -> None:
    again = fitted(base, tmp_path, plan("lora", **LORA))
    assert (lost(again), weights(again)) == (lost(adapter), weights(adapter))
    assert again.spec.partition("@")[2] == adapter.spec.partition("@")[2]
    (tmp_path / "more").mkdir()
    assert lost(fitted(base, tmp_path / "more", plan("lora", **LORA, seed=2))) != lost(adapter)


class Stopped(Exception):
    """In place of a crash."""


def stopping_at(step: int) -> Callable[[Progress], None]:
    def note(heard: Progress) -> None:
        if heard.step == step:
            raise Stopped

    return note


@pytest.mark.parametrize("step", [4, 7, 20])
def test_what_was_stopped_at_any_step_goes_on_as_if_it_had_not_been(
    base: str, whole: Fitted, tmp_path: Path, step: int
) -> None:
    with pytest.raises(Stopped):
        fitted(base, tmp_path, plan(epochs=2), stopping_at(step))
    assert not (tmp_path / "model").exists()
    heard = list[Progress]()
    again = fitted(base, tmp_path, plan(epochs=2), heard.append)
    assert min(each.step for each in heard) == (step - 1) // 4 * 4 + 1
    assert (lost(again), weights(again)) == (lost(whole), weights(whole))


def test_so_does_an_adapter_with_its_dropout(base: str, adapter: Fitted, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        fitted(base, tmp_path, plan("lora", **LORA), stopping_at(6))
    again = fitted(base, tmp_path, plan("lora", **LORA))
    assert (lost(again), weights(again)) == (lost(adapter), weights(adapter))


def test_a_kill_loses_nothing(base: str, whole: Fitted, tmp_path: Path) -> None:
    def kill(heard: Progress) -> None:
        if heard.step == 10:
            os.kill(os.getpid(), signal.SIGKILL)

    if (child := os.fork()) == 0:
        fitted(base, tmp_path, plan(epochs=2), kill)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert sorted(path.name for path in (tmp_path / "model.part").iterdir()) == [
        "checkpoint-4",
        "checkpoint-8",
        "digest",
    ]
    again = fitted(base, tmp_path, plan(epochs=2))
    assert (lost(again), weights(again)) == (lost(whole), weights(whole))


@pytest.mark.parametrize("file", ["model.safetensors", "files.json"])
def test_a_damaged_checkpoint_is_passed_over_and_that_is_said(
    base: str, whole: Fitted, tmp_path: Path, file: str
) -> None:
    with pytest.raises(Stopped):
        fitted(base, tmp_path, plan(epochs=2), stopping_at(9))
    damaged = tmp_path / "model.part" / "checkpoint-8" / file
    damaged.write_bytes(damaged.read_bytes()[:-20])
    heard = list[Progress]()
    again = fitted(base, tmp_path, plan(epochs=2), heard.append)
    assert heard[0].remark.startswith("checkpoint-8 is damaged (")
    assert file in heard[0].remark
    assert heard[0].remark.endswith("; going on from step 4")
    assert (heard[1].step, heard[1].remark) == (5, "")
    (kept,) = again.record.remarks
    assert heard[0].remark.startswith(kept)
    assert (lost(again), weights(again)) == (lost(whole), weights(whole))


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As on a disk that is full: nothing longer can be written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_said_and_the_last_checkpoint_is_kept(base: str, whole: Fitted, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        fitted(base, tmp_path, plan(epochs=2), stopping_at(7))
    with files_of_at_most(30_000), pytest.raises(FitError, match="cannot be written") as refused:
        fitted(base, tmp_path, plan(epochs=2))
    assert "make room" in str(refused.value)
    assert sorted(path.name for path in (tmp_path / "model.part").iterdir()) == ["checkpoint-4", "digest"]
    assert not (tmp_path / "model").exists()
    again = fitted(base, tmp_path, plan(epochs=2))
    assert (lost(again), weights(again)) == (lost(whole), weights(whole))


def test_a_loss_that_is_no_number_stops_it_and_the_checkpoint_before_is_kept(base: str, tmp_path: Path) -> None:
    """The weights of one example add up to more than there are numbers for; it is in the sixth batch."""
    template = ChatTemplate(load_found(find(base), device="cpu").tokenizer, base)
    at = ordered([len(tokenised(example, template, 128).input_ids) for example in LEARN], 4, 1, seed=1)[5][0]
    much = tuple(3e38 * (weight > 0) for weight in LEARN[at].weights)
    examples = (*LEARN[:at], LEARN[at].model_copy(update={"weights": much}), *LEARN[at + 1 :])
    with pytest.raises(FitError, match=r"step 6: the loss is no number any more; lower fit\.learning_rate"):
        fit(base, examples, DEV, plan(), tmp_path / "model", style="chat")
    assert (tmp_path / "model.part" / "checkpoint-4" / "model.safetensors").exists()
    assert not (tmp_path / "model").exists()


def test_it_stops_where_the_dev_loss_does_not_fall_and_goes_back_to_the_best(base: str, tmp_path: Path) -> None:
    """What is learned is the opposite of what the dev examples say."""
    other = tuple(
        each.model_copy(
            update={
                "messages": tuple(
                    said.model_copy(update={"content": {"accept": "leave"}.get(said.content, said.content).swapcase()})
                    if said.role == "assistant"
                    else said
                    for said in each.messages
                )
            }
        )
        for each in DEV
    )
    how = plan(epochs=20, patience=2, checkpoints=1, learning_rate=1e-2)
    made = fit(base, LEARN, other, how, tmp_path / "model", style="chat")
    taken = {row.step: row.dev_loss for row in read_losses(made.path / "losses.json") if row.dev_loss is not None}
    best = min(taken, key=lambda step: taken[step])
    assert made.record.stopped_early
    assert made.record.best_step == best == made.record.steps - 8
    assert made.record.dev_loss == taken[best] < taken[made.record.steps]
    assert loss_of(made.spec, other) == pytest.approx(taken[best], abs=1e-5)

    def damage(heard: Progress) -> None:
        if heard.step == best + 5:
            (tmp_path / "again.part" / f"checkpoint-{best}" / "model.safetensors").write_bytes(b"")

    with pytest.raises(FitError, match=rf"checkpoint-{best}, the best, is damaged \(model.safetensors\)"):
        fit(base, LEARN, other, how, tmp_path / "again", style="chat", note=damage)


def test_a_fit_that_is_done_is_not_made_again_and_none_is_overwritten(base: str, whole: Fitted) -> None:
    heard = list[Progress]()
    again = fitted(base, whole.path.parent, plan(epochs=2), heard.append)
    assert (again, heard) == (whole, [])
    with pytest.raises(FitError, match="holds another fit"):
        fitted(base, whole.path.parent, plan(epochs=3))


def test_checkpoints_of_another_fit_are_not_gone_on_from(base: str, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        fitted(base, tmp_path, plan(), stopping_at(5))
    with pytest.raises(FitError, match="checkpoints of another fit"):
        fitted(base, tmp_path, plan(learning_rate=1e-4))


def test_nothing_is_sent_or_fetched(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was asked for")

    from trl.trainer import base_trainer

    monkeypatch.setattr(base_trainer, "send_telemetry", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    fitted(base, tmp_path, plan("lora", **LORA, max_steps=1))
    assert "HF_HUB_OFFLINE" not in os.environ


def test_what_cannot_be_fitted_says_what_to_do(base: str, tmp_path: Path) -> None:
    into = tmp_path / "model"
    nothing = (conversation(1).model_copy(update={"weights": (0.0,) * len(conversation(1).messages)}),)
    with pytest.raises(FitError, match=r"method qlora needs a GPU.*use method lora or full"):
        fit(base, LEARN, DEV, plan("qlora"), into, style="chat")
    with pytest.raises(FitError, match=r"set fit\.cutoff to 128 at most"):
        fit(base, LEARN, DEV, plan(cutoff=4096), into, style="chat")
    with pytest.raises(FitError, match="nothing to learn in 0 examples"):
        fit(base, (), (), plan(), into, style="chat")
    with pytest.raises(FitError, match="nothing to learn in 1 examples: no reply has a weight"):
        fit(base, nothing, (), plan(), into, style="chat")
    with pytest.raises(FitError, match="longer than cutoff 10"):
        fit(base, LEARN, (), plan(cutoff=10), into, style="chat")
    with pytest.raises(FitError, match="there are no dev examples"):
        fit(base, LEARN, (), plan(patience=1), into, style="chat")
    with pytest.raises(ModelNotFound, match="there is no"):
        fit("hf:nowhere/at-all", LEARN, (), plan(), into, style="chat")
    assert not into.exists()


def test_a_base_without_a_chat_template_or_with_half_its_weights_is_named(base: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(base.removeprefix("hf:"), copy)
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(TemplateError, match="copy: its chat template cannot be used"):
        fit(f"hf:{copy}", LEARN, (), plan(), tmp_path / "model", style="chat")
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(FitError, match="copy cannot be loaded"):
        fit(f"hf:{copy}", LEARN, (), plan(), tmp_path / "model", style="chat")


def test_texts_are_learned_beside_conversations(base: str, tmp_path: Path) -> None:
    texts = tuple(example_of_text(f"After {n} comes {n + 1}.") for n in range(8))
    made = fit(base, (*LEARN[:8], *texts), texts, plan(epochs=4), tmp_path / "model", style="chat")
    first, *_, last = [loss for _, _, loss in lost(made) if loss is not None]
    assert last < first
    assert made.record.train.learned == 8 + sum(each.learned for each in LEARN[:8])
