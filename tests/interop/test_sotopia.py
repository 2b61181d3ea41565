"""The import of SOTOPIA's profiles: small made-up folders for each oddity, and the released data where it is there."""

import json
import re
import time
from collections import Counter
from pathlib import Path

import pytest
from pydantic import JsonValue

from comity.interop.sotopia import Imported, ImportFailed, read_sotopia
from comity.world.characters import MoralValue, SchwartzValue
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario

Row = dict[str, JsonValue]


def agent(key: str, **changes: JsonValue) -> Row:
    row: Row = {
        "agent_id": key,
        "first_name": key.title(),
        "last_name": "Hart",
        "age": 30,
        "occupation": "Chef",
        "gender": "Woman",
        "gender_pronoun": "She/her",
        "public_info": "Cooks. ",
        "big_five": "Openness to Experience - High; Neuroticism - Low",
        "moral_values": ["Care/Harm"],
        "schwartz_personal_values": ["Power", " Self-direction"],
        "personality_and_values": "Calm.",
        "decision_making_style": "Analytical",
        "secret": "Hates food",
    }
    return row | changes


def environment(**changes: JsonValue) -> Row:
    row: Row = {
        "env_id": "e1",
        "codename": "late_dinner",
        "source": "hand-craft",
        "scenario": "Two friends at dinner.",
        "agent_goals": ["Pay (<extra_info>Extra information: you have $9.</extra_info>)", "Leave"],
        "relationship": "3",
        "age_constraint": "[(18, 70), (18, 70)]",
        "occupation_constraint": "nan",
        "agent_constraint": "none",
    }
    return row | changes


def pair(**changes: JsonValue) -> Row:
    row: Row = {
        "relationship_id": "r1",
        "agent1_id": "ann",
        "agent2_id": "bea",
        "relationship": "3",
        "background_story": "They met at work.",
    }
    return row | changes


COMBO: Row = {"combo_id": "c1", "env_id": "e1", "agent_ids": ["bea", "ann"]}
COMBOS = "env_agent_combo_storages"


def write(folder: Path, **changes: list[Row]) -> Path:
    files = {
        "agent_profiles": [agent("ann"), agent("bea")],
        "environment_profiles": [environment()],
        "relationship_profiles": [pair()],
        COMBOS: [COMBO],
    } | changes
    for name, rows in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def said(imported: Imported) -> list[tuple[str, str]]:
    return [(remark.kind, remark.where) for remark in imported.report]


def one_scenario(folder: Path, **changes: JsonValue) -> tuple[Scenario, list[str]]:
    imported = read_sotopia(write(folder, environment_profiles=[environment(**changes)]))
    return imported.collection.scenarios[0], [remark.kind for remark in imported.report]


def test_a_clean_folder_needs_no_remark(tmp_path: Path) -> None:
    imported = read_sotopia(write(tmp_path))
    assert imported.report == ()
    (task,) = imported.collection.tasks
    assert (task.id, task.cast["agent_1"].name, task.cast["agent_2"].name) == ("c1", "Bea Hart", "Ann Hart")
    assert task.edge("agent_1", "agent_2").kind is RelationshipKind.FRIEND
    assert task.edge("agent_1", "agent_2").background == "They met at work."
    scenario = task.scenario
    assert (scenario.id, scenario.title, scenario.family, scenario.turn_limit) == (
        "e1",
        "late dinner",
        "hand-craft",
        20,
    )
    assert scenario.relationships == (RelationshipKind.FRIEND,)
    assert scenario.seats[0].goal == "Pay"
    assert scenario.seats[0].extra_info == "you have $9."
    assert scenario.seats[0].ages == (18, 70)
    assert (scenario.source, scenario.licence) == ("SOTOPIA release (arXiv 2310.11667)", "CC-BY-SA-4.0")


def test_characters(tmp_path: Path) -> None:
    ann = read_sotopia(write(tmp_path)).collection.characters[0]
    assert (ann.public_info, ann.decision_style, ann.secret) == ("Cooks. ", "Analytical", "Hates food")
    assert (ann.big_five.openness, ann.big_five.neuroticism, ann.big_five.extraversion) == ("high", "low", None)
    assert ann.moral_values == (MoralValue.CARE,)
    assert ann.schwartz_values == (SchwartzValue.POWER, SchwartzValue.SELF_DIRECTION)


@pytest.mark.parametrize(
    ("raw", "values", "remarks"),
    [
        (["Authority&Loyalty"], (MoralValue.AUTHORITY, MoralValue.LOYALTY), 0),
        (["In-group Loyalty"], (MoralValue.LOYALTY,), 0),
        (["Ingroup/Loyalty"], (MoralValue.LOYALTY,), 0),
        (["['Care'", " ' Fairness']"], (MoralValue.CARE, MoralValue.FAIRNESS), 0),
        (["Sanctity/Degradation", " Liberty/Oppression"], (MoralValue.PURITY, MoralValue.LIBERTY), 0),
        (["Liberty/Justice"], (MoralValue.LIBERTY, MoralValue.FAIRNESS), 1),
        (["Courage"], (), 1),
    ],
)
def test_moral_values(tmp_path: Path, raw: list[JsonValue], values: tuple[MoralValue, ...], remarks: int) -> None:
    imported = read_sotopia(write(tmp_path, agent_profiles=[agent("ann", moral_values=raw), agent("bea")]))
    assert imported.collection.characters[0].moral_values == values
    assert said(imported) == [("trait", "agent_profiles.jsonl:1")] * remarks


def test_obedience_is_read_as_conformity_and_reported(tmp_path: Path) -> None:
    row = agent("ann", schwartz_personal_values=["Obedience"], big_five="Openness - Very")
    imported = read_sotopia(write(tmp_path, agent_profiles=[row, agent("bea")]))
    assert imported.collection.characters[0].schwartz_values == (SchwartzValue.CONFORMITY,)
    assert said(imported) == [("trait", "agent_profiles.jsonl:1")] * 2


def test_a_field_without_a_place_is_reported_once(tmp_path: Path) -> None:
    rows = [agent("ann", mbti="INTJ", model_id="nan"), agent("bea", mbti="ENFP", model_id="nan")]
    (remark,) = read_sotopia(write(tmp_path, agent_profiles=rows)).report
    assert (remark.kind, remark.where) == ("field_dropped", "agent_profiles.jsonl")
    assert remark.message.startswith("mbti: 2 values")


def test_the_answer_is_told_to_the_judge_alone(tmp_path: Path) -> None:
    text = 'A party. <p viewer="environment">They share a friend: Alvin.</p>'
    scenario, remarks = one_scenario(tmp_path, scenario=text)
    assert (scenario.setting, scenario.judge_note) == ("A party.", "They share a friend: Alvin.")
    assert not any("Alvin" in value for seat in scenario.seats for value in (seat.goal, seat.extra_info))
    assert remarks == []


@pytest.mark.parametrize(("viewer", "told"), [("agent_1", 0), ("agent_2", 1)])
def test_words_for_one_viewer_are_that_seats(tmp_path: Path, viewer: str, told: int) -> None:
    scenario, remarks = one_scenario(tmp_path, scenario=f'A party. <p viewer="{viewer}">You are shy.</p>')
    assert ["You are shy." in seat.extra_info for seat in scenario.seats] == [told == 0, told == 1]
    assert scenario.setting == "A party."
    assert remarks == ["viewer"]


def test_viewers_counted_from_zero(tmp_path: Path) -> None:
    scenario, _ = one_scenario(tmp_path, scenario='A <p viewer="agent_0">first</p><p viewer="agent_1">second</p>')
    assert scenario.seats[0].extra_info.endswith("first")
    assert scenario.seats[1].extra_info == "second"


def test_words_for_nobody_we_know_are_told_to_the_judge_alone(tmp_path: Path) -> None:
    scenario, remarks = one_scenario(tmp_path, scenario='A party. <p viewer="bob">Alvin.</p>')
    assert (scenario.setting, scenario.judge_note, remarks) == ("A party.", "Alvin.", ["viewer"])


@pytest.mark.parametrize("broken", ['<p viewer="environment" Alvin</p>', '< p viewer="environment">Alvin</p>'])
def test_a_broken_viewer_mark_is_refused(tmp_path: Path, broken: str) -> None:
    folder = write(tmp_path, environment_profiles=[environment(scenario=f"A party. {broken}")])
    imported = read_sotopia(folder)
    assert imported.collection.scenarios == ()
    assert str(imported.problems[0]).startswith("environment_profiles.jsonl:1: a viewer's mark is broken")
    assert not any("Alvin" in str(problem) for problem in imported.problems)


def test_a_seat_whose_goal_is_all_marks_takes_them_for_its_goal(tmp_path: Path) -> None:
    goals: list[JsonValue] = ["<extra_info>Be kind</extra_info> <strategy_hint>Smile</strategy_hint>", "Leave"]
    scenario, remarks = one_scenario(tmp_path, agent_goals=goals)
    assert (scenario.seats[0].goal, scenario.seats[0].extra_info, scenario.seats[0].strategy_hint) == (
        "Be kind",
        "",
        "Smile",
    )
    assert remarks == ["goal_moved"]


def test_oddities_are_reported(tmp_path: Path) -> None:
    goals: list[JsonValue] = ["Pay (<extra_info>a", "Ask Agent1 <b>now</b> (Extra information: x)"]
    scenario, remarks = one_scenario(
        tmp_path, agent_goals=goals, agent_constraint="[1]", age_constraint="old", occupation_constraint="[actor]"
    )
    assert scenario.seats[1].goal == "Ask Agent1 <b>now</b> (Extra information: x)"
    assert [seat.role for seat in scenario.seats] == ["Agent1", "Agent2"]
    assert Counter(remarks) == {
        "unclosed_mark": 1,
        "unknown_tag": 2,
        "unmarked_label": 1,
        "agent_constraint": 1,
        "ages": 1,
        "occupations": 1,
        "role_given": 1,
    }


def test_marks_in_the_scenarios_own_text_belong_to_everyone(tmp_path: Path) -> None:
    scenario, remarks = one_scenario(
        tmp_path, scenario="A bar (<extra_info>Extra information: it is loud</extra_info>)"
    )
    assert (scenario.setting, remarks) == ("A bar\nit is loud", ["mark_in_setting"])


def test_a_cast_that_breaks_the_constraints_is_reported_not_refused(tmp_path: Path) -> None:
    imported = read_sotopia(write(tmp_path, environment_profiles=[environment(occupation_constraint="[actor, chef]")]))
    assert len(imported.collection.tasks) == 1
    assert said(imported) == [("cast", f"{COMBOS}.jsonl:1")]


def test_the_scenarios_relationship_governs_and_the_difference_is_reported(tmp_path: Path) -> None:
    imported = read_sotopia(write(tmp_path, relationship_profiles=[pair(relationship="0")]))
    edge = imported.collection.tasks[0].edge("agent_1", "agent_2")
    assert (edge.kind, edge.background) == (RelationshipKind.FRIEND, "")
    assert said(imported) == [("relationship_differs", f"{COMBOS}.jsonl:1")]


def test_a_pair_without_a_relationship_of_its_own_differs_from_nothing(tmp_path: Path) -> None:
    imported = read_sotopia(write(tmp_path, relationship_profiles=[]))
    assert imported.collection.tasks[0].edge("agent_1", "agent_2").kind is RelationshipKind.FRIEND
    assert imported.report == ()


def test_of_a_pairs_two_relationships_the_last_is_its_own(tmp_path: Path) -> None:
    again = pair(relationship_id="r2", agent1_id="bea", agent2_id="ann", relationship="4", background_story="Love.")
    imported = read_sotopia(write(tmp_path, relationship_profiles=[pair(), again]))
    assert len(imported.collection.relationships) == 2
    assert said(imported) == [
        ("pair_repeated", "relationship_profiles.jsonl:2"),
        ("relationship_differs", f"{COMBOS}.jsonl:1"),
    ]
    assert imported.collection.tasks[0].edge("agent_1", "agent_2").background == "They met at work."


def test_the_other_layout(tmp_path: Path) -> None:
    def other(row: Row, *origins: str, **names: str) -> Row:
        return {names.get(key, key): value for key, value in row.items()} | {"_source": list(origins)}

    write(
        tmp_path,
        agent_profiles=[other(agent(key), "sotopia-pi:x", "sotopia:y", agent_id="pk") for key in ("ann", "bea")],
        environment_profiles=[other(environment(relationship=3), "sotopia-pi:x", env_id="pk")],
        relationship_profiles=[
            other(pair(), "new:x", relationship_id="pk", agent1_id="agent_1_id", agent2_id="agent_2_id")
        ],
        env_agent_combos=[other(COMBO, "sotopia:y", combo_id="pk")],
    )
    (tmp_path / f"{COMBOS}.jsonl").unlink()
    imported = read_sotopia(tmp_path)
    assert imported.collection.tasks[0].id == "c1"
    scenario, character = imported.collection.scenarios[0], imported.collection.characters[0]
    assert (scenario.source, scenario.licence) == ("SOTOPIA-π (arXiv 2403.08715): x", "Apache-2.0")
    assert character.source == "SOTOPIA-π (arXiv 2403.08715): x; SOTOPIA (arXiv 2310.11667): y"
    assert character.licence == "Apache-2.0 AND MIT"
    assert imported.collection.relationships[0].licence == ""
    assert said(imported) == [("licence_unknown", "relationship_profiles.jsonl")]


def failure(folder: Path, **changes: list[Row]) -> list[str]:
    return [str(problem) for problem in read_sotopia(write(folder, **changes)).problems]


def test_every_fault_of_every_file_is_named(tmp_path: Path) -> None:
    nameless = agent("ann")
    del nameless["occupation"]
    problems = failure(
        tmp_path,
        agent_profiles=[nameless | {"age": 17}, agent("bea"), agent("bea")],
        environment_profiles=[environment(relationship="6", agent_goals=["One"])],
        relationship_profiles=[],
        **{COMBOS: []},
    )
    assert [problem.split(": ")[:2] for problem in problems] == [
        ["agent_profiles.jsonl:1", "age"],
        ["agent_profiles.jsonl:1", "occupation"],
        ["agent_profiles.jsonl:3", "id"],
        ["environment_profiles.jsonl:1", "agent_goals.1"],
        ["environment_profiles.jsonl:1", "relationship"],
    ]
    assert problems[1].endswith("field required; add the field")


def test_a_malformed_line_is_named_and_not_quoted(tmp_path: Path) -> None:
    write(tmp_path)
    with (tmp_path / "agent_profiles.jsonl").open("ab") as file:
        file.write(b'\n{"secret": "SECRET", \n\xff\n[]\n')
    imported = read_sotopia(tmp_path)
    assert [problem.where for problem in imported.problems] == [f"agent_profiles.jsonl:{n}" for n in (4, 5, 6)]
    assert "SECRET" not in "".join(map(str, imported.problems))
    assert counts(imported) == (1, 2, 1, 1)


def test_dangling_references_are_named(tmp_path: Path) -> None:
    combos: list[Row] = [
        COMBO | {"env_id": "e9", "agent_ids": ["ann", "zoe"]},
        COMBO | {"combo_id": "c2", "agent_ids": ["ann"] * 2},
    ]
    problems = failure(
        tmp_path,
        relationship_profiles=[pair(agent2_id="ann"), pair(relationship_id="r2", agent1_id="yan")],
        **{COMBOS: combos},
    )
    assert [re.split(r";| is | was ", problem)[0] for problem in problems] == [
        "relationship_profiles.jsonl:1: the line: value error, a relationship",
        "relationship_profiles.jsonl:2: agent1_id: yan",
        f"{COMBOS}.jsonl:1: env_id: e9",
        f"{COMBOS}.jsonl:1: agent_ids.1: zoe",
        f"{COMBOS}.jsonl:2: agent_ids: ann cannot sit in two seats",
    ]


def test_a_line_that_does_not_fit_takes_with_it_what_refers_to_it_and_nothing_else(tmp_path: Path) -> None:
    imported = read_sotopia(
        write(
            tmp_path,
            agent_profiles=[agent("ann"), agent("bea"), agent("cat", age=5), agent("dot")],
            relationship_profiles=[pair(), pair(relationship_id="r2", agent2_id="cat")],
            **{COMBOS: [COMBO, COMBO | {"combo_id": "c2", "agent_ids": ["cat", "dot"]}]},
        )
    )
    assert counts(imported) == (1, 3, 1, 1)
    assert [problem.where for problem in imported.problems] == [
        "agent_profiles.jsonl:3",
        "relationship_profiles.jsonl:2",
        f"{COMBOS}.jsonl:2",
    ]


def test_the_user_says_the_licence_of_all(tmp_path: Path) -> None:
    collection = read_sotopia(write(tmp_path), licence="CC0-1.0").collection
    assert {character.licence for character in collection.characters} == {"CC0-1.0"}
    assert {relationship.licence for relationship in collection.relationships} == {"CC0-1.0"}
    assert {scenario.licence for scenario in collection.scenarios} == {"CC0-1.0"}
    assert collection.tasks[0].licences == ("CC0-1.0",)


def test_a_folder_or_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="not a folder; give one that holds agent_profiles"):
        read_sotopia(tmp_path / "nowhere")
    write(tmp_path)
    (tmp_path / "agent_profiles.jsonl").unlink()
    (tmp_path / f"{COMBOS}.jsonl").unlink()
    with pytest.raises(
        ImportFailed, match=r"lacks agent_profiles\.jsonl, env_agent_combo_storages\.jsonl or env_agent_combos"
    ):
        read_sotopia(tmp_path)


def test_two_files_of_combinations_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="keep the one to import"):
        read_sotopia(write(tmp_path, env_agent_combos=[]))


DATA = Path(__file__).parents[2].parent / "shared" / "data"


def released(name: str) -> tuple[Imported, list[Row]]:
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"the released data is not beside the repository: no {folder}")
    lines = (folder / "environment_profiles.jsonl").read_text(encoding="utf-8").split("\n")
    return read_sotopia(folder), [json.loads(line) for line in lines if line]


@pytest.fixture(scope="module")
def sotopia() -> tuple[Imported, list[Row]]:
    return released("sotopia")


@pytest.fixture(scope="module")
def pi() -> tuple[Imported, list[Row]]:
    return released("sotopia_pi_scenarios")


@pytest.fixture(params=["sotopia", "sotopia_pi_scenarios"])
def real(
    request: pytest.FixtureRequest, sotopia: tuple[Imported, list[Row]], pi: tuple[Imported, list[Row]]
) -> tuple[Imported, list[Row]]:
    return sotopia if request.param == "sotopia" else pi


def counts(imported: Imported) -> tuple[int, ...]:
    c = imported.collection
    return len(c.scenarios), len(c.characters), len(c.relationships), len(c.tasks)


def test_the_release_is_read_whole(sotopia: tuple[Imported, list[Row]]) -> None:
    imported, _ = sotopia
    assert counts(imported) == (90, 40, 120, 450)
    assert Counter(remark.kind for remark in imported.report) == {
        "relationship_differs": 10,
        "cast": 10,
        "trait": 2,
        "pair_repeated": 2,
        "field_dropped": 1,
    }
    assert sum(bool(scenario.judge_note) for scenario in imported.collection.scenarios) == 10


def test_ten_released_casts_differ_from_the_pairs_own_relationship(sotopia: tuple[Imported, list[Row]]) -> None:
    imported, _ = sotopia
    own = {frozenset(r.between): r.kind for r in imported.collection.relationships}
    edges = {t.id: t.edge("agent_1", "agent_2").kind for t in imported.collection.tasks}
    differing = [
        t.id for t in imported.collection.tasks if own[frozenset(c.id for c in t.cast.values())] is not edges[t.id]
    ]
    reported = [remark.message for remark in imported.report if remark.kind == "relationship_differs"]
    assert len(differing) == 10
    assert [message.split()[1].rstrip(":") for message in reported] == differing


def test_pi_is_read_whole_in_a_few_seconds(pi: tuple[Imported, list[Row]]) -> None:
    imported, _ = pi
    assert counts(imported) == (689, 40, 120, 5270)
    kinds = Counter(remark.kind for remark in imported.report)
    assert (kinds["unclosed_mark"], kinds["goal_moved"], kinds["unmarked_label"], kinds["ages"]) == (50, 36, 6, 3)
    before = time.perf_counter()
    read_sotopia(DATA / "sotopia_pi_scenarios")
    assert time.perf_counter() - before < 5


def test_tasks_share_their_scenarios_and_characters(pi: tuple[Imported, list[Row]]) -> None:
    collection = pi[0].collection
    scenarios, characters = {id(s) for s in collection.scenarios}, {id(c) for c in collection.characters}
    assert {id(task.scenario) for task in collection.tasks} <= scenarios
    assert {id(character) for task in collection.tasks for character in task.cast.values()} <= characters


def texts(scenario: Scenario) -> dict[str, str]:
    seats = {
        seat.id: "\n".join((seat.goal, seat.extra_info, seat.clarification_hint, seat.strategy_hint))
        for seat in scenario.seats
    }
    return {"public": f"{scenario.setting}\n{scenario.judge_note}"} | seats


LABELS = "Extra information|Clarification hint|Strategy hint|Strategy|Hint"
MARKS = "extra_info|strategy_hint|clarification_hint"


def words(text: str) -> Counter[str]:
    bare = re.sub(rf"<(?:{MARKS})>\s*(?:(?:{LABELS}):)?|</(?:{MARKS})>|<p viewer=\"environment\">|</p>", " ", text)
    return Counter(re.findall(r"\w+", bare.casefold()))


def test_every_word_of_the_source_is_in_exactly_one_field(real: tuple[Imported, list[Row]]) -> None:
    imported, rows = real
    for scenario, row in zip(imported.collection.scenarios, rows, strict=True):
        goals = row["agent_goals"]
        assert isinstance(goals, list)
        source = {"public": str(row["scenario"]), "agent_1": str(goals[0]), "agent_2": str(goals[1])}
        assert {name: words(text) for name, text in texts(scenario).items()} == {n: words(t) for n, t in source.items()}


def test_no_mark_and_no_label_is_left(real: tuple[Imported, list[Row]]) -> None:
    for scenario in real[0].collection.scenarios:
        for seat in scenario.seats:
            for text in (scenario.setting, seat.goal, seat.extra_info, seat.clarification_hint, seat.strategy_hint):
                assert not re.search(r"</?\w|viewer", text)
                assert text.count("(") == text.count(")")
            for text in (seat.extra_info, seat.clarification_hint, seat.strategy_hint):
                assert not re.match(rf"(?:{LABELS}):", text)


def test_what_only_the_judge_may_know_is_told_to_nobody_else(sotopia: tuple[Imported, list[Row]]) -> None:
    noted = 0
    for scenario, row in zip(sotopia[0].collection.scenarios, sotopia[1], strict=True):
        for hidden in re.findall(r'<p viewer="environment">(.*?)</p>', str(row["scenario"]), re.DOTALL):
            noted += 1
            assert hidden in scenario.judge_note
            assert hidden not in scenario.setting
            assert all(hidden not in text for name, text in texts(scenario).items() if name != "public")
            assert hidden.removesuffix(".").split(": ")[1] not in scenario.setting
    assert noted == 10
