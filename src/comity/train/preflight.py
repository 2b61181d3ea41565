"""Everything that a training plan names is looked for before anything is done, so that what is missing is said at once and not after hours."""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from comity.models.download import verify
from comity.models.in_process.folder import Found, find
from comity.models.protocol import ModelError
from comity.models.registry import find_entry, models_directory
from comity.run.plan import JudgePlan, PlanError, PolicyPlan
from comity.train.errors import MENDABLE
from comity.train.evaluate import question_sets
from comity.train.plan import TrainPlan
from comity.train.playing import Playground
from comity.train.refusals import load_xstest
from comity.train.work import STAGES

__all__ = ["base_model", "preflight"]


def preflight(ground: Playground, split: str, stages: Collection[str] = STAGES) -> None:
    """Raise `PlanError` with a line for each thing that is missing for these stages. Nothing is loaded but questions and prompts, and nobody
    is asked.
    """
    looked: list[tuple[str, Callable[[], object]]] = [("policy.model", lambda: base_model(ground.plan, ground.base))]
    looked.append(("players and judges", lambda: _check_players(ground, stages)))
    if "evaluate" in stages:
        looked.insert(0, ("tasks.dev", lambda: _check_split(ground.plan, split)))
    if "evaluate" in stages and split != "dev":
        looked += [("test.qa", lambda: question_sets(ground)), ("test.refusals", lambda: _check_refusals(ground))]
    if "fit" in stages:
        looked.append(("fit", lambda: _check_fits(ground.plan)))
    if problems := [line for what, look in looked for line in _problem(what, look)]:
        raise PlanError("\n".join(problems))


def base_model(plan: TrainPlan, base: Path) -> Found | None:
    """The plan's model on disk, a relative path seen from the plan's folder; `None` where one is made. Raises `ModelNotFound`."""
    if plan.policy.model is None:
        return None
    scheme, _, where = plan.policy.model.partition(":")
    if scheme == "local":
        return find(f"hf:{verify(find_entry(where), models_directory())}")
    return find(f"{scheme}:{base / Path(where).expanduser()}")


def _problem(what: str, look: Callable[[], object]) -> Iterator[str]:
    try:
        look()
    except (PlanError, ModelError, *MENDABLE) as error:
        told = str(error)
        yield told if told.startswith(what) else f"{what}: {told}"


def _check_split(plan: TrainPlan, split: str) -> None:
    if getattr(plan.tasks, split) is None:
        raise PlanError("the plan has no such tasks to evaluate on; add them, or evaluate on test")
    if any(setting.startswith("pool") for setting in plan.test.settings):
        plan.partners_on(split)


def _check_players(ground: Playground, stages: Collection[str]) -> None:
    said = ground.plan
    named: dict[str, Mapping[str, PolicyPlan]] = {}
    judges = list(said.judges) if {"collect", "evaluate"} & set(stages) else []
    if "collect" in stages:
        named["expert"] = said.expert.players if said.expert else {}
        named["pretrain"] = said.policy.pretrain.players if said.policy.pretrain else {}
    if "evaluate" in stages:
        named |= {
            "partner": said.test.partners,
            "dev-partner": said.test.dev_partners,
            "reference": said.test.reference,
        }
        judges += [JudgePlan(model=said.test.judge)] if said.test.judge else []
    if players := {f"{where}-{name}": player for where, of in named.items() for name, player in of.items()}:
        ground.settled(players, judges=judges)


def _check_refusals(ground: Playground) -> None:
    if ground.plan.test.refusals:
        load_xstest(ground.base / ground.plan.test.refusals)


def _check_fits(plan: TrainPlan) -> None:
    from comity.train.fit import check_machine

    pretrain = plan.policy.pretrain
    for fit in (*(step.fit for step in plan.steps.values()), *([pretrain.fit] if pretrain else [])):
        check_machine(fit)
