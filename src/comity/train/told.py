"""A training plan and its results in words and tables, for a terminal, a card and a page alike. The numbers are the record's."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from pydantic import JsonValue

from comity.train.measures import MEASURES
from comity.train.plan import TrainPlan
from comity.train.tasks import Chosen

__all__ = ["Told", "markdown", "told_plan", "told_results"]

Json = Mapping[str, JsonValue]


class Told(NamedTuple):
    """A table: numbers are text already."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def told_plan(plan: TrainPlan, splits: Mapping[str, Chosen]) -> list[str]:
    """What will be done, a line each."""
    begin = plan.policy
    start = begin.model or (
        f"a Llama made here, {begin.nano.layers} layers of {begin.nano.hidden}" if begin.nano else ""
    )
    lines = [f"{plan.name}: {plan.notes}" if plan.notes else plan.name]
    lines.append("  tasks: " + ", ".join(f"{len(of.tasks):,} to {_USES[name]}" for name, of in splits.items()))
    lines.append(
        f"  base: {start}; style {begin.style}, temperature {begin.temperature:g}, {begin.max_tokens} tokens a reply at most"
    )
    if plan.expert:
        who = (
            ", ".join(player.model for player in plan.expert.players.values())
            or f"imported episodes of {plan.expert.imported}"
        )
        lines.append(f"  expert: {who}")
    lines.append(f"  reward: {plan.reward.rule}")
    for name, step in plan.steps.items():
        whose = "the expert" if step.learns == "expert" else "its own play"
        rounds = f", {step.rounds} rounds" if step.rounds > 1 else ""
        lines.append(
            f"  {name}: {step.begin} learns from {whose}{rounds}; filter {step.filter.rule}; {step.fit.method}, {_length(step.fit.epochs, step.fit.max_steps)}"
        )
    partners = ", ".join(player.model for player in plan.test.partners.values())
    lines.append(f"  evaluated against {partners}: {', '.join(plan.test.settings)}")
    lines.append(f"  seeds: {', '.join(map(str, plan.seeds))}")
    return lines


_USES = {"train": "learn from", "dev": "tune on", "test": "test on"}


def _length(epochs: int, steps: int | None) -> str:
    return f"{epochs} epochs" if steps is None else f"{steps} steps at most"


def told_results(record: Json) -> list[Told]:
    """The tables of a record: each setting's means, and what each policy gained and what it cost."""
    results = cast("Mapping[str, Mapping[str, Json]]", record["results"])
    if not results:
        return []
    settings = list(dict.fromkeys(s for of in results.values() for s in of["games"]))
    tables = [_means(setting, results, str(record["split"])) for setting in settings]
    tables += _costs(results)
    for pair, of in cast("Mapping[str, Mapping[str, Json]]", record["differences"]).items():
        tables.append(_differences(pair, of))
    return tables


def markdown(table: Told) -> str:
    """The table as Markdown, with its title above."""
    lines = [f"**{table.title}**", "", f"| {' | '.join(table.columns)} |", "|" + "---|" * len(table.columns)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in table.rows)]) + "\n"


def _means(setting: str, results: Mapping[str, Mapping[str, Json]], split: str) -> Told:
    rows: list[tuple[str, ...]] = []
    for name, of in results.items():
        if setting in of["games"]:
            found = cast("Json", of["games"][setting])
            rows.append((name, str(found["episodes"]), *(_number(found.get(m)) for m in MEASURES)))
    return Told(f"{_SETTINGS.get(setting, setting)}: means on {split}", ("policy", "episodes", *MEASURES), tuple(rows))


_SETTINGS = {
    "pool/schema": "Against the held-out pool, held to the schema",
    "pool/free": "Against the held-out pool, free decoding",
    "self/schema": "Against itself, held to the schema",
    "self/free": "Against itself, free decoding",
}


def _costs(results: Mapping[str, Mapping[str, Json]]) -> list[Told]:
    """Questions and safety, a table each: a row for each policy, its seeds' mean."""
    tables: list[Told] = []
    for one in dict.fromkeys(name for of in results.values() for name in of["costs"]):
        seeds = {
            name: list(cast("Mapping[str, Json]", of["costs"][one]).values())
            for name, of in results.items()
            if one in of["costs"]
        }
        numbers = {name: [dict(_numbers(told)) for told in each] for name, each in seeds.items()}
        columns = list(dict.fromkeys(key for each in numbers.values() for told in each for key in told))
        rows = tuple(
            (name, *(_number(_mean([told[c] for told in each if c in told])) for c in columns))
            for name, each in numbers.items()
        )
        tables.append(Told(one, ("policy", *columns), rows))
    return tables


def _numbers(told: Json, under: str = "") -> Iterator[tuple[str, float]]:
    """What can be averaged in a summary, by name: shares and intervals, however deep they lie; no counts."""
    for key, value in told.items():
        name = f"{under}.{key}" if under else key
        if isinstance(value, Mapping):
            inner = value.get("value", value.get("mean"))
            if isinstance(inner, int | float):
                yield name, float(inner)
            elif isinstance(inner, Mapping) and isinstance(inner.get("value"), int | float):
                yield name, float(cast("float", inner["value"]))
            elif key not in _COUNTS:
                yield from _numbers(value, name if key != "rates" else under)


_COUNTS = ("missing", "shots", "failed", "safe", "unsafe")


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _differences(pair: str, of: Mapping[str, Json]) -> Told:
    rows = [
        (f"{setting}: {name}", *_one(cast("Json", one)))
        for setting, measures in of.items()
        for name, one in measures.items()
    ]
    return Told(
        pair.replace("_", " "),
        ("measure", "before", "after", "difference", "95 %", "by", "pairs", "unpaired", "small enough", "remark"),
        tuple(rows),
    )


def _one(one: Json) -> tuple[str, ...]:
    interval = f"[{_number(one['low'])}, {_number(one['high'])}]" if one["low"] is not None else "not known"
    same = {True: "yes", False: "not shown", None: ""}[cast("bool | None", one["equivalent"])]
    return (
        _number(one["before"]),
        _number(one["after"]),
        _signed(one["mean"]),
        interval,
        str(one["clustered_by"]),
        str(one["pairs"]),
        str(one["unpaired"]),
        same,
        str(one["remark"]),
    )


def _number(value: JsonValue) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "-"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"


def _signed(value: JsonValue) -> str:
    return f"{value:+.3f}" if isinstance(value, int | float) else "-"
