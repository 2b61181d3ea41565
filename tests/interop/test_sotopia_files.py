"""Profiles go out as they came in: made-up rows for what has no place, and all the released ones with every difference listed."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from comity.interop.sotopia import read_sotopia
from comity.interop.sotopia_files import Exported, Layout, write_sotopia
from comity.world.collection import Collection
from comity.world.relationships import Relationship, RelationshipKind
from comity.world.scenarios import Scenario, Seat
from comity.world.tasks import Edge, Task
from interop.episodes import people, task

Row = dict[str, Any]
DATA = Path(__file__).parents[2].parent / "shared" / "data"


def rows(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_text("utf-8").split("\n") if line]


def collection(*tasks: Task) -> Collection:
    ann, bo = people()
    friends = Relationship(
        id="r1", between=("ann", "bo"), kind=RelationshipKind.FRIEND, background="They sailed.", licence="CC-BY-SA-4.0"
    )
    scenarios = {each.scenario.id: each.scenario for each in tasks}
    return Collection(characters=(ann, bo), relationships=(friends,), scenarios=tuple(scenarios.values()), tasks=tasks)


def test_a_row_of_each_file(tmp_path: Path) -> None:
    done = write_sotopia(collection(task()), tmp_path / "new" / "folder")
    assert done.counts == {"characters": 2, "scenarios": 1, "relationships": 1, "tasks": 1}
    folder = tmp_path / "new" / "folder"
    (environment,) = rows(folder / "environment_profiles.jsonl")
    assert environment == {
        "env_id": "deck",
        "codename": "on_deck",
        "source": "",
        "scenario": 'Two people on a ship. <p viewer="environment">It is sinking.</p>',
        "agent_goals": [
            "Stay dry (<extra_info>Extra information: you saw a hole. <strategy_hint>Hint: be quick</strategy_hint></extra_info>)",
            "Sing",
        ],
        "relationship": "2",
        "age_constraint": "nan",
        "occupation_constraint": "nan",
        "agent_constraint": "none",
        "_source": [],
        "licence": "CC-BY-SA-4.0",
    }
    (combo,) = rows(folder / "env_agent_combo_storages.jsonl")
    assert combo == {
        "combo_id": "t1",
        "env_id": "deck",
        "agent_ids": ["ann", "bo"],
        "_source": [],
        "licence": "CC-BY-SA-4.0",
    }
    (pair,) = rows(folder / "relationship_profiles.jsonl")
    assert (pair["agent1_id"], pair["agent2_id"], pair["relationship"]) == ("ann", "bo", "3")
    assert rows(folder / "agent_profiles.jsonl")[1]["last_name"] == "O'Hara"


def test_the_layout_of_pi(tmp_path: Path) -> None:
    write_sotopia(collection(task()), tmp_path, "pi")
    (environment,) = rows(tmp_path / "environment_profiles.jsonl")
    assert (environment["pk"], environment["relationship"], environment["agent_constraint"]) == ("deck", 2, None)
    assert rows(tmp_path / "env_agent_combos.jsonl")[0]["pk"] == "t1"
    assert rows(tmp_path / "relationship_profiles.jsonl")[0]["agent_1_id"] == "ann"


def test_a_scenario_whose_casts_stand_otherwise_to_each_other_is_written_for_each(tmp_path: Path) -> None:
    first = task()
    edge = Edge(between=("agent_1", "agent_2"), kind=RelationshipKind.FAMILY)
    done = write_sotopia(collection(first, first.model_copy(update={"id": "t2", "edges": (edge,)})), tmp_path)
    assert [(row["env_id"], row["relationship"]) for row in rows(tmp_path / "environment_profiles.jsonl")] == [
        ("deck.acquaintance", "2"),
        ("deck.family", "5"),
    ]
    assert [row["env_id"] for row in rows(tmp_path / "env_agent_combo_storages.jsonl")] == [
        "deck.acquaintance",
        "deck.family",
    ]
    assert [remark.kind for remark in done.report] == ["scenario_repeated"]
    assert len(read_sotopia(tmp_path).collection.tasks) == 2


@pytest.mark.parametrize("layout", ["release", "pi"])
def test_an_age_that_is_not_known_is_left_out_and_read_again_as_that(tmp_path: Path, layout: Layout) -> None:
    given = collection(task())
    ann, bo = given.characters
    ageless = ann.model_copy(update={"age": None})
    write_sotopia(given.model_copy(update={"characters": (ageless, bo)}), tmp_path, layout)
    assert ["age" in row for row in rows(tmp_path / "agent_profiles.jsonl")] == [False, True]
    again = read_sotopia(tmp_path)
    assert again.problems == ()
    assert [who.age for who in again.collection.characters] == [None, 30]
    assert "age" not in {remark.message.partition(":")[0] for remark in again.report}


def test_what_has_no_place_is_said_and_what_cannot_be_said_is_left_out(tmp_path: Path) -> None:
    odd = task()
    odd = odd.model_copy(update={"scenario": odd.scenario.model_copy(update={"turn_limit": 8, "licence": ""})})
    three = Scenario(id="three", title="x", setting="y", seats=tuple(Seat(id=seat, goal="z") for seat in "abc"))
    given = collection(odd)
    done = write_sotopia(given.model_copy(update={"scenarios": (*given.scenarios, three)}), tmp_path)
    assert [str(problem).split(",")[0] for problem in done.problems] == ["scenario three: it has 3 seats"]
    said = Counter(remark.kind for remark in done.report)
    assert said == {"field_dropped": 1, "licence_unknown": 2}
    assert done.counts["scenarios"] == 1


# The released profiles. What comes out otherwise is listed by file, field and id.

BLANKS_IN_GOALS = {
    "play_hooky",
    "unwelcome_guest",
    "divide_things",
    "revenge_plot",
    "financial_support",
    "interrupted_speech",
    "financial_report",
    "break_bad_luck",
    "compliment_conflict",
    "donate_charity",
    "go_on_a_date",
}
"""Twelve goals of eleven scenarios set a blank beside a mark otherwise than the rest do, or two marks side by side."""
SPELLINGS = {
    "moral_values": {
        ("Fairness/Cheating",): ["Fairness/Reciprocity"],
        ("Liberty",): ["Liberty/Oppression"],
        ("Sanctity/Degradation",): ["Sanctity/Purity"],
        ("Authority&Loyalty",): ["Authority", " Loyalty"],
        ("Authority/Loyalty",): ["Authority", " Loyalty"],
        ("In-group Loyalty",): ["Loyalty/Betrayal"],
        ("Ingroup/Loyalty",): ["Loyalty/Betrayal"],
        ("Liberty/Justice",): ["Liberty", " Fairness"],
    },
    "schwartz_personal_values": {("Obedience",): ["Conformity"], ("Self-direction",): ["Self-Direction"]},
}
"""The release spells a value in several ways; a value is stored as one of a closed set and written in one way."""


RoundTrip = tuple[Path, Path, Exported]
"""Where the profiles are, where they were written, and what was said of it."""


def there_and_back(name: str, layout: Layout, factory: pytest.TempPathFactory) -> RoundTrip:
    source = DATA / name
    if not source.is_dir():
        pytest.skip(f"the released data is not beside the repository: no {source}")
    out = factory.mktemp(name)
    return source, out, write_sotopia(read_sotopia(source).collection, out, layout)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> RoundTrip:
    return there_and_back("sotopia", "release", tmp_path_factory)


@pytest.fixture(scope="module")
def pi(tmp_path_factory: pytest.TempPathFactory) -> RoundTrip:
    return there_and_back("sotopia_pi_scenarios", "pi", tmp_path_factory)


@pytest.fixture(params=["release", "pi"])
def either(request: pytest.FixtureRequest, release: RoundTrip, pi: RoundTrip) -> RoundTrip:
    return release if request.param == "release" else pi


def differences(source: Path, out: Path) -> dict[str, Counter[str]]:
    """By file, how often each field differs; rows are in the order of the source."""
    found: dict[str, Counter[str]] = {}
    for file in sorted(out.iterdir()):
        before, after = rows(source / file.name), rows(file)
        assert len(before) == len(after)
        found[file.name] = Counter(
            name
            for one, other in zip(before, after, strict=True)
            for name in one.keys() | other.keys()
            if one.get(name, ...) != other.get(name, ...)
        )
    return found


def test_every_released_field_comes_out_as_it_was_but_for_those_listed(release: RoundTrip) -> None:
    source, out, done = release
    ours = {"_source", "licence"}
    found = {
        name: {field: n for field, n in fields.items() if field not in ours}
        for name, fields in differences(source, out).items()
    }
    assert found == {
        "agent_profiles.jsonl": {"mbti": 40, "moral_values": 11, "schwartz_personal_values": 2},
        "env_agent_combo_storages.jsonl": {},
        "environment_profiles.jsonl": {"agent_goals": 11, "occupation_constraint": 1},
        "relationship_profiles.jsonl": {},
    }
    assert done.problems == ()
    for before, after in zip(rows(source / "agent_profiles.jsonl"), rows(out / "agent_profiles.jsonl"), strict=True):
        for field, spellings in SPELLINGS.items():
            assert after[field] == spellings.get(tuple(before[field]), before[field])
    for before, after in zip(
        rows(source / "environment_profiles.jsonl"), rows(out / "environment_profiles.jsonl"), strict=True
    ):
        if before["agent_goals"] != after["agent_goals"]:
            assert before["codename"] in BLANKS_IN_GOALS
            assert sorted(bare(before)) == sorted(bare(after))


def bare(row: Mapping[str, Any]) -> str:
    """Every letter of the goals, without blanks."""
    return re.sub(r"\s", "", "".join(row["agent_goals"]))


def test_every_field_of_pi_comes_out_as_it_was_but_for_those_listed(pi: RoundTrip) -> None:
    source, out, done = pi
    found = differences(source, out)
    assert {
        name: {field: n for field, n in fields.items() if field != "licence"} for name, fields in found.items()
    } == {
        "agent_profiles.jsonl": {"moral_values": 11, "schwartz_personal_values": 2},
        "env_agent_combos.jsonl": {},
        "environment_profiles.jsonl": {"agent_goals": 414, "age_constraint": 2, "occupation_constraint": 129},
        "relationship_profiles.jsonl": {},
    }
    assert done.counts["tasks"] == 5270


def test_what_was_written_is_read_again_as_the_same_records(either: RoundTrip) -> None:
    source, out, _ = either
    assert read_sotopia(out).collection == read_sotopia(source).collection


def test_every_row_says_its_licence(either: RoundTrip) -> None:
    source, out, _ = either
    licences = {row["licence"] for file in out.iterdir() for row in rows(file)}
    assert licences == ({"CC-BY-SA-4.0"} if source.name == "sotopia" else {"MIT", "Apache-2.0", "Apache-2.0 AND MIT"})
