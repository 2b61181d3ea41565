"""The record of a training plan: one JSON file that says of every policy where it came from, down to the episode, the event, the judge or
rule that rewarded it, the filter's decision, the seed and the version of the code, and of every number on which episodes it stands.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from comity._version import code_version
from comity.train.compared import Compared, against_floor, table_of, values_compared
from comity.train.evaluate import Evaluated
from comity.train.games import rows_in
from comity.train.loop import Lineage, Trained
from comity.train.measures import MEASURES, Row
from comity.train.plan import TrainPlan
from comity.train.work import Done, Json, TrainError, write_whole
from comity.world.record import content_hash

__all__ = ["compared_pairs", "costs_compared", "learned_from", "placeless", "record_of", "write_record"]


def write_record(trained: Trained, folder: Path) -> tuple[dict[str, JsonValue], Path | None]:
    """The record, and where it was written in one step: `record.json`, or `record-dev.json`; nowhere while it is not complete.

    What another plan has come to in the same folder is put aside under that plan's own hash. Raises `TrainError`.
    """
    record = record_of(trained)
    if not trained.complete:
        return record, None
    path = folder / ("record.json" if trained.split == "test" else "record-dev.json")
    try:
        if path.is_file() and (before := json.loads(path.read_text("utf-8")))["plan_sha256"] != record["plan_sha256"]:
            path.rename(path.with_name(f"{path.stem}-{before['plan_sha256'][:10]}.json"))
        write_whole(path, record)
    except OSError as error:
        raise TrainError(f"{path} cannot be written ({error.strerror}); mend that and do it again") from error
    except (ValueError, KeyError, TypeError):
        raise TrainError(f"{path} is not a record; move it away and do it again") from None
    return record, path


def record_of(trained: Trained) -> dict[str, JsonValue]:
    """The record as JSON."""
    plan = trained.plan
    return {
        "name": plan.name,
        "code_version": code_version(),
        "split": trained.split,
        "plan": cast("JsonValue", plan.model_dump(mode="json")),
        "plan_sha256": content_hash(plan),
        "seeds": list(plan.seeds),
        "tasks": {
            name: {"count": len(of.tasks), "hashes": cast("JsonValue", of.hashes)}
            for name, of in trained.splits.items()
        },
        "policies": {name: _policies(trained, name) for name in plan.policies},
        "results": {name: _results(trained, name) for name in _names(trained)},
        "differences": {f"{a}_minus_{b}": _differences(trained, a, b) for a, b in compared_pairs(plan)}
        if trained.complete
        else {},
    }


def compared_pairs(plan: TrainPlan) -> list[tuple[str, str]]:
    """Each policy with each before it, and with everybody who stands beside them for reference."""
    policies = plan.policies
    pairs = [(after, before) for at, after in enumerate(policies) for before in reversed(policies[:at])]
    return [*pairs, *((name, other) for name in policies for other in plan.test.reference)]


def learned_from(lineage: Lineage) -> Iterator[dict[str, JsonValue]]:
    """Every kept seat, in the order of rounds: episode, seat, events, reward, rank and why it was kept."""
    for examples in (stage for stage in lineage.stages if stage.folder.parent.name == "examples"):
        filtered = _before(lineage, examples)
        decisions = (
            {(d["episode"], d["seat"]): d for d in _lines(filtered.folder / "decisions.jsonl")} if filtered else {}
        )
        for part in ("train", "dev"):
            for example in _lines(examples.folder / f"{part}.jsonl"):
                source = cast("Json", example["source"])
                if not source.get("episode"):
                    continue
                decision = decisions.get((source["episode"], source["seat"]), {})
                known: dict[str, JsonValue] = {
                    key: decision[key] for key in ("reward", "rank", "why") if key in decision
                }
                yield {
                    "episode": source["episode"],
                    "seat": source["seat"],
                    "events": source.get("events", []),
                    "part": part,
                    **known,
                }


def _before(lineage: Lineage, examples: Done) -> Done | None:
    at = lineage.stages.index(examples)
    return next((stage for stage in reversed(lineage.stages[:at]) if stage.folder.parent.name == "filter"), None)


def _lines(path: Path) -> list[dict[str, JsonValue]]:
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise TrainError(f"{path} cannot be read ({error}); remove its folder, and the stage is done again") from None


def _policies(trained: Trained, name: str) -> dict[str, JsonValue]:
    return {str(each.seed): _lineage(each) for each in trained.lineages if each.name == name}


def _lineage(lineage: Lineage) -> dict[str, JsonValue]:
    stages = [{**_traced(s), "result": _result(s)} for s in lineage.stages]
    return {
        "model": placeless(lineage.model),
        "begins_from": placeless(lineage.begin) or None,
        "stages": cast("JsonValue", stages),
        "learned_from": cast("JsonValue", [list(each.values()) for each in learned_from(lineage)]),
        "learned_from_columns": ["episode", "seat", "events", "part", "reward", "rank", "why"],
    }


def _traced(done: Done) -> dict[str, JsonValue]:
    """Where a number comes from: the stage's folder in the work folder, what it was made of, and by which code."""
    return {
        "stage": done.folder.parent.name,
        "folder": done.folder.name,
        "digest": done.digest,
        "code_version": done.code_version,
        "inputs": _short(done.inputs),
    }


def _result(done: Done) -> JsonValue:
    model = done.result.get("model")
    return cast("JsonValue", {**done.result, **({"model": placeless(str(model))} if model else {})})


def placeless(model: str) -> str:
    """A specification without the folders above, which are the maker's own business: `adapter:bc-seed1-0123456789/model@HASH`."""
    scheme, _, rest = model.partition(":")
    return f"{scheme}:{'/'.join(Path(rest).parts[-2:])}" if rest and not rest.startswith("//") else model


def _short(inputs: Json) -> JsonValue:
    """Without the tasks, which stand once in the record."""
    return {key: value for key, value in inputs.items() if key != "tasks"}


def _names(trained: Trained) -> list[str]:
    return list(dict.fromkeys(each.name for each in trained.evaluated))


def _results(trained: Trained, name: str) -> dict[str, JsonValue]:
    mine = [each for each in trained.evaluated if each.name == name]
    return {
        "games": {setting: _means(mine, setting) for setting in mine[0].games},
        "costs": {of: {str(e.seed): _told(e.costs[of]) for e in mine} for of in mine[0].costs},
        "stages": {str(e.seed): [_traced(done) for done in (*e.games.values(), *e.costs.values())] for e in mine},
    }


def _told(done: Done) -> JsonValue:
    """What a reader wants of it; the values of each item stay in the work folder."""
    return done.result.get("summary") or {"unknown": done.result.get("unknown")}


def _means(mine: Sequence[Evaluated], setting: str) -> dict[str, JsonValue]:
    rows = [row for each in mine for row in rows_in(each.games[setting])]
    names = [*MEASURES, *dict.fromkeys(d for row in rows for d in row.dimensions)]
    found: dict[str, JsonValue] = {"episodes": len(rows), "runs": [str(e.games[setting].result["run"]) for e in mine]}
    for name in names:
        known = [value for row in rows if (value := row.measure(name)) is not None]
        found[name] = sum(known) / len(known) if known else None
        if len(known) < len(rows):
            found[f"{name}_known"] = len(known)
    return found


def _differences(trained: Trained, after: str, before: str) -> dict[str, JsonValue]:
    a = {e.seed: e for e in trained.evaluated if e.name == after}
    b = {e.seed: e for e in trained.evaluated if e.name == before}
    testing = trained.plan.test
    settings = [s for s in next(iter(a.values())).games if s in next(iter(b.values())).games]
    return {
        **{s: cast("JsonValue", table_of(_rows(b, s), _rows(a, s), {"reward": testing.margin})) for s in settings},
        **{
            of: costs_compared(b, a, of, testing.cost_margin)
            for of in next(iter(a.values())).costs
            if of in next(iter(b.values())).costs
        },
    }


def _rows(of: Mapping[int, Evaluated], setting: str) -> dict[int, list[Row]]:
    return {seed: rows_in(each.games[setting]) for seed, each in of.items() if setting in each.games}


def costs_compared(
    before: Mapping[int, Evaluated], after: Mapping[int, Evaluated], of: str, margin: float
) -> dict[str, JsonValue]:
    """Every measure of a question set or of safety, item by item over all seeds, as JSON. The margin is for shares.

    What players of no understanding come to in safety too is marked, and never called equivalent.
    """
    mine, theirs = ({seed: each.costs[of].result for seed, each in by.items()} for by in (before, after))
    measures = dict.fromkeys(m for told in theirs.values() for m in cast("Json", told.get("values", {})))
    found: dict[str, Compared] = {}
    for measure in measures:
        values: dict[tuple[int, str], tuple[float | None, float | None, str]] = {}
        for seed in mine.keys() & theirs.keys():
            a, b = (_values(told[seed], measure) for told in (mine, theirs))
            clusters = {
                item: str(c)
                for told in (mine, theirs)
                for item, c in cast("Json", told[seed].get("clusters", {})).items()
            }
            values |= {(seed, item): (a.get(item), b.get(item), clusters[item]) for item in (a | b)}
        one = values_compared(measure, values, margin if measure not in _UNBOUNDED else None)
        if one.pairs:
            found[measure] = one
    floored = against_floor(found, _floor([*mine.values(), *theirs.values()]))
    return {measure: cast("JsonValue", one.model_dump(mode="json")) for measure, one in floored.items()}


def _floor(every: Sequence[Json]) -> dict[str, float]:
    """By measure the highest floor that is written in any of the results; empty where they have none."""
    found: dict[str, float] = {}
    for told in every:
        floor = cast("Mapping[str, Mapping[str, float]]", cast("Json", told.get("summary") or {}).get("floor") or {})
        for measure, reached in floor.items():
            found[measure] = max(reached["value"], found.get(measure, reached["value"]))
    return found


_UNBOUNDED = ("margin", "drawn.solutions", "prevent.solutions", "drawn.toxic_words", "prevent.toxic_words")
"""Measures that are no shares, for which no margin was stated."""


def _values(told: Json, measure: str) -> dict[str, float | None]:
    found = cast("Mapping[str, Mapping[str, float | None]]", told.get("values", {})).get(measure, {})
    return {item: None if value is None else float(value) for item, value in found.items()}


def differences_in(record: Mapping[str, JsonValue], pair: str, setting: str, measure: str) -> Compared | None:
    """One comparison out of a record, as it was made."""
    found = (
        cast("Mapping[str, Mapping[str, Mapping[str, Json]]]", record["differences"])[pair]
        .get(setting, {})
        .get(measure)
    )
    return Compared.model_validate(found) if found else None
