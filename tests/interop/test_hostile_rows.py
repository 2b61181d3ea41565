"""Every row is imported, or reported with its file, line and reason: none raises, and none is lost without a word."""

import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.interop.casino import read_casino
from comity.interop.deal_or_no_deal import read_deal_or_no_deal
from comity.interop.episode_logs import read_episodes
from comity.interop.episode_rows import Form
from comity.interop.persuasion_for_good import read_persuasion_for_good
from comity.interop.remarks import Problem, Remark, Report
from comity.interop.sotopia import read_sotopia
from comity.interop.splits import read_splits
from comity.store import Store
from comity.world.collection import Collection
from interop.campers import AGREED, campers, entry
from interop.episodes import episode, known, row, task
from interop.hostile import mutated_json, mutated_line
from interop.test_deal_or_no_deal import BALLS, MINE, NO, OTHERS, cocoa, side
from interop.test_persuasion_for_good import MEASURED, pair
from interop.test_sotopia import COMBO, COMBOS, agent, environment
from interop.test_sotopia import pair as relationship

Lines = list[str]

few = settings(max_examples=40)
"""The store makes an example slow; run it with more when an importer changes."""


def accounted(
    places: Iterable[str], loaded: Iterable[str], problems: Iterable[Problem], remarks: Iterable[Remark] = ()
) -> None:
    """Each place is that of a row that was imported, or of a problem, or of a row that is declared a repetition; of one of them."""
    found, told = [*loaded], list(problems)
    reported = {problem.where for problem in told}
    repeated = {remark.where for remark in remarks if remark.kind == "dialogue_repeated"}
    assert len(set(found)) == len(found)
    assert set(places) == {*found} | reported | repeated
    assert not {*found} & reported
    assert all(problem.message.strip() for problem in told)


def lines_named(problem: Problem) -> range:
    """The lines of a table that are lost together, where a quotation mark is missing."""
    found = re.match(r"lines (\d+) to (\d+) are no row", problem.message)
    return range(int(found[1]), int(found[2]) + 1) if found else range(0)


def kept(store: Store, episodes: Iterable[Any]) -> None:
    """What was read can be stored, but for two of one id."""
    for each in {told.episode.id: told.episode for told in episodes}.values():
        store.begin(each)
        assert store.episode(each.id) == each


EPISODES = {
    form: [row(form), row(form, episode_id="other", pk="other")]
    for form in ("released", "text", "native", "evaluations")
}


@pytest.mark.parametrize("form", ["released", "text", "native", "evaluations"])
@few
@given(data=st.data())
def test_rows_of_episodes(form: Form, data: st.DataObject) -> None:
    lines = data.draw(mutated_json(EPISODES[form]))
    of = episode()
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/comity.db") as store:
        file = Path(folder) / "rows.jsonl"
        file.write_text("\n".join(lines), encoding="utf-8")
        read = read_episodes([file], data.draw(st.sampled_from([Collection(), known(task())])), stored=lambda _: of)
        cards = [each.where for each in read.cards if form == "evaluations"]
        loaded = [*(each.where for each in read.episodes), *cards]
        accounted([f"rows.jsonl:{at}" for at, _ in enumerate(lines, 1)], loaded, read.problems)
        kept(store, read.episodes)


@few
@given(lines=mutated_json(EPISODES["released"] + EPISODES["native"]))
def test_a_list_of_episodes(lines: Lines) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        file.write_text(f"[{','.join(lines)}]", encoding="utf-8")
        read = read_episodes([file], Collection())
        accounted(
            [f"rows.json[{at}]" for at, _ in enumerate(lines)], [each.where for each in read.episodes], read.problems
        )


PROFILES: dict[str, Sequence[dict[str, Any]]] = {
    "agent_profiles": [agent("ann"), agent("bea"), agent("cy")],
    "environment_profiles": [environment(), environment(env_id="e2")],
    "relationship_profiles": [relationship(), relationship(relationship_id="r2", agent1_id="cy")],
    COMBOS: [COMBO, {"combo_id": "c2", "env_id": "e2", "agent_ids": ["ann", "cy"]}],
}


@pytest.mark.parametrize("hurt", PROFILES)
@few
@given(data=st.data())
def test_profiles(hurt: str, data: st.DataObject) -> None:
    files = {name: [*map(json.dumps, rows)] for name, rows in PROFILES.items()}
    files[hurt] = data.draw(mutated_json(PROFILES[hurt]))
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/comity.db") as store:
        for name, lines in files.items():
            (Path(folder) / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
        read = read_sotopia(Path(folder))
        of = read.collection
        loaded = (of.characters, of.scenarios, of.relationships, of.tasks)
        for (name, lines), rows in zip(files.items(), loaded, strict=True):
            left_out = {problem.where for problem in read.problems if problem.where.startswith(f"{name}.jsonl:")}
            assert len(rows) + len(left_out) == len(lines)
        store.add(of)
        assert store.collection() == of


TALKS = [
    campers(*AGREED),
    campers(*AGREED[:2], entry(1, "Walk-Away"), points=(5, 5), number=8, annotations=[["Hi", "small-talk"]]),
]
COCOA = [cocoa((1, "message", "mine"), (0, "select", BALLS), (1, "select", OTHERS))]
COCOA += [COCOA[0] | {"uuid": "C_2"}]


@pytest.mark.parametrize(("reader", "rows"), [(read_casino, TALKS), (read_deal_or_no_deal, COCOA)])
@few
@given(data=st.data())
def test_talks_in_a_list(reader: Any, rows: list[dict[str, Any]], data: st.DataObject) -> None:
    lines = data.draw(mutated_json(json.loads(json.dumps(rows))))
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/comity.db") as store:
        file = Path(folder) / "casino.json"
        file.write_text(f"[{','.join(lines)}]", encoding="utf-8")
        report = Report()
        read = list(reader(file, report))
        places = [f"casino.json[{at}]" for at, _ in enumerate(lines)]
        accounted(places, [each.where for each in read], report.problems, report.remarks)
        kept(store, read)


SIDES = [side(MINE), side(NO, "disagree", you="1 4 4 1 1 2", them="1 8 4 0 1 2")]


@few
@given(data=st.data())
def test_talks_in_lines(data: st.DataObject) -> None:
    lines = [data.draw(mutated_line(data.draw(st.sampled_from(SIDES)))) for _ in range(3)]
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/comity.db") as store:
        file = Path(folder) / "val.txt"
        file.write_text("\n".join(lines), encoding="utf-8")
        report = Report()
        read = list(read_deal_or_no_deal(file, report))
        accounted(
            [f"val.txt:{at}" for at, line in enumerate(lines, 1) if line.strip()],
            [each.where for each in read],
            report.problems,
            report.remarks,
        )
        kept(store, read)


@few
@given(data=st.data())
def test_dialogues_and_people_in_two_tables(data: st.DataObject) -> None:
    ids = ("20180904-045349_715_live", "99999999-999999_1_live", "b")
    said = [f"0,Hello {id_} {role}.,0,{role},{id_}" for id_ in ids for role in "01"]
    people = [
        ",".join(p.get(n, "3.0") for n in ("B2", "B4", "B6", "B7", *MEASURED)) for i in ids for p in pair(i, "1.5")
    ]
    which, at = data.draw(st.sampled_from((said, people))), data.draw(st.integers(0, 5))
    which[at] = data.draw(mutated_line(which[at], ","))
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/comity.db") as store:
        head = ",".join(("B2", "B4", "B6", "B7", *(f"{name}.x" for name in MEASURED)))
        for name, lines in (("full_dialog.csv", [",Unit,Turn,B4,B2", *said]), ("full_info.csv", [head, *people])):
            (Path(folder) / name).write_text("\n".join(lines), encoding="utf-8")
        report = Report()
        read = list(read_persuasion_for_good(Path(folder), report))
        words = {event.action.argument for told in read for event in told.episode.events if event.action}
        reported = {problem.where for problem in report.problems}
        broken = {at for problem in report.problems for at in lines_named(problem)}
        for number, line in enumerate(said, 2):
            is_there = not line or (len(line.split(",")) > 1 and line.split(",")[1] in words)
            assert is_there or number in broken or any(f"full_dialog.csv:{at}" in reported for at in (2, 4, 6, number))
        kept(store, read)


@few
@given(lines=mutated_json([{"dev": ["deck", "gone"], "train": ["x"]}]))
def test_lists_of_scenarios(lines: Lines) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "used_env.json").write_text(lines[0], encoding="utf-8")
        splits, problems = read_splits(Path(folder))
        assert splits or problems or lines[0] == "{}"
        assert all(split.name.isascii() and "/" not in split.name for split in splits)


@few
@given(
    lines=mutated_json([{"pk": "t0"}, {"pk": "t1"}]),
    index=st.sampled_from(("0", "-1", "true", "1e400", "null", "9" * 5000)),
)
def test_places_of_the_hard_set(lines: Lines, index: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ampo_env_agent_combos_450.json").write_text(f"[{','.join(lines)}]", encoding="utf-8")
        (Path(folder) / "ampo_hard_indices.json").write_text(f"[0, {index}]", encoding="utf-8")
        splits, problems = read_splits(Path(folder))
        assert len({problem.where for problem in problems}) + sum(len(split.tasks) for split in splits) >= 2
