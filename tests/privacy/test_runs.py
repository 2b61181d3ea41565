"""Many episodes at once: each prompt is what it would be alone, and nothing that a run says of itself holds what anybody said, wants or hides."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from cli.command import Comity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comity.agents.styles import style_named
from comity.models.protocol import Completion, Message, Sampling, Schema, ServerFailed
from comity.models.resolve import Resolved
from comity.models.scripted import SCRIPTS
from comity.run import players
from comity.run.execute import execute
from comity.run.plan import Plan
from comity.run.prepare import prepare
from comity.store import Store
from comity.world.collection import Collection
from comity.world.environment import Environment
from comity.world.views import view
from privacy.recording import Asked, Growth, RecordingModel
from privacy.worlds import World, worlds

_TOKEN = re.compile(r"canary\d{4}x", re.IGNORECASE)
_FEW = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
PLAN = """
patience = 0.05
replays = 0
[tasks]
source = "store"
[policies.one]
model = "scripted:demo"
[policies.two]
model = "scripted:demo"
temperature = 0.5
[[judges]]
model = "scripted:demo"
[retries]
attempts = 1
[cache]
use = true
path = "cache.db"
"""


class Slow(RecordingModel):
    """Answers after others have had their turn; where a canary says so, its server fails."""

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        for _ in range((sampling.seed or 0) % 7):
            await anyio.lowlevel.checkpoint()
        if (sampling.seed or 0) % 19 == 0:
            self.asked.append(Asked(session, tuple(messages), schema, sampling))
            raise ServerFailed("http://server/v1 answered 500: overloaded")
        return await super().complete(messages, schema=schema, sampling=sampling, session=session, stream=stream)


def answer(drawn: World, asked: Asked) -> str:
    if asked.session.endswith("/judge"):
        return SCRIPTS["demo"](asked.messages, asked.schema, asked.sampling)
    return drawn.answer(asked.schema, asked.session, asked.again, len(asked.text))


def kept(store: Store, drawn: Sequence[World]) -> None:
    """The worlds' tasks, each under a name of its own."""
    tasks = [world.task.model_copy(update={"id": f"task-{at}"}) for at, world in enumerate(drawn)]
    store.add(Collection(tasks=tuple(tasks)))


@_FEW
@given(st.lists(worlds(), min_size=2, max_size=4))
def test_each_prompt_of_many_episodes_is_what_it_would_be_alone(
    tmp_path_factory: pytest.TempPathFactory, prompts_only_grow: Growth, drawn: list[World]
) -> None:
    prompts_only_grow.anew()  # an example's episodes have the ids of another's whose world was the same
    model = Slow(lambda asked: answer(drawn[0], asked))
    with Store.open(str(tmp_path_factory.mktemp("run") / "s.db")) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(players, "resolve", lambda *_, **__: Resolved(model))
        kept(store, drawn)
        plan = {
            "name": "p",
            "policies": {"one": {"model": "x"}},
            "tasks": {"source": "store"},
            "repeats": 2,
            "replays": 0,
        }
        anyio.run(played, Plan.model_validate({**plan, "mode": drawn[0].mode, "lite": drawn[0].lite}), store)
        asked: dict[str, list[tuple[Message, ...]]] = defaultdict(list)
        for call in model.asked:
            if not call.again:
                asked[call.session].append(call.messages)
        for summary in store.episodes():
            episode = store.episode(summary.id)
            state = Environment().reset(
                episode.task, seed=episode.seed, mode=episode.mode, lite=episode.lite, limits=episode.limits
            )
            style = style_named("chat")
            for event in episode.events:
                alone = tuple(style.messages(view(state, event.seat, episode=episode.id)))
                assert alone in asked[f"{episode.id}/{event.seat}"]
                if event.index + 1 == len(episode.events) or episode.events[event.index + 1].turn != event.turn:
                    turn = [each for each in episode.events if each.turn == event.turn]
                    state = Environment().step(state, {each.seat: each.did for each in turn})


async def played(plan: Plan, store: Store) -> Any:
    prepared = prepare(plan, store, Path())
    prepared.begin(store)
    try:
        return await execute(prepared, store)
    finally:
        await prepared.aclose()


@settings(_FEW, max_examples=5)
@given(st.lists(worlds(), min_size=1, max_size=2))
def test_what_a_run_says_of_itself_holds_nothing_private(
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    prompts_only_grow: Growth,
    drawn: list[World],
) -> None:
    prompts_only_grow.anew()
    model = Slow(lambda asked: answer(drawn[0], asked))
    folder = tmp_path_factory.mktemp("run")
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(players, "resolve", lambda *_, **__: Resolved(model, endpoint="http://server/v1"))
        comity = Comity(patch, capsys)
        with Store.open("comity.db") as store:
            kept(store, drawn)
        Path("plan.toml").write_text(PLAN)
        for words in (
            ("run", "plan.toml", "--dry-run"),
            ("run", "plan.toml"),
            ("run", "plan.toml", "--json"),
            ("run", "plan.toml", "--repeats", "2", "--in-flight", "3"),
            ("run", "plan.toml", "--policy", "one=scripted:leaver"),
            ("list", "runs"),
            ("list", "runs", "--json"),
            ("cache", "list", "--json"),
        ):
            ran = comity(*words)
            said += [ran.out, ran.err]
        with Store.open("comity.db") as store:
            said.append(store.run("plan").model_dump_json())
            said += [member.model_dump_json() for member in store.members("plan")]
            said += [str(each) for each in store.standing("plan")]
    assert model.asked
    assert _TOKEN.search("".join(call.text for call in model.asked)), "nothing private was there to be told"
    assert not _TOKEN.findall("".join(said))
