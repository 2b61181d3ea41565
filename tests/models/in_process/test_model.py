"""The `ChatModel` as everybody asks it: text, streams, counts, errors, likelihoods, and a specification's way to it."""

import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
import torch
from models.in_process.small import loaded, save_lora, write_note
from models.in_process.test_engine import MOVE
from transformers import AutoTokenizer, LlamaForCausalLM

from comity.models.in_process.answering import answered
from comity.models.in_process.engine import Engine, Reply, Request
from comity.models.in_process.folder import find
from comity.models.in_process.likelihood import Pair, grouped
from comity.models.in_process.model import InProcessModel
from comity.models.in_process.sampling import Way
from comity.models.protocol import (
    BadRequest,
    Completion,
    ContextExceeded,
    Message,
    ModelNotFound,
    Sampling,
    ServerFailed,
)
from comity.models.resolve import resolve

pytestmark = pytest.mark.anyio

TALK = (Message("system", "You are Ben."), Message("user", "Do you keep the book or the hat? " * 4))
DRAWN = Sampling(temperature=0.7, max_tokens=24, seed=5)


@pytest.fixture
async def model(tiny: Path) -> AsyncIterator[InProcessModel]:
    made = InProcessModel(find(f"hf:{tiny}"), device="cpu")
    yield made
    await made.aclose()


async def asked(
    model: InProcessModel, messages: Sequence[Message] = TALK, sampling: Sampling = DRAWN, **more: object
) -> Completion:
    return await model.complete(messages, schema=None, sampling=sampling, session="s", **more)  # type: ignore[arg-type]


async def test_a_reply_says_what_it_took_and_who_answered(model: InProcessModel) -> None:
    first = await asked(model)
    again = await asked(model)
    assert (first.text, first.finish_reason) == (again.text, again.finish_reason)
    assert first.prompt_tokens == model.count(TALK)
    assert (first.cached_tokens, first.completion_tokens, first.first_token_seconds) == (0, 24, None)
    assert again.cached_tokens == model.count(TALK) // 32 * 32
    assert (first.model, first.constrained) == (model.name, False)


async def test_a_prompt_that_goes_on_is_read_from_where_it_goes_on(model: InProcessModel) -> None:
    first = await asked(model)
    longer = (*TALK, Message("assistant", first.text), Message("user", "And now?"))
    second = await asked(model, longer)
    assert second.cached_tokens is not None
    assert second.cached_tokens >= (model.count(TALK) - 1) // 32 * 32
    fresh = InProcessModel(find(model.name), device="cpu")
    assert (await asked(fresh, longer)).text == second.text
    await fresh.aclose()


async def test_replies_in_company_are_those_given_alone(model: InProcessModel) -> None:
    found: dict[int, str] = {}

    async def one(seed: int) -> None:
        talk = (*TALK, Message("assistant", "No. " * seed), Message("user", "So?"))
        found[seed] = (await asked(model, talk, DRAWN.model_copy(update={"seed": seed}))).text

    async with anyio.create_task_group() as group:
        for seed in range(12):
            group.start_soon(one, seed)
    together = dict(found)
    for seed in range(0, 12, 3):
        await one(seed)
    assert found == together
    assert len(set(found.values())) == 12


async def test_a_stream_hears_the_text_in_pieces(model: InProcessModel) -> None:
    for seed in range(6):
        pieces: list[str] = []
        sampling = DRAWN.model_copy(update={"seed": seed, "temperature": 1.5})
        reply = await asked(model, sampling=sampling, stream=pieces.append)
        assert "".join(pieces) == reply.text
        assert len(pieces) > 3
        assert reply.first_token_seconds is not None
        assert 0 < reply.first_token_seconds <= reply.seconds


async def test_a_reply_to_a_schema_says_so_and_is_json(model: InProcessModel) -> None:
    body = {**MOVE.body, "properties": {**MOVE.body["properties"], "say": {"type": "string", "maxLength": 5}}}
    schema = type(MOVE)("move", body)
    reply = await model.complete(TALK, schema=schema, sampling=Sampling(seed=1), session="s")
    assert reply.constrained
    assert set(json.loads(reply.text)) == {"do", "books", "say"}


async def test_whoever_is_cancelled_leaves_the_others_room(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = InProcessModel(find(f"hf:{tiny}"), slots=1, device="cpu")
    await asked(model)
    steps, step, begun = 0, Engine.step, threading.Event()

    def counted(engine: Engine) -> None:
        nonlocal steps
        steps += 1
        begun.set()
        step(engine)

    monkeypatch.setattr(Engine, "step", counted)
    async with anyio.create_task_group() as group:
        group.start_soon(asked, model, TALK, Sampling(temperature=0, max_tokens=None))
        await anyio.to_thread.run_sync(begun.wait)
        group.cancel_scope.cancel()
    steps = 0
    assert (await asked(model)).completion_tokens == 24
    assert steps < 40  # the other would have gone on for 400
    await model.aclose()


def test_a_loop_that_is_closed_meanwhile_breaks_nobody_elses_reply() -> None:
    worker = Keeping()

    async def ask() -> None:
        with anyio.move_on_after(0):
            await answered(worker, [1], Way(), 1, matcher=None, decode=str, stream=None)  # type: ignore[arg-type]

    anyio.run(ask)
    (request,) = worker.requests
    request.done(Reply((1,), (0.0,), "stop", 0, 0.0))


class Keeping:
    """Stands where the worker does and answers nobody by itself."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def submit(self, request: Request) -> None:
        self.requests.append(request)


async def test_a_loop_that_cannot_be_told_for_another_reason_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Keeping()
    with anyio.move_on_after(0):
        await answered(worker, [1], Way(), 1, matcher=None, decode=str, stream=None)  # type: ignore[arg-type]

    def refuses(*args: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(asyncio.get_running_loop(), "call_soon_threadsafe", refuses)
    try:
        with pytest.raises(RuntimeError, match="no"):
            worker.requests[0].done(Reply((1,), (0.0,), "stop", 0, 0.0))
    finally:
        monkeypatch.undo()


async def test_a_prompt_that_leaves_no_room_is_told_with_its_length(model: InProcessModel) -> None:
    with pytest.raises(ContextExceeded, match=r"a prompt of 1,\d\d\d tokens leaves no room .* window of 512"):
        await asked(model, (Message("user", "~" * 1500),))


async def test_what_a_server_takes_but_this_does_not_is_refused(model: InProcessModel) -> None:
    with pytest.raises(BadRequest, match="is not told repeat_penalty"):
        await asked(model, sampling=Sampling(extra={"repeat_penalty": 1.1}))
    assert (await asked(model, sampling=Sampling(extra={"top_k": 1}, max_tokens=3))).completion_tokens == 3


async def test_a_model_without_a_chat_template_is_told_with_its_folder_and_still_has_likelihoods(
    tmp_path: Path, tiny: Path
) -> None:
    bare = Path(shutil.copytree(tiny, tmp_path / "bare"))
    (bare / "chat_template.jinja").unlink()
    model = InProcessModel(find(f"hf:{bare}"), device="cpu")
    with pytest.raises(ModelNotFound, match=r"bare: its chat template cannot be used.*chat_template\.jinja beside"):
        await asked(model)
    assert len(model.log_likelihoods([("Do you", " keep")])) == 1
    await model.aclose()


async def test_a_thread_that_breaks_is_a_fault_of_the_server_to_everyone(
    model: InProcessModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asked(model)
    broken: list[str] = []

    async def one() -> None:
        with pytest.raises(ServerFailed, match=r"hf:.* broke: RuntimeError: out of memory"):
            await asked(model)
        broken.append("told")

    def breaks(self: object) -> None:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr("comity.models.in_process.engine.Engine.step", breaks)
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(one)
    assert len(broken) == 5
    assert (await asked(model)).completion_tokens == 24


async def test_likelihoods_are_the_models_own(model: InProcessModel, tiny: Path) -> None:
    pairs = [
        ("Do you keep the book?", " Deal"),
        ("Do you keep the book?", " I agree."),
        ("Do you keep the hat? " * 9, " You keep the book and I keep the hat."),
        ("Do you", " I"),
        ("Do you ", "keep"),
        ("", "Paris"),
    ]
    plain, tokenizer = LlamaForCausalLM.from_pretrained(tiny), AutoTokenizer.from_pretrained(tiny)
    for (prompt, continuation), (total, count) in zip(pairs, model.log_likelihoods(pairs), strict=True):
        bare = prompt.rstrip()
        whole = ([] if prompt else [0]) + tokenizer.encode(prompt + continuation)
        start = len(tokenizer.encode(bare)) or 1
        logs = torch.log_softmax(plain(input_ids=torch.tensor([whole])).logits[0].detach(), dim=-1)
        expected = sum(float(logs[at - 1, whole[at]]) for at in range(start, len(whole)))
        assert count == len(whole) - start
        assert total == pytest.approx(expected, abs=1e-4)


async def test_likelihoods_are_bitwise_the_same_whatever_else_is_asked(model: InProcessModel) -> None:
    pairs = [(f"Do you keep book {at}? " * (at % 7 + 1), f" Deal {'yes ' * (at % 3)}") for at in range(40)]
    together = model.log_likelihoods(pairs)
    assert [model.log_likelihoods([pair])[0] for pair in pairs] == together


async def test_no_more_texts_are_read_together_than_there_is_memory_for(tiny: Path) -> None:
    read = [Pair(tuple(range(at, at + 10 + 40 * (at % 9))), 5) for at in range(100)]
    groups = list(grouped(read, loaded(tiny)))
    longest = [max(len(tokens) for tokens in group) for group in groups]
    assert all(len(group) * length <= 4096 + 64 * len(group) for group, length in zip(groups, longest, strict=True))
    assert longest == sorted(longest)
    assert sorted(at for group in groups for served in group.values() for at in served) == list(range(100))


async def test_texts_that_others_begin_with_are_read_once(tiny: Path) -> None:
    read = [Pair((5, 6, 7, answer), 3) for answer in range(4)] + [Pair((5, 6, 7, 1, 2), 3), Pair((6, 7), 1)]
    (group,) = grouped(read, loaded(tiny))
    assert {tokens: sorted(served) for tokens, served in group.items()} == {(5, 6, 7, 1): [0, 1, 2, 3, 4], (6,): [5]}


async def test_likelihoods_of_what_does_not_fit_or_is_empty_are_refused(model: InProcessModel) -> None:
    with pytest.raises(ContextExceeded, match="does not fit a window of 512"):
        model.log_likelihoods([("~" * 600, " Deal")])
    with pytest.raises(BadRequest, match="no continuation"):
        model.log_likelihoods([("Do you keep it?", "")])


async def test_the_window_is_the_models(model: InProcessModel) -> None:
    assert model.window == 512


def test_a_specification_leads_to_the_model_with_style_and_sampling(tmp_path: Path, tiny: Path) -> None:
    plain = resolve(f"hf:{tiny}")
    assert (plain.style, plain.sampling, plain.slots) == ("chat", Sampling(max_tokens=256), 32)
    assert plain.endpoint == plain.model.name == find(f"hf:{tiny}").name
    adapter = resolve(f"adapter:{save_lora(tmp_path / 'lora', tiny)}")
    assert (adapter.style, adapter.sampling.temperature, adapter.sampling.max_tokens) == ("compact", 0.7, 96)
    assert resolve(adapter.model.name).model.name == adapter.model.name


async def test_an_adapter_answers_otherwise_than_its_base(tmp_path: Path, tiny: Path) -> None:
    whole = Path(shutil.copytree(tiny, tmp_path / "whole"))
    write_note(whole, kind="full", base=f"hf:{tiny}", base_sha256="0" * 64)
    specs = (f"hf:{tiny}", f"adapter:{save_lora(tmp_path / 'lora', tiny)}", f"adapter:{whole}")
    texts = []
    for spec in specs:
        found = resolve(spec, {"COMITY_DEVICE": "cpu"}).model
        texts.append((await found.complete(TALK, schema=None, sampling=DRAWN, session="s")).text)
        await found.aclose()
    assert texts[0] == texts[2] != texts[1]


def test_no_servers_adapter_is_taken(tiny: Path) -> None:
    with pytest.raises(ModelNotFound, match="takes no adapter"):
        resolve(f"hf:{tiny}", adapter="ours")


def test_the_number_of_threads_is_a_number(tiny: Path) -> None:
    for said in ("many", "0", "-2"):
        with pytest.raises(ModelNotFound, match=f"COMITY_TORCH_THREADS is '{said}'; it is a number of threads"):
            resolve(f"hf:{tiny}", {"COMITY_TORCH_THREADS": said})


async def test_likelihoods_take_no_more_threads_than_replies(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    forward = LlamaForCausalLM.forward

    def counted(*args: object, **more: object) -> object:
        counts.append(torch.get_num_threads())
        return forward(*args, **more)

    monkeypatch.setattr(LlamaForCausalLM, "forward", counted)
    found = resolve(f"hf:{tiny}", {"COMITY_TORCH_THREADS": "3", "COMITY_DEVICE": "cpu"}).model
    assert isinstance(found, InProcessModel)
    torch.set_num_threads(5)
    try:
        assert found.window
        counts.clear()
        found.log_likelihoods([("You keep", " the book")])
        assert counts == [3]
    finally:
        torch.set_num_threads(1)
        await found.aclose()
