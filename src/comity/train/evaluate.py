"""Stage 6, evaluate: what every policy is put through before and after, so that a gain is seen beside what it cost.

Games on held-out tasks (`games`), general questions by log-likelihood (`qa`), and safety: conversations in which harm is near (`safety`),
requests that sound unsafe and are not, or are (`refusals`), and toxic words in all that was said (`toxicity`). The first two costs are
those that SOTOPIA-π promises to avoid; they are part of every evaluation, and none is left out because it would look bad. On the dev split
there are games alone: questions and safety have no dev part, and who tunes on them has spent them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import anyio
from pydantic import JsonValue

from comity.agents.llm import LLMAgent
from comity.evaluate.judge import LLMJudge
from comity.models.budget import Spent
from comity.models.in_process.model import InProcessModel
from comity.models.protocol import Sampling
from comity.models.resolve import Resolved, resolve
from comity.models.traffic import Traffic
from comity.run.plan import JudgePlan, PlanError, PolicyPlan
from comity.train.games import play_games
from comity.train.playing import Playground
from comity.train.qa import Measure, ask
from comity.train.questions import QuestionSet, load_mmlu, load_questions
from comity.train.quiz import quiz
from comity.train.refusals import MEASURES as REFUSALS
from comity.train.refusals import RULES_VERSION, ask_prompts, load_xstest, values_of
from comity.train.safety import highest_floor, judged_safety, play_safety, safety_result, safety_rubric, safety_suite
from comity.train.safety.results import MEASURES
from comity.train.serving import player_of, ready
from comity.train.tasks import Chosen
from comity.train.toxicity import Profanity
from comity.train.work import Done, Json, Work, mark_of
from comity.world.episodes import Episode
from comity.world.record import Record, content_hash, derive_seed
from comity.world.scorecards import Scorecard

R = TypeVar("R", bound=Record)

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
    costs: Mapping[str, Done]
    """Question sets by their names, `safety` and `refusals`. Each result has a `summary`, and by measure and item the `values`, by which two
    policies are compared, with the `clusters` that items belong to."""


def evaluate_policy(
    work: Work, ground: Playground, split: str, chosen: Chosen, name: str, model: str, seed: int
) -> Evaluated:
    """Everything, for a policy of these weights."""
    testing, begin = ground.plan.test, ground.plan.policy
    games: dict[str, Done] = {}
    costs: dict[str, Done] = {}
    for setting in testing.settings:
        player = player_of(begin, model, constrained=setting.endswith("schema"))
        games[setting] = play_games(work, ground, split, chosen, name, setting, player, seed, model)
    if split == "dev":
        return Evaluated(name, seed, model, games, costs)
    costs |= {of.name: _asked(work, ground, name, model, of, seed) for of in question_sets(ground)}
    if testing.safety:
        costs["safety"] = _conversations(work, ground, name, model, seed)
    if testing.refusals:
        costs["refusals"] = _refusals(work, ground, name, model, ground.base / testing.refusals, seed)
    return Evaluated(name, seed, model, games, costs)


def evaluate_reference(
    work: Work, ground: Playground, split: str, chosen: Chosen, name: str, player: PolicyPlan, seed: int
) -> Evaluated:
    """The same games for somebody who learns nothing: what trivial play and the expert come to."""
    settings = [setting for setting in ground.plan.test.settings if setting.endswith("schema")]
    games: dict[str, Done] = {
        setting: play_games(work, ground, split, chosen, name, setting, player, seed) for setting in settings
    }
    return Evaluated(name, seed, player.model, games, {})


def question_sets(ground: Playground) -> list[QuestionSet]:
    """The question sets of the plan, each cut to the number of questions that is asked, drawn by hash."""
    testing = ground.plan.test
    return [_loaded(ground.base, where, testing.qa_count) for where in testing.qa]


def _loaded(base: Path, where: str, count: int) -> QuestionSet:
    if where == QUIZ:
        try:
            return quiz(count, seed=0, part="test", examples=5)
        except ValueError as error:
            raise PlanError(f"test.qa_count: {error}") from None
    path = base / where
    of = load_mmlu(path) if path.suffix == ".zip" else load_questions(path, form="letters")
    return of.some(count, seed=0)


def _asked(work: Work, ground: Playground, name: str, model: str, of: QuestionSet, seed: int) -> Done:
    shots = ground.plan.test.qa_shots
    inputs: dict[str, JsonValue] = {"weights": mark_of(model), "questions": of.hash, "shots": shots}

    async def do(found: Resolved, traffic: Traffic, folder: Path) -> Json:
        if not isinstance(found.model, InProcessModel):
            return {
                "unknown": f"{model} tells no likelihoods; only a model in this process does (hf:PATH, adapter:PATH)"
            }
        asked = ask(found.model, of, shots=shots, kept=folder / "answers.jsonl")
        measures: tuple[Measure, ...] = ("accuracy", "margin", "probability")
        return {
            "summary": _summary(asked.model_dump(mode="json", exclude={"answers"}) | {"can_move": asked.can_move}),
            "values": cast("JsonValue", {measure: asked.values(measure) for measure in measures}),
            "clusters": dict(asked.clusters),
        }

    return _done(work, ground, f"{of.name}-{name}-seed{seed}", inputs, _with(ground, PolicyPlan(model=model), do))


def _conversations(work: Work, ground: Playground, name: str, model: str, seed: int) -> Done:
    """The safety scenarios, each played with its scripted partner, kept as they end, and scored by the rules."""
    testing, suite = ground.plan.test, safety_suite()
    plays = player_of(ground.plan.policy, model, constrained=True)
    judges = [JudgePlan(model=testing.judge)] if testing.judge else []
    inputs: dict[str, JsonValue] = {
        **ground.settled({name: plays}, weights=model, own=name, judges=judges),
        "rubric": content_hash(safety_rubric()) if judges else None,
        "suite": suite.hash,
        "repeats": testing.safety_repeats,
        "seed": seed,
    }

    async def do(found: Resolved, traffic: Traffic, folder: Path) -> Json:
        agent = LLMAgent(
            traffic.through(found), style=plays.style or found.style, sampling=plays.sampling(found.sampling)
        )
        file = folder / "episodes.jsonl"

        async def keep(episode: Episode) -> None:
            with file.open("a", encoding="utf-8") as out:
                out.write(episode.model_dump_json() + "\n")

        done = _lines(file, Episode)
        episodes = await play_safety(agent, repeats=testing.safety_repeats, seed=seed, sink=keep, done=done)
        result = safety_result(episodes, checker=Profanity())
        values = {f"{kind}.{m}": result.values(kind, m) for kind, measures in MEASURES.items() for m in measures}
        summary = result.model_dump(mode="json", exclude={"items"})
        summary["floor"] = {name: reached.model_dump() for name, reached in (await highest_floor()).items()}
        if testing.judge:
            cards = await _judged(ground, testing.judge, traffic, episodes, folder / "scorecards.jsonl")
            judged = judged_safety(episodes, cards.values())
            summary["judged"] = {f"{one.kind}.{one.dimension}": one.model_dump(mode="json") for one in judged}
            values |= _judged_values(episodes, cards)
        return {
            "summary": _summary(summary),
            "values": cast("JsonValue", values),
            "clusters": {item.key: item.marks.case for item in result.items},
        }

    return _done(work, ground, f"safety-{name}-seed{seed}", inputs, _ready(ground, model, _with(ground, plays, do)))


def _lines(file: Path, shape: type[R]) -> list[R]:
    """What a start that was stopped has kept; a line that a kill cut off is left out, and done again."""
    lines = file.read_text("utf-8").splitlines(keepends=True) if file.is_file() else []
    whole = [line for line in lines if line.endswith("\n")]
    if len(whole) < len(lines):
        file.write_text("".join(whole), "utf-8")
    return [shape.model_validate_json(line) for line in whole]


async def _judged(
    ground: Playground, spec: str, traffic: Traffic, episodes: Sequence[Episode], file: Path
) -> dict[str, Scorecard]:
    """By episode, what the judge says of it; each is kept when it comes."""
    cards = {card.episode: card for card in _lines(file, Scorecard)}
    found = resolve(spec, timeouts=ground.plan.timeouts)
    judge = LLMJudge(traffic.through(found), rubric=safety_rubric(), brief=found.style == "transcript")
    try:
        with file.open("a", encoding="utf-8") as out:
            for episode in (each for each in episodes if each.id not in cards):
                cards[episode.id] = await judge.score(episode)
                out.write(cards[episode.id].model_dump_json() + "\n")
                out.flush()
    finally:
        with anyio.CancelScope(shield=True):
            await found.model.aclose()
    return cards


def _judged_values(episodes: Sequence[Episode], cards: Mapping[str, Scorecard]) -> dict[str, dict[str, float | None]]:
    """By kind and question, as `drawn.judged.HARM`, what the judge says of the tested seat of each item."""
    suite, found = safety_suite(), dict[str, dict[str, float | None]]()
    for episode in episodes:
        case = suite.case(episode.task.scenario.id)
        for question, score in cards[episode.id].scores[case.tested].items():
            found.setdefault(f"{case.kind}.judged.{question}", {})[f"{case.id}:{episode.seed}"] = score.score
    return found


def _refusals(work: Work, ground: Playground, name: str, model: str, path: Path, seed: int) -> Done:
    drawn = sorted(load_xstest(path), key=lambda prompt: derive_seed("asked", prompt.id))
    prompts = drawn[: ground.plan.test.refusals_count]
    limit = Sampling(temperature=0, max_tokens=ground.plan.policy.max_tokens)
    plays = player_of(ground.plan.policy, model, constrained=False)
    inputs: dict[str, JsonValue] = {
        **ground.settled({name: plays}, weights=model, own=name),
        "prompts": {p.id: content_hash(p) for p in prompts},
        "rules": RULES_VERSION,
        "sampling": limit.model_dump(mode="json"),
    }

    async def do(found: Resolved, traffic: Traffic, folder: Path) -> Json:
        result = await ask_prompts(
            traffic.through(found), prompts, sampling=limit, seed=0, kept=folder / "replies.jsonl"
        )
        return {
            "summary": _summary(result.model_dump(mode="json", exclude={"replies"})),
            "values": cast("JsonValue", {measure: values_of(result, measure) for measure in REFUSALS}),
            "clusters": {reply.prompt: reply.kind for reply in result.replies},
        }

    return _done(work, ground, f"refusals-{name}-seed{seed}", inputs, _ready(ground, model, _with(ground, plays, do)))


def _done(work: Work, ground: Playground, label: str, inputs: Json, do: Callable[[Path], Json]) -> Done:
    """A stage of the evaluation that is no run; what it spent counts against the plan's budget, now or in an earlier start."""
    done = work.stage("evaluate", label, inputs, do)
    ground.aside.append(Spent(**cast("dict[str, Any]", done.result.get("spent", {}))))
    return done


def _ready(ground: Playground, model: str, do: Callable[[Path], Json]) -> Callable[[Path], Json]:
    """Do it while whoever answers knows the weights."""

    def then(folder: Path) -> Json:
        with ready(ground.plan.policy, model):
            return do(folder)

    return then


def _with(
    ground: Playground, player: PolicyPlan, do: Callable[[Resolved, Traffic, Path], Awaitable[Json]]
) -> Callable[[Path], Json]:
    """Do it with the player's model, which is released afterwards, and say what was spent."""

    async def run(folder: Path) -> Json:
        found, traffic = resolve(player.model, adapter=player.adapter, timeouts=ground.plan.timeouts), ground.traffic()
        try:
            done = await do(found, traffic, folder)
            return {**done, "spent": asdict(traffic.meter.total)}
        finally:
            with anyio.CancelScope(shield=True):
                await found.model.aclose()

    return lambda folder: anyio.run(run, folder)


def _summary(told: Mapping[str, JsonValue]) -> JsonValue:
    return cast("JsonValue", {key: value for key, value in told.items() if value not in (None, "", {})})
