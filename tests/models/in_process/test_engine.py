"""Many replies at once: the same as alone to the last bit, from the cache or not; within its limits; and what goes wrong stays with whom it concerns."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from models.in_process.small import Answers, engine_of, loaded, reply_to

from comity.models.in_process.engine import Limits, Reply, Request
from comity.models.in_process.grammar import Grammars
from comity.models.in_process.sampling import Way
from comity.models.protocol import BadRequest, ModelError, ModelNotFound, Schema

MOVE = Schema(
    "move",
    {
        "type": "object",
        "properties": {"do": {"enum": ["accept", "speak"]}, "books": {"type": "integer"}, "say": {"type": "string"}},
        "required": ["do", "books", "say"],
        "additionalProperties": False,
    },
)


def prompt(length: int, seed: int = 0) -> list[int]:
    """Random tokens, none of which is a control token. A longer one of the same seed begins with a shorter one."""
    return torch.randint(5, 400, (length,), generator=torch.Generator().manual_seed(seed)).tolist()


def request(tokens: Sequence[int], way: Way | None = None, limit: int = 24) -> Request:
    return Request(tokens, way or Way(0.7, seed=1), limit, lambda result: None)


def held(folder: Path, asked: Request, schema: Schema = MOVE) -> Request:
    """The request, held to a schema."""
    made = loaded(folder)
    grammars = Grammars(made.tokenizer, made.model.config.get_text_config().vocab_size, [0])
    return dataclasses.replace(asked, matcher=grammars.matcher(schema))


@pytest.fixture(params=["tiny", "nano", "odd"])
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=[2, 4, 5])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(1)


LENGTHS = (1, 2, 31, 32, 33, 34, 64, 65, 150, 223)


def several(folder: Path) -> dict[object, Request]:
    """Of many lengths, some held to a schema, drawn in several ways."""
    ways = [Way(0.7, seed=11), Way(0.7, seed=12), Way(0.0), Way(1.2, 0.9, seed=13)]
    asked = {length: request(prompt(length, length), ways[at % 4]) for at, length in enumerate(LENGTHS)}
    return {length: held(folder, one) if length % 2 else one for length, one in asked.items()}


def alone(folder: Path) -> dict[object, Reply]:
    return {name: reply_to(engine_of(folder, ends=False), one) for name, one in several(folder).items()}


def test_a_reply_is_bitwise_the_same_alone_and_in_company(folder: Path) -> None:
    answers = Answers()
    others: dict[object, Request] = {
        f"other {at}": request(prompt(20 + 17 * at, 100 + at), Way(1.0, seed=at), 3 + at) for at in range(8)
    }
    mixed = dict(sorted({**several(folder), **others}.items(), key=lambda item: hash(str(item[0])[::-1]) % 97))
    answers.run(engine_of(folder, ends=False, limits=Limits(slots=7, pieces=5)), mixed)
    for name, reply in alone(folder).items():
        assert answers.of[name] == dataclasses.replace(reply, first_token_seconds=answered(answers.of[name])), name


def answered(result: Reply | ModelError) -> float:
    assert isinstance(result, Reply)
    return result.first_token_seconds


def same(one: Reply, other: Reply) -> bool:
    """But for where the prompt came from, and when."""
    return (one.tokens, one.log_probabilities, one.finish_reason) == (
        other.tokens,
        other.log_probabilities,
        other.finish_reason,
    )


def test_a_reply_is_bitwise_the_same_whether_its_prompt_was_kept(folder: Path) -> None:
    for seed in range(2):
        asked = request(prompt(170, seed), Way(0.7, seed=seed))
        fresh = reply_to(engine_of(folder), asked)
        assert fresh.cached == 0
        for earlier in (170, 65):
            engine = engine_of(folder)
            reply_to(engine, request(prompt(earlier, seed)))
            again = reply_to(engine, asked)
            assert again.cached == min(earlier // 32 * 32, 169)
            assert same(again, fresh), (seed, earlier)


def test_the_number_of_threads_changes_nothing_alone_or_in_company(folder: Path, threads: int) -> None:
    asked = request(prompt(33), Way(0.7, seed=3), 3)
    several = reply_to(engine_of(folder, ends=False), asked)
    assert torch.get_num_threads() == threads
    answers = Answers()
    others: dict[object, Request] = {at: request(prompt(70 + at, at), limit=2) for at in range(6)}
    answers.run(engine_of(folder, ends=False), {"it": asked, **others})
    among = answers.of["it"]
    torch.set_num_threads(1)
    assert isinstance(among, Reply)
    for reply in (several, among):
        assert same(reply, reply_to(engine_of(folder, ends=False), asked))


def test_no_more_threads_are_taken_than_are_allowed_and_as_many_as_before_afterwards(tiny: Path) -> None:
    def taken(limits: Limits) -> set[int]:
        counts = set[int]()
        asked = request(prompt(9), limit=3)
        asked.hear = lambda tokens: counts.add(torch.get_num_threads())
        reply_to(engine_of(tiny, ends=False, limits=limits), asked)
        return counts

    torch.set_num_threads(5)
    try:
        assert [taken(Limits()), taken(Limits(threads=4)), taken(Limits(threads=9))] == [{2}, {4}, {5}]
        assert torch.get_num_threads() == 5
    finally:
        torch.set_num_threads(1)
    assert taken(Limits()) == {1}


def test_other_seeds_give_other_replies(tiny: Path) -> None:
    engine = engine_of(tiny)
    replies = {reply_to(engine, request(prompt(20), Way(0.7, seed=seed))).tokens for seed in range(5)}
    assert len(replies) == 5


def test_the_likeliest_tokens_are_those_the_model_generates_by_itself(folder: Path) -> None:
    tokens = prompt(50)
    model = loaded(folder).model
    model.set_attn_implementation("sdpa")
    try:
        whole = model.generate(  # type: ignore[operator]
            torch.tensor([tokens]),
            attention_mask=torch.ones(1, 50),
            do_sample=False,
            max_new_tokens=24,
            eos_token_id=None,
        )
    finally:
        model.set_attn_implementation("comity_rows")
    reply = reply_to(engine_of(folder, ends=False), request(tokens, Way(0.0)))
    assert list(reply.tokens) == whole[0, 50:].tolist()


def test_a_prompt_goes_on_where_another_conversation_began_alike(tiny: Path) -> None:
    engine = engine_of(tiny)
    assert reply_to(engine, request(prompt(100))).cached == 0
    assert reply_to(engine, request([*prompt(64), 7, 7, 7])).cached == 64
    assert reply_to(engine, request([9, *prompt(100)])).cached == 0


def test_a_reply_ends_with_the_end_token_which_is_not_part_of_it(tiny: Path) -> None:
    engine = engine_of(tiny)
    answers = Answers()
    answers.run(engine, {seed: request(prompt(10), Way(3.0, seed=seed), 100) for seed in range(32)})
    stopped = [reply for reply in answers.of.values() if isinstance(reply, Reply) and reply.finish_reason == "stop"]
    assert stopped
    for reply in stopped:
        assert len(reply.log_probabilities) == len(reply.tokens) + 1
        assert 0 not in reply.tokens


def test_a_reply_is_cut_at_its_limit_and_at_the_window(tiny: Path) -> None:
    engine = engine_of(tiny, ends=False, window=60)
    assert [len(reply_to(engine, request(prompt(length), limit=20)).tokens) for length in (40, 41, 50, 59)] == [
        20,
        19,
        10,
        1,
    ]
    assert reply_to(engine, request(prompt(59))).finish_reason == "length"


def test_a_cancelled_request_leaves_its_row_and_is_told_nothing(tiny: Path) -> None:
    engine, answers = engine_of(tiny, ends=False, limits=Limits(slots=1)), Answers()
    first, second = request(prompt(10), limit=400), request(prompt(10), limit=2)
    first.hear = lambda tokens: setattr(first, "cancelled", len(tokens) == 5)
    never = request(prompt(1), limit=1)
    never.cancelled = True
    answers.run(engine, {"first": first, "second": second, "never": never})
    assert list(answers.of) == ["second"]


def test_only_so_many_rows_are_taken_as_there_is_memory_for(tiny: Path) -> None:
    one_row = (
        4 * 128 * 2 * 2 * 2 * 16 * 4
    )  # four rows at least, 128 tokens, layers, keys and values, groups, size, float32
    engine, answers = engine_of(tiny, ends=False, limits=Limits(row_bytes=one_row, kept_bytes=0)), Answers()
    most = 0

    def watch(tokens: Sequence[int]) -> None:
        nonlocal most
        most = max(most, engine.bytes)

    asked: dict[object, Request] = {at: request(prompt(90, at), limit=10) for at in range(9)}
    asked["long"] = request(prompt(300), limit=3)
    for each in asked.values():
        each.hear = watch
    answers.run(engine, asked)
    assert all(isinstance(reply, Reply) for reply in answers.of.values())
    assert len(answers.of) == 10
    assert most <= 3 * one_row  # the long one's own, which is taken alone


@pytest.mark.parametrize(("limit", "window"), [(280, 512), (10_000, 300)])
def test_rows_take_no_more_memory_however_long_their_replies_become(tiny: Path, limit: int, window: int) -> None:
    four_rows = 4 * 320 * 2 * 2 * 2 * 16 * 4
    engine = engine_of(tiny, ends=False, window=window, limits=Limits(row_bytes=four_rows, kept_bytes=0))
    engine.add([request(prompt(20, at), limit=limit) for at in range(6)])
    most, together = 0, set()
    while engine.is_busy:
        engine.step()
        most = max(most, engine.bytes)
        together.add(len(engine._under_way))
    assert most == four_rows
    assert max(together) == 4


def test_after_one_that_took_more_than_there_is_others_are_together_again(tiny: Path) -> None:
    four_rows = 4 * 64 * 2 * 2 * 2 * 16 * 4
    engine = engine_of(tiny, ends=False, limits=Limits(row_bytes=four_rows, kept_bytes=0))
    reply_to(engine, request(prompt(300), limit=2))
    assert engine.bytes > four_rows
    engine.add([request(prompt(20, at), limit=3) for at in range(4)])
    engine.step()
    assert len(engine._under_way) == 4
    assert engine.bytes == four_rows


def test_what_is_kept_of_prompts_is_bounded(tiny: Path) -> None:
    piece = 32 * 2 * 2 * 2 * 16 * 4
    engine, answers = engine_of(tiny, limits=Limits(kept_bytes=5 * piece)), Answers()
    answers.run(engine, {at: request(prompt(100, at), limit=2) for at in range(10)})
    assert engine._pieces.bytes == 5 * piece


def test_of_a_prompt_that_is_not_kept_whole_the_beginning_is(tiny: Path) -> None:
    piece = 32 * 2 * 2 * 2 * 16 * 4
    engine = engine_of(tiny, limits=Limits(kept_bytes=4 * piece))
    for seed in (1, 2):
        reply_to(engine, request(prompt(100, seed), limit=2))
    assert reply_to(engine, request(prompt(100, 1), limit=2)).cached == 32


def test_scores_that_are_no_numbers_are_told_as_broken_weights(tmp_path: Path, tiny: Path) -> None:
    engine = engine_of(tiny)
    weights = next(engine._model.parameters())
    before = weights[7].clone()
    weights[7] = torch.nan
    try:
        with pytest.raises(ModelNotFound, match="no numbers"):
            reply_to(engine, request([5, 6, 7]))
    finally:
        weights[7] = before


@pytest.fixture
def broken_word(tiny: Path) -> Iterator[int]:
    """A token that the model reads as no number, and writes like any other."""
    model = loaded(tiny).model
    sound = model.get_input_embeddings()
    broken = torch.nn.Embedding(512, 64)
    broken.weight.data = sound.weight.data.clone()  # type: ignore[operator]
    broken.weight.data[450] = torch.nan
    model.set_input_embeddings(broken)
    yield 450
    model.set_input_embeddings(sound)


@pytest.mark.parametrize("cancelled", [False, True])
def test_what_is_no_number_stays_with_whom_it_came_from(tiny: Path, broken_word: int, cancelled: bool) -> None:
    def asked() -> dict[object, Request]:
        return {at: request(prompt(9, at), limit=4 + at) for at in range(5)}

    sound, answers = Answers(), Answers()
    sound.run(engine_of(tiny, ends=False), asked())
    engine, broken = engine_of(tiny, ends=False), request([*range(300, 360), broken_word, 9, 9], limit=300)
    engine.add([broken])
    engine.step()
    broken.cancelled = cancelled
    for _ in range(2):
        answers.run(engine, asked())
    assert answers.of.keys() == sound.of.keys()
    for name, reply in answers.of.items():
        expected = sound.of[name]
        assert isinstance(expected, Reply)
        assert isinstance(reply, Reply), name
        assert same(reply, expected), name


def test_a_schema_that_leaves_nothing_to_say_fails_alone(tiny: Path) -> None:
    engine, answers = engine_of(tiny, ends=False), Answers()
    broken = held(tiny, request(prompt(10)))
    assert broken.matcher is not None
    broken.matcher.consume_token(399)  # no beginning of this JSON
    answers.run(engine, {"broken": broken, "sound": request(prompt(10))})
    assert isinstance(answers.of["broken"], BadRequest)
    assert isinstance(answers.of["sound"], Reply)
