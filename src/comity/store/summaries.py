"""What listings show of episodes and tasks, without building them. A row that cannot be read says so and hides no other."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Row, func, select, true

from comity.store.bodies import load
from comity.store.snapshots import caption_of
from comity.store.tables import current, episodes, events, members, outcomes, runs, scorecards, spending, tasks
from comity.world.environment import End, EndReason
from comity.world.episodes import Interruption

__all__ = [
    "EpisodeSummary",
    "RunSummary",
    "Status",
    "TaskSummary",
    "list_episode_ids",
    "list_episodes",
    "list_ids",
    "list_runs",
    "list_tasks",
]

Status = Literal["running", "interrupted", "finished"]


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """One task of a listing."""

    id: str
    scenario: str
    """The scenario's id."""
    title: str
    names: Mapping[str, str]
    """Display name by seat, in seat order."""
    damage: str = ""
    """What could not be read; empty where all is well."""


@dataclass(frozen=True, slots=True)
class EpisodeSummary:
    """One episode of a listing."""

    id: str
    task: str
    """The task's id."""
    title: str
    """The scenario's title."""
    names: Mapping[str, str]
    """Display name by seat, in seat order."""
    models: Mapping[str, str | None]
    """By seat, the model of the policy that plays it; `None` for a policy without one."""
    turns: int
    status: Status
    """`running` is unfinished with no known cause; whether a process still plays it, the store does not know."""
    end: EndReason | None
    failure: str | None
    """The kind of the agent's failure that ended it, where one did."""
    mode: str
    started_at: datetime | None
    """`None` only where it could not be read."""
    interrupted: Interruption | None
    """Why nobody plays it, or judges it, where that is known."""
    scorecards: int
    outcome: str | None = None
    """What its scenario's rules say: `agreed`, `no_deal`, `played`, `unfinished` or `failed`; `None` where there are none."""
    damage: str = ""
    """What could not be read; empty where all is well."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run of a listing."""

    id: str
    created_at: datetime | None
    """`None` only where it could not be read."""
    episodes: int
    """All that its plan asks for."""
    begun: int
    finished: int
    failed: int
    """Finished by an agent's own failure."""
    interrupted: int
    """Stopped through no fault of an agent, while played or judged, and not taken up again since."""
    scorecards: int
    calls: int
    tokens: int
    """Of prompts and replies together."""
    cost: float
    """In US dollars, as far as prices are known."""
    unpriced: int
    """Calls whose price is not known."""
    damage: str = ""


def list_runs(connection: Connection) -> list[RunSummary]:
    """Every run, newest first, with what it has come to. None of its episodes is built."""
    counted = (
        select(
            members.c.run,
            func.count().label("episodes"),
            func.count(episodes.c.id).label("begun"),
            func.count(episodes.c.ending).label("finished"),
            func.count(episodes.c.failure).label("failed"),
            func.count(episodes.c.interrupted).label("interrupted"),
        )
        .select_from(members.outerjoin(episodes, episodes.c.id == members.c.episode))
        .group_by(members.c.run)
        .subquery()
    )
    judged = (
        select(members.c.run, func.count().label("scorecards"))
        .join(scorecards, scorecards.c.episode == members.c.episode)
        .group_by(members.c.run)
        .subquery()
    )
    tokens = spending.c.prompt_tokens + spending.c.completion_tokens
    sums = {"calls": spending.c.calls, "tokens": tokens, "cost": spending.c.cost, "unpriced": spending.c.unpriced}
    spent = (
        select(spending.c.run, *(func.sum(column).label(name) for name, column in sums.items()))
        .group_by(spending.c.run)
        .subquery()
    )
    rows = connection.execute(
        select(runs.c.id, runs.c.created_at, counted, judged.c.scorecards, spent)
        .outerjoin(counted, counted.c.run == runs.c.id)
        .outerjoin(judged, judged.c.run == runs.c.id)
        .outerjoin(spent, spent.c.run == runs.c.id)
        .order_by(runs.c.created_at.desc(), runs.c.id)
    )
    return [_run(row) for row in rows]


def _run(row: Row[tuple[object, ...]]) -> RunSummary:
    reader = _Reader()
    names = ("episodes", "begun", "finished", "failed", "interrupted", "scorecards", "calls", "tokens", "unpriced")
    counts = {name: int(getattr(row, name) or 0) for name in names}
    created = reader.time(row.created_at)
    return RunSummary(row.id, created, **counts, cost=float(row.cost or 0), damage=", ".join(reader.damage))


def list_tasks(connection: Connection) -> list[TaskSummary]:
    """Every current task, in the order in which their ids were first added."""
    rows = connection.execute(
        select(current.c.id, tasks.c.scenario, tasks.c.caption)
        .select_from(current.outerjoin(tasks, tasks.c.hash == current.c.hash))
        .where(current.c.kind == "task")
        .order_by(current.c.seq)
    )
    return [_task(row.id, row.scenario, row.caption) for row in rows]


def list_ids(connection: Connection) -> list[str]:
    """The ids of the current tasks, in the order in which they were first added."""
    return list(connection.scalars(select(current.c.id).where(current.c.kind == "task").order_by(current.c.seq)))


def _task(task_id: str, scenario: str | None, caption: str | None) -> TaskSummary:
    try:
        title, names = caption_of(caption)
    except ValueError:
        return TaskSummary(task_id, scenario or "", "", {}, damage="caption")
    return TaskSummary(task_id, scenario or "", title, names)


def list_episodes(connection: Connection, limit: int | None, run: str | None = None) -> list[EpisodeSummary]:
    """The newest episodes, of one run where it is named, newest first."""
    last_turn = (
        select(events.c.turn)
        .where(events.c.episode == episodes.c.id, events.c.position == episodes.c.length - 1)
        .scalar_subquery()
    )
    cards = select(func.count()).where(scorecards.c.episode == episodes.c.id).scalar_subquery()
    outcome = (
        select(outcomes.c.status)
        .where(outcomes.c.episode == episodes.c.id)
        .order_by(outcomes.c.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    of_run = select(members.c.episode).where(members.c.run == run)
    rows = connection.execute(
        select(
            episodes,
            tasks.c.id.label("task_id"),
            tasks.c.caption,
            last_turn.label("turns"),
            cards.label("cards"),
            outcome.label("outcome"),
        )
        .select_from(episodes.outerjoin(tasks, tasks.c.hash == episodes.c.task))
        .where(true() if run is None else episodes.c.id.in_(of_run))
        .order_by(episodes.c.started_at.desc(), episodes.c.seq.desc())
        .limit(limit)
    )
    return [_episode(row) for row in rows]


def list_episode_ids(connection: Connection, run: str | None = None) -> list[str]:
    """The ids of all episodes, or of those of one run, oldest first. None of them is built."""
    of_run = select(members.c.episode).where(members.c.run == run)
    wanted = select(episodes.c.id).where(true() if run is None else episodes.c.id.in_(of_run))
    return list(connection.scalars(wanted.order_by(episodes.c.started_at, episodes.c.seq)))


def _episode(row: Row[tuple[object, ...]]) -> EpisodeSummary:
    reader = _Reader()
    title, names = reader.caption(row.caption)
    return EpisodeSummary(
        id=row.id,
        task=str(row.task_id or ""),
        title=title,
        names=names,
        models=reader.models(row.models),
        turns=reader.turns(row.turns, row.length),
        status="finished" if row.ending is not None else "running" if row.interrupted is None else "interrupted",
        end=reader.end(row.ending),
        failure=row.failure,
        mode=row.mode,
        started_at=reader.time(row.started_at),
        interrupted=reader.interruption(row.interrupted),
        scorecards=row.cards,
        outcome=row.outcome,
        damage=", ".join(reader.damage),
    )


class _Reader:
    """Reads one row, noting what cannot be read."""

    def __init__(self) -> None:
        self.damage: list[str] = []

    def caption(self, text: object) -> tuple[str, Mapping[str, str]]:
        try:
            return caption_of(text)
        except ValueError:
            self.damage.append("task")
            return "", {}

    def models(self, text: object) -> Mapping[str, str | None]:
        try:
            return {seat: None if model is None else str(model) for seat, model in load(text).items()}
        except ValueError:
            self.damage.append("models")
            return {}

    def turns(self, turns: object, length: object) -> int:
        if isinstance(turns, int):
            return turns
        if length != 0:
            self.damage.append("events")
        return 0

    def end(self, text: object) -> EndReason | None:
        try:
            return None if text is None else End.model_validate(load(text)).reason
        except ValueError:
            self.damage.append("end")
            return None

    def time(self, text: object) -> datetime | None:
        try:
            return datetime.fromisoformat(str(text))
        except ValueError:
            self.damage.append("started_at")
            return None

    def interruption(self, text: object) -> Interruption | None:
        try:
            return None if text is None else Interruption.model_validate(load(text))
        except ValueError:
            self.damage.append("interrupted")
            return None
