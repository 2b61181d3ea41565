"""The loop: every stage in its order, for every seed, as the plan says; `comity train` runs it. Nothing here computes what a stage computes.

For each seed the base is made or taken, every step makes a policy of another (collect, filter, examples, fit, round by round), and all
policies are evaluated alike. What is done is not done again; a kill at any moment costs the turn or the training step it falls in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from pydantic import JsonValue

from comity.agents.styles import style_named
from comity.interop.licences import together
from comity.models.protocol import Sampling
from comity.store import Store
from comity.train.collect import collect_expert, collect_own, collect_weak, collected_in
from comity.train.evaluate import Evaluated, evaluate_policy, evaluate_reference
from comity.train.examples import VERSION as EXAMPLES_VERSION
from comity.train.examples import Example, Weights, example_of_text, examples_of_seat, read_examples, write_examples
from comity.train.filter import filter_collected, kept_seats
from comity.train.fit import Progress, fit
from comity.train.nano import new_model
from comity.train.plan import BASE, Step, TrainPlan
from comity.train.playing import Playground, Watch
from comity.train.preflight import base_model, preflight
from comity.train.quiz import VERSION as QUIZ_VERSION
from comity.train.quiz import as_text, quiz
from comity.train.serving import LLAMA, adopted
from comity.train.settings import VERSION as FIT_VERSION
from comity.train.tasks import Chosen, choose_tasks
from comity.train.work import Done, Json, NotDone, Work, mark_of
from comity.world.record import derive_seed

__all__ = ["Lineage", "Trained", "train"]

Split = Literal["dev", "test"]


@dataclass(frozen=True, slots=True)
class Lineage:
    """How a policy came about."""

    name: str
    seed: int
    begin: str
    """The specification of the weights it went on from."""
    model: str
    """The specification of its own."""
    stages: tuple[Done, ...]
    """Collect, filter, examples and fit of every round, in order."""


@dataclass
class Trained:
    """What a plan came to so far."""

    plan: TrainPlan
    split: Split
    """What it is evaluated on."""
    splits: Mapping[str, Chosen]
    lineages: list[Lineage] = field(default_factory=list)
    evaluated: list[Evaluated] = field(default_factory=list)

    def find(self, name: str, seed: int) -> Lineage | None:
        """Of a policy and seed; `None` where it was not made."""
        return next((each for each in self.lineages if (each.name, each.seed) == (name, seed)), None)

    def lineage(self, name: str, seed: int) -> Lineage:
        """Of a policy and seed that was made."""
        found = self.find(name, seed)
        assert found is not None, f"{name} was not made"
        return found

    @property
    def complete(self) -> bool:
        """Whether every policy was made and put through everything."""
        wanted = len(self.plan.seeds) * (len(self.plan.policies) + len(self.plan.test.reference))
        return len(self.evaluated) == wanted

    def ancestors(self, lineage: Lineage) -> list[Lineage]:
        """The policy and those that it went on from, the base last."""
        step = self.plan.steps.get(lineage.name)
        return [lineage, *(self.ancestors(self.lineage(step.begin, lineage.seed)) if step else [])]


def train(
    plan: TrainPlan,
    work: Work,
    store: Store,
    base: Path,
    *,
    split: Split = "test",
    watch: Watch | None = None,
    fitting: Callable[[Progress], None] | None = None,
) -> Trained:
    """Do every stage that `work` allows and that is not done. Raises what the stages raise, each with its fix.

    Args:
        base: the folder of the plan's file.
        split: what policies are evaluated on; tune on `dev`, and touch `test` when nothing will change any more.
        watch: shows runs while they are played.
        fitting: hears the progress of a fit.
    """
    ground = Playground(plan, store, base) if watch is None else Playground(plan, store, base, watch)
    preflight(ground, split, work.stages)
    trained = Trained(plan, split, choose_tasks(plan, work, store, base))
    making = _Making(plan, work, ground, trained.splits, fitting or (lambda _: None))
    for seed in plan.seeds:
        with _as_far_as_asked(work):
            trained.lineages.append(making.base(seed))
        for name, step in plan.steps.items():
            with _as_far_as_asked(work):
                trained.lineages.append(making.step(name, step, trained.find(step.begin, seed), seed))
    for seed in plan.seeds if "evaluate" in work.stages else ():
        for lineage in (each for each in trained.lineages if each.seed == seed):
            done = evaluate_policy(work, ground, split, trained.splits[split], lineage.name, lineage.model, seed)
            trained.evaluated.append(done)
        for name, player in plan.test.reference.items():
            trained.evaluated.append(evaluate_reference(work, ground, split, trained.splits[split], name, player, seed))
    return trained


@contextmanager
def _as_far_as_asked(work: Work) -> Iterator[None]:
    """Where only some stages are asked for, what depends on another that is not done is left, and said."""
    try:
        yield
    except NotDone as missing:
        work.note(f"left: {missing}")


@dataclass(frozen=True, slots=True)
class _Making:
    """Makes policies."""

    plan: TrainPlan
    work: Work
    ground: Playground
    splits: Mapping[str, Chosen]
    fitting: Callable[[Progress], None]

    def base(self, seed: int) -> Lineage:
        """What everything begins from: given, or made here of weak play."""
        begin = self.plan.policy
        if begin.model is not None:
            found = base_model(self.plan, self.ground.base)
            assert found is not None, "the plan names one"
            if begin.through != LLAMA and found.path.is_dir():
                return Lineage(BASE, seed, found.name, found.name, ())
            inputs: dict[str, JsonValue] = {"adopted": found.name.rpartition("@")[2], "style": begin.style}
            copy = self.work.stage(
                "fit", BASE, inputs, lambda folder: {"model": adopted(found, begin, folder / "model")}
            )
            return Lineage(BASE, seed, begin.model, _spec(copy), (copy,))
        weak = collect_weak(self.work, self.ground, self.splits["train"], seed)
        examples = self._examples_of_all(weak, seed)
        fitted = self._fitted(BASE, None, examples, seed)
        return Lineage(BASE, seed, "", _spec(fitted), (weak, examples, fitted))

    def step(self, name: str, step: Step, begin: Lineage | None, seed: int) -> Lineage:
        """What a step makes, in as many rounds as it has. Raises `NotDone`."""
        model, stages = begin.model if begin else "", list[Done]()
        for number in range(step.rounds):
            label = name if step.rounds == 1 else f"{name}-round{number + 1}"
            if step.learns == "expert":
                collected = collect_expert(self.work, self.ground, self.splits, seed)
            else:
                _need(begin, name, step)
                collected = collect_own(
                    self.work, self.ground, self.splits["train"], label, model, derive_seed(seed, "own", number)
                )
            filtered = filter_collected(
                self.work, self.ground.store, collected, step.filter, self.plan.reward, label, seed
            )
            examples = self._examples_of_kept(label, step, collected, filtered, seed)
            _need(begin, name, step)
            fitted = self._fitted(label, model, examples, seed, step)
            stages += [collected, filtered, examples, fitted]
            model = _spec(fitted)
        return Lineage(name, seed, begin.model if begin else "", model, tuple(stages))

    def _examples_of_kept(self, label: str, step: Step, collected: Done, filtered: Done, seed: int) -> Done:
        weights = Weights(accept=step.accept_weight, words=step.words_weight, drop_malformed=step.drop_malformed)
        inputs: dict[str, JsonValue] = {
            "filtered": filtered.digest,
            **_told_style(self.plan.policy.style),
            "weights": weights.model_dump(mode="json"),
            "dev_share": step.dev_share,
        }

        def make(folder: Path) -> Json:
            kept = kept_seats(filtered)
            found: list[Example] = []
            wordless = 0
            for each in collected_in(self.ground.store, collected):
                for seat in kept.get(each.episode.id, ()):
                    example = examples_of_seat(each, seat, self.plan.policy.style, weights=weights)
                    if example is not None and example.learned:
                        found.append(example)
                    else:
                        wordless += 1
            return {**_written(folder, found, step.dev_share), "kept_with_nothing_to_learn": wordless}

        return self.work.stage("examples", f"{label}-seed{seed}", inputs, make)

    def _examples_of_all(self, weak: Done, seed: int) -> Done:
        pretrain = self.plan.policy.pretrain
        assert pretrain is not None, "only what is made here is pretrained"
        inputs: dict[str, JsonValue] = {
            "weak": weak.digest,
            **_told_style(self.plan.policy.style),
            "quiz": pretrain.quiz,
            "quiz_version": QUIZ_VERSION,
            "seed": seed,
        }

        def make(folder: Path) -> Json:
            found = [
                example.model_copy(
                    update={"whole": True}
                )  # random weights learn what words are, not only what to reply
                for each in collected_in(self.ground.store, weak)
                for seat in each.episode.policies
                if (example := examples_of_seat(each, seat, self.plan.policy.style)) is not None
            ]
            if pretrain.quiz:
                asked = quiz(pretrain.quiz, seed=seed, part="practice")
                found += [
                    example_of_text(as_text(q), origin="Comity quiz", licence="Apache-2.0") for q in asked.questions
                ]
            return _written(folder, found, 0.05)

        return self.work.stage("examples", f"{BASE}-seed{seed}", inputs, make)

    def _fitted(self, label: str, model: str | None, examples: Done, seed: int, step: Step | None = None) -> Done:
        begin = self.plan.policy
        said = step.fit if step else begin.pretrain.fit if begin.pretrain else None
        assert said is not None, "a base that is made here is pretrained"
        settings = said.model_copy(update={"seed": derive_seed(seed, "fit", label, said.seed)})
        sampling = Sampling(temperature=begin.temperature, top_p=begin.top_p, max_tokens=begin.max_tokens)
        inputs: dict[str, JsonValue] = {
            "examples": examples.digest,
            "fitting": FIT_VERSION,
            "weights": mark_of(model) if model else None,
            "nano": begin.nano.model_dump(mode="json") if begin.nano and model is None else None,
            "fit": settings.model_dump(mode="json"),
            "style": begin.style,
            "sampling": sampling.model_dump(mode="json"),
        }

        def do(folder: Path) -> Json:
            learn, dev = read_examples(examples.folder / "train.jsonl"), read_examples(examples.folder / "dev.jsonl")
            start = model
            if start is None:
                assert begin.nano is not None, "what has no model is made"
                if not (folder / "new").is_dir():
                    new_model(learn, begin.nano, settings.seed, folder / "new")
                start = f"hf:{folder / 'new'}"
            fitted = fit(
                start, learn, dev, settings, folder / "model", style=begin.style, sampling=sampling, note=self.fitting
            )
            return {"model": fitted.spec, **cast("Json", fitted.record.model_dump(mode="json"))}

        return self.work.stage("fit", f"{label}-seed{seed}", inputs, do)


def _told_style(style: str) -> dict[str, JsonValue]:
    """By the hash of its prompts, and by how examples are made of them."""
    template = style_named(style).template
    return {"style": template.label, "prompt_hash": template.hash, "examples": EXAMPLES_VERSION}


def _need(begin: Lineage | None, name: str, step: Step) -> None:
    if begin is None:
        raise NotDone(f"{name} goes on from {step.begin}, which is not there yet; do it first: --stages fit")


def _written(folder: Path, found: Sequence[Example], dev_share: float) -> Json:
    """Split by scenario, so that what shows when to stop was not learned."""
    learn, dev = list[Example](), list[Example]()
    for each in found:
        drawn = derive_seed("dev", each.source.scenario or each.text or "") / 2**31
        (dev if drawn < dev_share else learn).append(each)
    write_examples(learn, folder / "train.jsonl")
    write_examples(dev, folder / "dev.jsonl")
    licences = [each.source.licence for each in found]
    return {
        "examples": len(learn),
        "replies": sum(each.learned for each in learn),
        "dev": len(dev),
        "licence": together(licences),
        "origins": cast("JsonValue", sorted({each.source.origin.partition(" ")[0] for each in found})),
    }


def _spec(fitted: Done) -> str:
    """By its hash, and by where the work folder lies now."""
    return f"adapter:{(fitted.folder / 'model').resolve()}@{mark_of(str(fitted.result['model']))}"
