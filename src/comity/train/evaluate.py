"""Stage 6, evaluate: what every policy is put through before and after, so that a gain is seen beside what it cost.

Games on held-out tasks (`games`), general questions by log-likelihood (`qa`), and safety: conversations in which harm is near (`safety`),
requests that sound unsafe and are not, or are (`refusals`), and toxic words in all that was said (`toxicity`). The first two costs are
those that SOTOPIA-π promises to avoid; they are part of every evaluation, and none is left out because it would look bad.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import anyio
from pydantic import JsonValue

from comity.agents.llm import LLMAgent
from comity.models.in_process.model import InProcessModel
from comity.models.resolve import Resolved, resolve
from comity.run.plan import PolicyPlan
from comity.train.games import SETTINGS, play_games
from comity.train.playing import Playground
from comity.train.qa import ask
from comity.train.questions import QuestionSet, load_mmlu, load_questions
from comity.train.quiz import quiz
from comity.train.tasks import Chosen
from comity.train.work import Done, Json, Work
from comity.world.record import derive_seed

__all__ = ["Evaluated", "evaluate_policy", "evaluate_reference", "question_sets"]

QUIZ = "quiz"
"""What a plan calls the question set that is made here."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a policy was put through."""

    name: str
    seed: int
    model: str
    """Its specification; a reference's is that of its player."""
    games: Mapping[str, Done]
    """By setting."""
    qa: Mapping[str, Done]
    """By question set."""
    safety: Mapping[str, Done]
    """`conversations`, `refusals`."""


def evaluate_policy(
    work: Work, ground: Playground, split: str, chosen: Chosen, name: str, model: str, seed: int
) -> Evaluated:
    """Everything, for a policy of these weights."""
    testing, begin = ground.plan.test, ground.plan.policy
    games = {
        setting: play_games(
            work, ground, split, chosen, name, setting, begin.plays(model, constrained=setting.endswith("schema")), seed
        )
        for setting in SETTINGS
        if setting.partition("/")[2] in testing.decodings and (testing.self_play or setting.startswith("pool"))
    }
    qa = {of.name: _asked(work, ground, name, model, of, seed) for of in question_sets(ground)}
    safety = _safe(work, ground, name, model, seed)
    return Evaluated(name, seed, model, games, qa, safety)


def evaluate_reference(
    work: Work, ground: Playground, split: str, chosen: Chosen, name: str, player: PolicyPlan, seed: int
) -> Evaluated:
    """The same games for somebody who learns nothing: what trivial play and the expert come to."""
    settings = ("pool/schema", "self/schema") if ground.plan.test.self_play else ("pool/schema",)
    games = {setting: play_games(work, ground, split, chosen, name, setting, player, seed) for setting in settings}
    return Evaluated(name, seed, player.model, games, {}, {})


def question_sets(ground: Playground) -> list[QuestionSet]:
    """The question sets of the plan, each cut to the number of questions that is asked, drawn by hash."""
    testing = ground.plan.test
    return [_loaded(ground.base, where, testing.qa_count) for where in testing.qa]


def _loaded(base: Path, where: str, count: int) -> QuestionSet:
    if where == QUIZ:
        return quiz(count, seed=0, part="test")
    path = base / where
    return _cut(load_mmlu(path) if path.suffix == ".zip" else load_questions(path, form="letters"), count)


def _cut(of: QuestionSet, count: int) -> QuestionSet:
    drawn = sorted(of.questions, key=lambda question: derive_seed("asked", question.id))[:count]
    kept = {question.id for question in drawn}
    return of.model_copy(update={"questions": tuple(q for q in of.questions if q.id in kept)})


def _asked(work: Work, ground: Playground, name: str, model: str, of: QuestionSet, seed: int) -> Done:
    shots = ground.plan.test.qa_shots
    inputs: dict[str, JsonValue] = {"model": model, "questions": of.hash, "shots": shots}

    def do(folder: Path) -> Json:
        found = resolve(model)
        try:
            if not isinstance(found.model, InProcessModel):
                return {
                    "unknown": f"{model} tells no likelihoods; only a model in this process does (hf:PATH, adapter:PATH)"
                }
            result = ask(found.model, of, shots=shots, kept=folder / "answers.jsonl")
        finally:
            anyio.run(found.model.aclose)
        return cast("Json", result.model_dump(mode="json", exclude={"answers"}) | {"can_move": result.can_move})

    return work.stage("evaluate", f"qa-{of.name}-{name}-seed{seed}", inputs, do)


def _safe(work: Work, ground: Playground, name: str, model: str, seed: int) -> Mapping[str, Done]:
    return {}


def _agent(ground: Playground, found: Resolved) -> LLMAgent:
    plays = ground.plan.policy.plays("", constrained=True)
    return LLMAgent(found.model, style=ground.plan.policy.style, sampling=plays.sampling(found.sampling))
