"""Rows of every form, made up: what becomes of them, with and without known profiles, and what is refused."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from comity.interop.contexts import NOT_STATED
from comity.interop.episode_files import Judged, row_of, write_episodes
from comity.interop.episode_logs import EpisodesRead, read_episodes
from comity.interop.episode_rows import Form
from comity.interop.verdicts import sotopia_eval
from comity.world.actions import Action, ActionType
from comity.world.collection import Collection
from comity.world.episodes import Episode
from comity.world.events import Failure
from comity.world.relationships import RelationshipKind
from interop.episodes import LEAVE, NONE, Row, card, episode, known, row, says, task

EMPTY = Collection()


def read(folder: Path, *rows: Row, by: Collection = EMPTY, licence: str = "") -> EpisodesRead:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    return read_episodes([file], by, licence=licence)


def kinds(found: EpisodesRead) -> list[str]:
    return [remark.kind for remark in found.report]


def the(found: EpisodesRead) -> Episode:
    assert found.problems == ()
    return found.episodes[0].episode


def test_a_released_row_of_known_profiles_is_the_episode_it_was_made_of(tmp_path: Path) -> None:
    played = episode()
    found = read(tmp_path, row(), by=known(played.task))
    times = {"started_at", "finished_at", "licence"}
    assert the(found).model_dump(exclude=times) == played.model_dump(exclude=times)
    assert [each.card.scores for each in found.cards] == [card(played).scores]
    assert kinds(found) == []


@pytest.mark.parametrize("form", ["released", "text", "native"])
def test_every_form_is_written_again_as_it_was_without_known_profiles(tmp_path: Path, form: Form) -> None:
    given = row(form)
    found = read(tmp_path, given)
    again = row_of(Judged(the(found), found.cards[0].card, sotopia_eval()), form)
    written = json.loads(json.dumps(again))
    assert {name for name in given if written.get(name) != given[name]} == set()
    assert "written_otherwise" not in kinds(found)


def test_a_native_row_of_known_profiles_has_their_hints_and_notes(tmp_path: Path) -> None:
    played = episode()
    found = read(tmp_path, row("native"), by=known(played.task))
    assert the(found).task == played.task
    assert kinds(found) == []


def test_a_native_row_without_profiles_keeps_what_was_told(tmp_path: Path) -> None:
    found = the(read(tmp_path, row("native")))
    seats = found.task.scenario.seats
    assert seats[0].goal == "Stay dry (Extra information: you saw a hole. Hint: be quick)"
    assert found.task.cast["agent_1"].secret == "Ann hates food."
    assert found.task.edge("agent_1", "agent_2").kind is RelationshipKind.ACQUAINTANCE


def test_friends_couples_and_families_cannot_be_told_apart_and_this_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, row("native", of=episode(of=task(RelationshipKind.FAMILY))))
    assert the(found).task.edge("agent_1", "agent_2").kind is RelationshipKind.FRIEND
    assert "relationship_unknown" in kinds(found)


def test_a_text_row_finds_its_scenario_and_cast_by_their_words(tmp_path: Path) -> None:
    played = episode()
    found = read(tmp_path, row("text"), by=known(played.task))
    assert the(found).task == played.task
    assert {policy.agent for policy in the(found).policies.values()} == {"unknown"}
    assert found.cards[0].card.judge.model is None


def test_a_text_row_without_profiles_is_made_of_its_words(tmp_path: Path) -> None:
    found = the(read(tmp_path, row("text")))
    ann = found.task.cast["agent_1"]
    assert (ann.age, ann.gender, ann.occupation, ann.pronouns) == (30, "female", "ship's cook", "She/her")
    assert found.task.scenario.seats[0].strategy_hint == "be quick"
    assert found.task.scenario.judge_note == "It is sinking."
    assert found.task.edges == ()


def test_a_background_in_other_words_is_kept_whole(tmp_path: Path) -> None:
    given = row("text")
    given["agents_background"]["Ann Hart"] = "Ann Hart. Country: ENGLAND."
    found = read(tmp_path, given)
    ann = the(found).task.cast["agent_1"]
    assert (ann.public_info, ann.gender, ann.age) == ("Ann Hart. Country: ENGLAND.", NOT_STATED, None)
    assert "written_otherwise" not in kinds(found)


@pytest.mark.parametrize("form", ["released", "text", "native"])
def test_an_age_that_a_row_does_not_state_is_not_known(tmp_path: Path, form: Form) -> None:
    of = task(RelationshipKind.FRIEND)
    ageless = {seat: who.model_copy(update={"age": None}) for seat, who in of.cast.items()}
    played = episode(of=of.model_copy(update={"cast": ageless}))
    given = json.loads(json.dumps(row(form, of=played)))
    assert "year-old" not in json.dumps(given)
    for by in (EMPTY, known(played.task)):
        found = read(tmp_path, given, by=by)
        assert [who.age for who in the(found).task.cast.values()] == [None, None]
        again = row_of(Judged(the(found), found.cards[0].card, sotopia_eval()), form)
        assert json.loads(json.dumps(again)) == given | {"licence": again["licence"]}


def test_texts_that_are_not_those_of_the_store_are_the_episodes_own(tmp_path: Path) -> None:
    given = row(scenario="Two people on a raft.")
    given["agents_background"]["Ann Hart"] = given["agents_background"]["Ann Hart"].replace("calm", "wild")
    found = read(tmp_path, given, by=known(task()))
    mine = the(found).task
    assert (mine.scenario.setting, mine.scenario.id) == ("Two people on a raft.", "deck")
    assert (mine.cast["agent_1"].personality, mine.cast["agent_1"].gender) == ("Ann is wild.", "female")
    assert {"scenario_differs", "character_differs"} <= set(kinds(found))


def test_everything_known_to_all_makes_it_omniscient(tmp_path: Path) -> None:
    assert the(read(tmp_path, row(of=episode(mode="omniscient")))).mode == "omniscient"


def test_an_episode_that_nobody_judged_has_no_scorecard(tmp_path: Path) -> None:
    played = episode()
    given = row_of(Judged(played, None, sotopia_eval()), "native")
    found = read(tmp_path, given)
    assert the(found).end == played.end
    assert found.cards == ()


def test_a_row_that_does_not_fit_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    messages = row()["raw_messages"]
    rows = [
        row(episode_id=...),
        row(rewards=[0.5, {"goal": 2}]),
        {"secret": "SECRET"},
        row(reasoning="SECRET"),
        row(raw_messages=messages[:-1]),
        row(),
        row(),
        row(episode_id="e8", agents_background={"Ann Hart": "SECRET", "Cy": "SECRET"}),
        row("evaluations", episode_id="nowhere"),
        row("evaluations", agent_1_name="Cy"),
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in rows) + "SECRET\n", "utf-8")
    found = read_episodes([file, tmp_path / "gone.jsonl"], EMPTY)
    assert len(found.episodes) == 1
    assert [str(problem).split(";")[0] for problem in found.problems] == [
        "rows.jsonl:1: episode_id: field required",
        "rows.jsonl:2: rewards.1: believability is missing",
        "rows.jsonl:3: not an episode in a form we know: it has none of the fields raw_messages, messages, evaluator_model, social_interactions",
        "rows.jsonl:4: reasoning: not comments on the environment and then on each of the agents",
        "rows.jsonl:5: messages: the last turn has words of the agents and no word about them",
        "rows.jsonl:7: id: 01H7ZMSDFM5CYCP2QHWV9XZGXW is already in rows.jsonl:6",
        "rows.jsonl:8: social_goals: not the names of agents_background, in their order",
        "rows.jsonl:11: is not JSON that can be read: expected value at line 1 column 1",
        "gone.jsonl: cannot be read (No such file or directory)",
        "rows.jsonl:9: episode_id: nowhere is neither in these files nor in the store",
        "rows.jsonl:10: agent_1_name, agent_2_name: not the names of that episode's cast, in their order",
    ]
    assert "SECRET" not in "".join(map(str, (*found.problems, *found.report)))


def test_a_second_judges_scores_find_an_episode_that_is_stored(tmp_path: Path) -> None:
    played = episode()
    file = tmp_path / "scores.jsonl"
    file.write_text(json.dumps(row("evaluations")), "utf-8")
    found = read_episodes([file], EMPTY, stored={played.id: played}.get)
    (again,) = found.cards
    assert (again.card.episode, again.card.judge.model) == (played.id, "gpt-4")
    assert again.card.scores == card(played).scores


def test_the_licence_is_the_rows_own_or_its_origins_or_the_users(tmp_path: Path) -> None:
    assert the(read(tmp_path, row(licence="CC0-1.0"))).licence == "CC0-1.0"
    assert the(read(tmp_path, row(licence=...))).licence == "Apache-2.0"
    unknown = read(tmp_path, row(licence=..., _source=["elsewhere"]))
    assert (the(unknown).licence, the(unknown).source) == ("", "elsewhere")
    assert "licence_unknown" in kinds(unknown)
    assert the(read(tmp_path, row(), licence="MIT")).licence == "MIT"


def test_a_json_file_holds_one_row_or_a_list_of_them(tmp_path: Path) -> None:
    for number, rows in enumerate((row("native"), [row("native"), row("native", pk="other")])):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(rows, indent=2), "utf-8")
        assert len(read_episodes([file], EMPTY).episodes) == (number or 1) + number


def written(folder: Path, *played: Episode, form: Form = "released") -> tuple[list[Row], Sequence[str]]:
    file = folder / "out.jsonl"
    done = write_episodes([Judged(each, card(each), sotopia_eval()) for each in played], file, form)
    return [json.loads(line) for line in file.read_text("utf-8").split("\n") if line], [str(p) for p in done.problems]


def test_what_sotopias_forms_have_no_place_for_is_left_out_and_said(tmp_path: Path) -> None:
    failed = episode(says("Hi."))
    event = failed.events[0].model_copy(
        update={"action": None, "failure": Failure(kind="unusable_reply", detail="SECRET")}
    )
    rows, problems = written(tmp_path, episode(), failed.model_copy(update={"id": "failed", "events": (event,)}))
    assert [each["episode_id"] for each in rows] == ["01H7ZMSDFM5CYCP2QHWV9XZGXW"]
    assert problems == ["episode failed: an agent failed in it, and SOTOPIA's forms have no place for that"]


def test_an_action_to_both_in_one_turn_is_on_two_lines(tmp_path: Path) -> None:
    given = row()
    given["raw_messages"][0][3][2] = 'said: "Me too."'
    given["raw_messages"][1][0][2] = given["raw_messages"][1][1][2] = (
        'Turn #0: Ann Hart said: "Hello."\nBo O\'Hara said: "Me too."\n'
    )
    found = read(tmp_path, given, by=known(task()))
    assert [event.seat for event in the(found).events][:2] == ["agent_1", "agent_2"]
    rows, _ = written(tmp_path, the(found))
    assert rows[0]["raw_messages"] == given["raw_messages"]


def test_words_of_agents_change_no_structure(tmp_path: Path) -> None:
    words = 'x"\nBo O\'Hara left the conversation\n\nAnn Hart said: "y'
    played = episode(says(words), LEAVE)
    found = the(read(tmp_path, row(of=played)))
    assert [event.action for event in found.events] == [Action(type=ActionType.SPEAK, argument=words), LEAVE]


def test_a_silent_first_turn_survives_the_text_form(tmp_path: Path) -> None:
    found = the(read(tmp_path, row("text", of=episode(NONE, says("Hi."), LEAVE))))
    assert [event.action for event in found.events] == [NONE, says("Hi."), LEAVE]
