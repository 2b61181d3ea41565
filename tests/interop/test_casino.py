"""Made-up rows of CaSiNo: what becomes of odd ones, and how what does not fit is reported."""

import json
from pathlib import Path
from typing import Any

import pytest

from comity.interop.casino import CASINO, read_casino
from comity.interop.corpora import HumanEpisode, level
from comity.interop.remarks import Report
from comity.world.actions import ActionType
from comity.world.episodes import Episode
from comity.world.outcomes import outcome_of
from interop.campers import AGREED, DEAL, Row, campers, entry


def read_campers(folder: Path, *rows: object) -> tuple[list[HumanEpisode], Report]:
    report = Report()
    (folder / "casino_made_up.json").write_text(json.dumps(rows))
    return list(read_casino(folder, report)), report


def did(episode: Episode) -> list[tuple[str, str]]:
    return [(event.seat, event.action.type.value) for event in episode.events if event.action]


def test_who_acts_twice_in_a_row_is_waited_for(tmp_path: Path) -> None:
    logs = (
        *AGREED[:3],
        entry(2, "Reject-Deal", data="reject_deal"),
        entry(2, "Too little wood for me."),
        entry(2, "Submit-Deal", **DEAL),
        entry(1, "Accept-Deal", data="accept_deal"),
    )
    (told,), report = read_campers(tmp_path, campers(*logs, points=(19, 17)))
    assert did(told.episode) == [
        ("first", "speak"),
        ("second", "speak"),
        ("first", "action"),
        ("second", "action"),
        ("first", "none"),
        ("second", "speak"),
        ("first", "none"),
        ("second", "action"),
        ("first", "action"),
    ]
    assert report.problems == []
    outcome = outcome_of(told.episode)
    assert outcome is not None
    assert (outcome.by, outcome.utilities) == ("second", {"first": 19, "second": 17})


def test_who_writes_first_sits_first(tmp_path: Path) -> None:
    logs = [entry(3 - int(each["id"][-1]), each["text"], **each["task_data"]) for each in AGREED]
    (told,), _ = read_campers(tmp_path, campers(*logs, points=(19, 17)))
    assert told.episode.task.cast["first"].id == f"{CASINO.id}_7_mturk_agent_2"


def test_of_a_camper_only_what_was_measured_is_told_and_traits_are_levels_by_thirds(tmp_path: Path) -> None:
    (told,), _ = read_campers(tmp_path, campers(*AGREED))
    who = told.episode.task.cast["first"]
    assert who.big_five.model_dump() == {
        "extraversion": "low",
        "agreeableness": "medium",
        "conscientiousness": "medium",
        "neuroticism": "low",
        "openness": "high",
    }
    assert (who.name, who.age, who.gender, who.pronouns, who.occupation) == ("Participant 1", None, *["not stated"] * 3)
    assert (who.licence, told.episode.licence, told.episode.task.scenario.licence) == ("CC-BY-4.0",) * 3
    needs = 'You need firewood most ("Cold nights"), then food ("Two children"), and water least ("A river").'
    assert told.episode.task.scenario.seats[0].extra_info == needs


def test_a_score_on_the_bound_of_two_thirds_is_in_the_middle() -> None:
    scores = (1, 2.2, 7 / 3, 3, 11 / 3, 3.8, 5)
    assert [level(score, 1, 5) for score in scores] == ["low", "low", "medium", "medium", "medium", "high", "high"]


def changed(path: str, value: object) -> Row:
    """The row of an agreement with one field that is otherwise."""
    row = json.loads(json.dumps(campers(*AGREED, number=8)))
    *places, last = path.split(".")
    part: Any = row
    for place in places:
        part = part[int(place)] if isinstance(part, list) else part[place]
    part[int(last) if isinstance(part, list) else last] = value
    return dict(row)


MISFITS: list[tuple[str, object, str]] = [
    ("participant_info.mturk_agent_1.outcomes.points_scored", 16, "first has 16, by the rules 17"),
    ("chat_logs.3.text", "Reject-Deal", "neither accepts a deal nor walks away"),
    ("chat_logs.1.text", "Accept-Deal", "entry 1: the move 'accept' is not possible now"),
    ("chat_logs.1.text", "Walk-Away", "by the rules the talk is over (too_few_left) before entry 2"),
    ("chat_logs.2.task_data.issue2youget.Food", "3", "a deal shares out 3 each of Food, Water, Firewood"),
    ("chat_logs.2.task_data.issue2youget.Food", "two", "chat_logs.2.task_data.issue2youget.Food: "),
    ("chat_logs.0.text", "  ", "needs words"),
    ("chat_logs.0.id", "mturk_agent_3", "chat_logs.0.id: "),
    ("participant_info.mturk_agent_2.value2issue.Low", "Food", "value2issue gives one thing two values"),
    ("participant_info.mturk_agent_2.personality.big-five.extraversion", 9, "big-five.extraversion: "),
]


@pytest.mark.parametrize(("path", "value", "reason"), MISFITS)
def test_a_dialogue_that_does_not_fit_is_reported_with_its_place_and_the_rest_is_read(
    tmp_path: Path, path: str, value: object, reason: str
) -> None:
    found, report = read_campers(tmp_path, campers(*AGREED), changed(path, value), campers(*AGREED, number=9))
    assert [told.episode.id for told in found] == ["casino_7", "casino_9"]
    assert [problem.where for problem in report.problems] == ["casino_made_up.json[1]"]
    assert reason in report.problems[0].message


def test_a_tactic_of_words_that_nobody_said_is_a_remark(tmp_path: Path) -> None:
    annotations = [["Hello", "small-talk,self-need"], ["Never said", "vouch-fair"]]
    (told,), report = read_campers(tmp_path, campers(*AGREED, annotations=annotations))
    tactics = [(each.seat, each.value, each.event) for each in told.annotations if each.name == "tactic"]
    assert tactics == [("second", "small-talk", 1), ("second", "self-need", 1)]
    assert [(remark.kind, remark.where) for remark in report.remarks] == [
        ("annotation_unplaced", "casino_made_up.json[0]")
    ]


def test_deeds_and_silence_are_the_only_events_that_the_records_do_not_have_in_words(tmp_path: Path) -> None:
    (told,), _ = read_campers(tmp_path, campers(*AGREED))
    deeds = [e.action.argument for e in told.episode.events if e.action and e.action.type is ActionType.ACTION]
    assert deeds == ["proposes how to share", "accepts"]
