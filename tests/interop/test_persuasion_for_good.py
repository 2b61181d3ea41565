"""Made-up rows of Persuasion for Good: what was measured and given, and how what does not fit is reported."""

from pathlib import Path
from typing import Any

import pytest

from comity.interop.corpora import HumanEpisode
from comity.interop.persuasion_for_good import read_persuasion_for_good
from comity.interop.remarks import Report
from comity.world.characters import MoralValue, SchwartzValue
from comity.world.outcomes import outcome_of

Row = dict[str, Any]


MEASURED = [
    *(
        "extrovert",
        "agreeable",
        "conscientious",
        "neurotic",
        "open",
        "care",
        "fairness",
        "loyalty",
        "authority",
        "purity",
    ),
    *("freedom", "conform", "tradition", "benevolence", "universalism", "self_direction", "stimulation", "hedonism"),
    *("achievement", "power", "security", "rational", "intuitive"),
]


def persuasion(
    folder: Path, people: list[Row], dialogue: list[tuple[str, str, str]]
) -> tuple[list[HumanEpisode], Report]:
    report = Report()
    rows = [["", "Unit", "Turn", "B4", "B2"], *(["0", words, "0", role, id_] for id_, role, words in dialogue)]
    (folder / "full_dialog.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    names = ["B2", "B4", "B6", "B7", *(f"{name}.x" for name in MEASURED)]
    lines = [names, *([person.get(name, "3.0") for name in names] for person in people)]
    (folder / "full_info.csv").write_text("".join(",".join(line) + "\n" for line in lines))
    return list(read_persuasion_for_good(folder, report)), report


def pair(id_: str, gift: str, **fields: str) -> list[Row]:
    return [{"B2": id_, "B4": "0", "B6": "1.5"}, {"B2": id_, "B4": "1", "B6": gift} | fields]


def test_what_was_measured_of_someone_asked_for_a_gift(tmp_path: Path) -> None:
    scores = {
        "freedom.x": "6.0",
        "care.x": "4.3",
        "conform.x": "5",
        "rational.x": "4.5",
        "open.x": "",
        "neurotic.x": "1.0",
    }
    talk = [("20180904-045349_715_live", role, "Hello.") for role in "010"]
    (told,), report = persuasion(tmp_path, pair(talk[0][0], "0.29", **scores), talk)
    who = told.episode.task.cast["persuadee"]
    assert report.problems == []
    assert (who.big_five.openness, who.big_five.neuroticism, who.big_five.extraversion) == (None, "low", "medium")
    assert (who.moral_values, who.schwartz_values) == ((MoralValue.LIBERTY,), (SchwartzValue.CONFORMITY,))
    assert who.decision_style == "rational"
    assert told.episode.started_at.isoformat() == "2018-09-04T04:53:49+00:00"
    assert [(each.seat, each.name, each.value) for each in told.annotations] == [
        ("persuader", "own_gift_in_cents", "150")
    ]
    outcome = outcome_of(told.episode)
    assert outcome is not None
    assert outcome.utilities == {"persuader": 29, "persuadee": 171}


@pytest.mark.parametrize(
    ("people", "reason"),
    [
        (pair("b", "some"), "no amount in dollars"),
        (pair("b", "NaN"), "no amount in dollars"),
        (pair("b", "Infinity"), "no amount in dollars"),
        (pair("b", "1e999999"), "no amount in dollars"),
        (pair("b", "9" * 5000), "no amount in dollars"),
        (pair("b", "1")[:1], "no line for the persuadee of b"),
        (pair("b", "1", **{"care.x": "7"}), "care.x in full_info.csv: is not a number from 1 to 6"),
        (pair("b", "1", **{"care.x": "much"}), "care.x in full_info.csv: is not a number from 1 to 6"),
    ],
)
def test_a_dialogue_about_a_gift_that_does_not_fit_is_reported(tmp_path: Path, people: list[Row], reason: str) -> None:
    talk = [("a", "0", "Hi"), ("b", "0", "Hi"), ("c", "0", "Hi")]
    found, report = persuasion(tmp_path, [*pair("a", "0"), *people, *pair("c", "2")], talk)
    assert [told.episode.id for told in found] == ["persuasion-for-good_a", "persuasion-for-good_c"]
    assert [problem.where for problem in report.problems] == ["full_dialog.csv:3"]
    assert reason in report.problems[0].message


@pytest.mark.parametrize(
    ("gift", "cents"), [("50.0", "5000"), ("2.01", "201"), ("-1", "-100"), ("0.125", "12"), ("700.0", "70000")]
)
def test_a_gift_that_was_not_possible_leaves_the_talk_without_an_outcome(tmp_path: Path, gift: str, cents: str) -> None:
    (told,), report = persuasion(tmp_path, pair("b", gift), [("b", "0", "Hi"), ("b", "1", "Hello")])
    episode = told.episode
    assert report.problems == []
    (remark,) = report.remarks
    assert (remark.kind, remark.where) == ("outcome_unknown", "full_dialog.csv:2")
    assert f"${gift} is recorded" in remark.message
    assert [event.action.argument for event in episode.events if event.action] == ["Hi", "Hello"]
    assert (episode.end, outcome_of(episode)) == (None, None)
    assert episode.interrupted is not None
    assert episode.interrupted.error == "GiftNotPossible"
    assert [(each.seat, each.value) for each in told.annotations] == [("persuader", "150"), ("persuadee", cents)]


def test_an_id_that_looks_like_a_time_and_is_none_has_the_time_of_the_import(tmp_path: Path) -> None:
    id_ = "20189904-045349_715_live"
    (told,), report = persuasion(tmp_path, pair(id_, "1"), [(id_, "0", "Hi")])
    assert report.problems == []
    assert told.episode.started_at.year > 2018


def test_lines_of_no_dialogue_are_reported(tmp_path: Path) -> None:
    talk = [("a", "0", "Hi"), ("a", "2", "Who am I?")]
    found, report = persuasion(tmp_path, [*pair("a", "1"), *pair("a", "1")[:1], *pair("z", "1")[:1]], talk)
    assert len(found) == 1
    assert [problem.where for problem in report.problems] == ["full_dialog.csv:3", "full_info.csv:4", "full_info.csv:5"]
