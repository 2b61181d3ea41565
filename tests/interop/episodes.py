"""A made-up pair, what they did, and the rows that SOTOPIA would have written of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from comity.interop.episode_files import Judged, row_of
from comity.interop.episode_rows import Form
from comity.interop.verdicts import sotopia_eval
from comity.world.actions import Action, ActionType
from comity.world.characters import Character
from comity.world.collection import Collection
from comity.world.environment import Environment, Limits
from comity.world.episodes import Episode, Policy
from comity.world.record import content_hash
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario, Seat
from comity.world.scorecards import DimensionScore, Scorecard
from comity.world.tasks import Edge, Task
from comity.world.visibility import Mode

__all__ = ["AT", "LEAVE", "NONE", "Row", "card", "does", "episode", "known", "people", "row", "says", "task"]

Row = dict[str, Any]

AT = datetime(2023, 8, 16, 12, tzinfo=UTC)
NONE, LEAVE = Action(type=ActionType.NONE), Action(type=ActionType.LEAVE)


def says(words: str) -> Action:
    return Action(type=ActionType.SPEAK, argument=words)


def does(words: str) -> Action:
    return Action(type=ActionType.ACTION, argument=words)


def people() -> tuple[Character, Character]:
    ann = Character(
        id="ann",
        name="Ann Hart",
        age=30,
        gender="Woman",
        pronouns="She/her",
        occupation="Ship's Cook",
        public_info="Ann cooks. ",
        personality="Ann is calm.",
        secret="Ann hates food.",
        source="SOTOPIA release (arXiv 2310.11667)",
        licence="CC-BY-SA-4.0",
    )
    bo = ann.model_copy(
        update={
            "id": "bo",
            "name": "Bo O'Hara",
            "gender": "Nonbinary",
            "pronouns": "They/them",
            "public_info": "Bo sings.",
            "personality": "Bo is loud.",
            "secret": "Bo cannot swim.",
        }
    )
    return ann, bo


def task(kind: RelationshipKind = RelationshipKind.ACQUAINTANCE) -> Task:
    ann, bo = people()
    scenario = Scenario(
        id="deck",
        title="on deck",
        setting="Two people on a ship.",
        judge_note="It is sinking.",
        seats=(
            Seat(id="agent_1", goal="Stay dry", extra_info="you saw a hole.", strategy_hint="be quick"),
            Seat(id="agent_2", goal="Sing"),
        ),
        relationships=(kind,),
        licence="CC-BY-SA-4.0",
    )
    edge = Edge(between=("agent_1", "agent_2"), kind=kind)
    return Task(id="t1", scenario=scenario, cast={"agent_1": ann, "agent_2": bo}, edges=(edge,))


def known(of: Task) -> Collection:
    return Collection(characters=tuple(of.cast.values()), scenarios=(of.scenario,), tasks=(of,))


def episode(
    *actions: Action, of: Task | None = None, mode: Mode = "asymmetric", limits: Limits | None = None
) -> Episode:
    """Seats act in turns until these actions are over; by default they end it."""
    of = of or task()
    limits = limits or Limits(turns=21)
    state = Environment().reset(of, seed=0, mode=mode, limits=limits)
    for action in actions or (says("Hello."), says("La la."), NONE, LEAVE):
        state = Environment().step(state, {state.acting[0]: action})
    return Episode(
        id="01H7ZMSDFM5CYCP2QHWV9XZGXW",
        task=of,
        mode=mode,
        lite=False,
        seed=0,
        limits=limits,
        policies={seat: Policy(agent="SOTOPIA", model=f"model-{seat}") for seat in of.cast},
        events=state.events,
        end=state.end,
        code_version="SOTOPIA",
        started_at=AT,
        finished_at=AT,
        source="sotopia-lab/sotopia-rl:file",
        licence="Apache-2.0",
        tag="pilot",
    )


def card(of: Episode, scores: Sequence[int | None] = (9, 2, 3, 0, -1, 0, 8), model: str = "gpt-4") -> Scorecard:
    rubric = sotopia_eval()
    judge = Policy(agent="SOTOPIA", model=model)
    found = {
        dimension.id: DimensionScore(
            score=score, reason=f"because of {dimension.id}", cause="" if score is not None else "lost"
        )
        for dimension, score in zip(rubric.dimensions, scores, strict=True)
    }
    return Scorecard(
        id=f"card-{model}",
        episode=of.id,
        mode=of.mode,
        rubric=rubric.id,
        rubric_version=rubric.version,
        rubric_hash=content_hash(rubric),
        judge=judge,
        scores=dict.fromkeys(of.policies, found),
        calls=dict.fromkeys(of.policies, ()),
        code_version="SOTOPIA",
        judged_at=AT,
        source=of.source,
        licence=of.licence,
    )


def row(form: Form = "released", of: Episode | None = None, **changes: object) -> Row:
    """What SOTOPIA would have written, with some fields otherwise; `...` takes one away."""
    of = of or episode()
    fields = row_of(Judged(of, card(of), sotopia_eval()), form) | changes
    return {name: value for name, value in fields.items() if value is not ...}
