"""CPU a turn costs when the model costs nothing: prompt, reply, rules, record and store, on one core.

Run with `make bench`. The model is scripted and answers at once, so all that is measured is Comity. The limit is the design's:
1 ms of CPU a turn. Beside it stands what a turn's parts cost, and how much of each prompt repeats the one before.
"""

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import anyio

from comity.agents.llm import LLMAgent
from comity.agents.styles import style_named
from comity.library import starter
from comity.models.scripted import ScriptedModel
from comity.run.single import play_and_keep
from comity.simulate import new_episode, simulate
from comity.store import Store
from comity.world.environment import Environment, Limits
from comity.world.episodes import Episode
from comity.world.views import view

LIMIT_MS = 1.0
EPISODES = 100
TURNS = 20


def speaking(words: str) -> ScriptedModel:
    """A model that says the same and never leaves."""
    reply = json.dumps({"action_type": "speak", "argument": words})
    return ScriptedModel(lambda *_: reply, name="scripted:bench")


async def play_all(store: Store | None) -> Episode:
    """Play every episode, one after another; give the last one back."""
    task = starter().tasks[0]
    agent = LLMAgent(speaking("I could do 120, if you add the lock and I can take it now."), style="chat")
    agents = dict.fromkeys(task.cast, agent)
    limits = Limits(turns=TURNS)
    for seed in range(EPISODES):
        if store is None:
            episode = await simulate(task, agents, seed=seed, limits=limits)
        else:
            begun = new_episode(task, agents, seed=seed, limits=limits)
            store.begin(begun)
            episode = await play_and_keep(begun, agents, store)
    return episode


def cpu_ms_per_turn(store: Store | None) -> tuple[float, Episode]:
    """Milliseconds of this process's CPU time per turn."""
    started = time.process_time()
    episode = anyio.run(play_all, store)
    return (time.process_time() - started) * 1000 / (EPISODES * TURNS), episode


def reuse(episode: Episode) -> Mapping[str, float]:
    """The share of a prompt's characters that the same seat's previous prompt held, and the bound (n-1)/n of n equal turns."""
    style, environment = style_named("chat"), Environment()
    state = environment.reset(episode.task, seed=episode.seed, limits=episode.limits)
    before: dict[str, str] = {}
    shared = total = whole = prompts = 0
    for event in episode.events:
        text = "".join(f"{m.role}\0{m.content}\0" for m in style.messages(view(state, event.seat)))
        if event.seat in before:
            whole += text.startswith(before[event.seat])
            shared += len(before[event.seat])
            total += len(text)
            prompts += 1
        before[event.seat] = text
        state = environment.step(state, {event.seat: event.did})
    return {"begin_with_previous": whole / prompts, "characters_reused": shared / total}


def main() -> int:
    """Print the figures as JSON; 1 when the limit is broken."""
    anyio.run(play_all, None)  # warm: imports, templates, caches
    memory, episode = cpu_ms_per_turn(None)
    with tempfile.TemporaryDirectory() as folder, Store.open(str(Path(folder) / "bench.db")) as store:
        kept, _ = cpu_ms_per_turn(store)
    figures = {
        "episodes": EPISODES,
        "turns_each": TURNS,
        "cpu_ms_per_turn_without_store": round(memory, 3),
        "cpu_ms_per_turn": round(kept, 3),
        "limit_ms": LIMIT_MS,
        **{key: round(value, 4) for key, value in reuse(episode).items()},
    }
    print(json.dumps(figures, indent=2))
    return int(kept > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
