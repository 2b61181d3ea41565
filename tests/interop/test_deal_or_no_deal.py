"""Made-up lines of end-to-end-negotiator and dialogues of CoCoA: what is known of a talk is told, and no more."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from comity.interop.corpora import HumanEpisode
from comity.interop.deal_or_no_deal import read_deal_or_no_deal
from comity.interop.remarks import Report
from comity.world.episodes import Episode
from comity.world.outcomes import outcome_of

Row = dict[str, Any]


def did(episode: Episode) -> list[tuple[str, str]]:
    return [(event.seat, event.action.type.value) for event in episode.events if event.action]


ONE, OTHER = "1 6 3 0 2 2", "1 2 3 2 2 1"
TALK = "YOU: you get the hats , i get the rest <eos> THEM: deal"


def turned(talk: str) -> str:
    return talk.replace("YOU:", "\0").replace("THEM:", "YOU:").replace("\0", "THEM:")


def side(
    selection: str, flag: str = "agree", talk: str = TALK, closer: str = "YOU", you: str = ONE, them: str = OTHER
) -> str:
    numbers, values = selection.replace("item", "").split(), [int(v) for v in you.split()[1::2]]
    worth = str(sum(int(n[2:]) * v for n, v in zip(numbers, values, strict=False))) if "=" in selection else selection
    return f"{you} {talk} <eos> {closer}: <selection> {selection} <eos> reward={worth} {flag} {them}"


def other_side(selection: str, flag: str = "agree", talk: str = TALK, closer: str = "YOU") -> str:
    return side(selection, flag, turned(talk), turned(f"{closer}:")[:-1], OTHER, ONE)


def read_lines(folder: Path, *lines: str) -> tuple[list[HumanEpisode], Report]:
    report = Report()
    (folder / "train.txt.gz").write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))
    return list(read_deal_or_no_deal(folder, report)), report


MINE, REST, ALL = "item0=1 item1=0 item2=2", "item0=0 item1=3 item2=0", "item0=1 item1=3 item2=2"
NO, LOST = "no agreement", "disconnect"
SPEAK, CHOOSE, LEAVE, NONE = "speak", "action", "leave", "none"
MARK = "action"


@pytest.mark.parametrize(
    ("lines", "after", "ended"),
    [
        ((side(MINE), other_side(REST)), [CHOOSE, CHOOSE], "agreed 10 6"),
        ((side(MINE),), [CHOOSE, CHOOSE], "agreed 10 6"),
        ((side(ALL, "disagree"), other_side(REST, "disagree")), [CHOOSE, CHOOSE], "no_deal 0 0"),
        ((side(ALL, "disagree"),), [CHOOSE, NONE], "no_deal 0 0"),
        ((other_side(ALL, "disagree"),), [MARK, CHOOSE, NONE], "no_deal 0 0"),
        ((side(NO), other_side(NO)), [LEAVE], "no_deal 0 0"),
        ((side(NO, "disagree"), other_side(REST, "disagree")), [MARK, CHOOSE, LEAVE], "no_deal 0 0"),
        ((side(MINE, "disagree"), other_side(NO, "disagree")), [CHOOSE, LEAVE], "no_deal 0 0"),
        ((side(NO, "disagree"),), [LEAVE], "no_deal 0 0"),
        ((other_side(NO, "disagree"),), [MARK, LEAVE], "no_deal 0 0"),
        ((side(LOST), other_side(LOST)), [MARK], ""),
        ((side(LOST),), [MARK], ""),
        ((side(LOST, "disagree"), other_side(NO, "disagree")), [MARK, LEAVE], "no_deal 0 0"),
    ],
)
def test_what_sides_say_is_what_happened_and_no_more(
    tmp_path: Path, lines: tuple[str, ...], after: list[str], ended: str
) -> None:
    (told,), report = read_lines(tmp_path, *lines)
    assert report.problems == []
    assert [kind for _, kind in did(told.episode)] == [SPEAK, SPEAK, *after]
    outcome = outcome_of(told.episode)
    assert (
        f"{outcome.status} {outcome.utilities['first']:g} {outcome.utilities['second']:g}" if outcome else ""
    ) == ended
    assert (told.episode.interrupted is None) is bool(ended)


def test_a_line_whose_other_side_is_missing_is_said_to_be_so(tmp_path: Path) -> None:
    _, report = read_lines(tmp_path, side(ALL, "disagree"), side(LOST, talk=turned(TALK)))
    assert [(remark.kind, remark.where) for remark in report.remarks] == [
        ("choice_unknown", "train.txt.gz:1"),
        ("connection_lost", "train.txt.gz:2"),
    ]


def test_one_talk_in_two_files_is_read_once(tmp_path: Path) -> None:
    tagged = (
        f"<input> {ONE} </input> <dialogue> {TALK} <eos> YOU: <selection> </dialogue> <output> {MINE} {REST} </output>"
    )
    (tmp_path / "val.txt").write_text(f"{tagged} <partner_input> {OTHER} </partner_input>\n")
    found, report = read_lines(tmp_path, side(MINE), other_side(REST))
    assert len(found) == 1
    assert [(r.kind, r.where) for r in report.remarks] == [("dialogue_repeated", "val.txt:1")]
    (again,) = read_deal_or_no_deal(tmp_path / "val.txt", Report())
    assert again.episode.events == found[0].episode.events


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 0 1 1 3 3", "in neither of the forms"),
        (side(MINE).replace("<selection>", ""), "does not end in <selection>"),
        (side(MINE).replace("item2=2", "item3=2"), "item0=, item1= and item2="),
        (side(MINE).replace("reward=10", "reward=9"), "reward=9, but what is taken is worth 10"),
        (side(MINE).replace("1 2 3 2 2 1", "1 2 2 2 2 1"), "different numbers of things"),
        (side(MINE).replace("1 2 3 2 2 1", "1 2 3 2 2"), "six numbers"),
        (side(MINE).replace("THEM: deal", "THAT: deal"), "YOU or THEM"),
        (side("item0=2 item1=0 item2=0"), "entry 2: "),
        (side(MINE, you="0 6 3 0 2 2", them="0 2 3 2 2 1"), "payoff: "),
    ],
)
def test_a_line_that_does_not_fit_is_reported_with_its_place_and_the_rest_is_read(
    tmp_path: Path, line: str, reason: str
) -> None:
    found, report = read_lines(tmp_path, side(MINE, talk="YOU: ok"), line, side(MINE, talk="THEM: ok"))
    assert len(found) == 2
    assert [problem.where for problem in report.problems] == ["train.txt.gz:2"]
    assert reason in report.problems[0].message


def test_sides_that_contradict_each_other_are_reported(tmp_path: Path) -> None:
    found, report = read_lines(tmp_path, side(MINE), other_side(NO), side(ALL, "disagree"))
    assert len(found) == 1
    assert [problem.where for problem in report.problems] == ["train.txt.gz:1"]
    assert "says otherwise" in report.problems[0].message


def test_both_may_take_what_adds_up_only_if_they_are_said_to_agree(tmp_path: Path) -> None:
    _, report = read_lines(tmp_path, side(MINE, "disagree"), other_side(REST, "disagree"))
    assert "the recorded points are not those of the moves" in report.problems[0].message


def cocoa(*events: tuple[int, str, object], reward: object = None, agreed: bool = True) -> Row:
    kb = [{"Count": count, "Name": name, "Value": 1} for name, count in (("book", 1), ("hat", 2), ("ball", 3))]
    return {
        "uuid": "E_1",
        "scenario": {"kbs": [kb, kb]},
        "outcome": {"reward": reward or {"0": 3, "1": 3}, "agreed": agreed},
        "events": [{"agent": who, "action": action, "data": data} for who, action, data in events],
    }


BALLS, OTHERS = {"ball": 3, "hat": 0, "book": 0}, {"book": 1, "hat": 2, "ball": 0}


def read_cocoa(folder: Path, row: Row) -> tuple[list[HumanEpisode], Report]:
    report = Report()
    (folder / "cocoa.json").write_text(json.dumps([row]))
    return list(read_deal_or_no_deal(folder, report)), report


def test_a_disagreement_of_cocoa_gives_both_nothing(tmp_path: Path) -> None:
    row = cocoa(
        (1, "message", "mine"), (0, "select", BALLS), (1, "select", BALLS), agreed=False, reward={"0": 0, "1": 0}
    )
    (told,), report = read_cocoa(tmp_path, row)
    assert report.problems == []
    assert [seat for seat, _ in did(told.episode)] == ["first", "second", "first"]
    outcome = outcome_of(told.episode)
    assert outcome is not None
    assert (outcome.status, outcome.utilities) == ("no_deal", {"first": 0, "second": 0})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (cocoa((0, "message", "hi"), (0, "select", BALLS)), "each has selected, once"),
        (cocoa((0, "select", BALLS), (1, "message", "hi"), (1, "select", OTHERS)), "each has selected, once"),
        (cocoa((0, "select", BALLS), (0, "select", BALLS), (1, "select", OTHERS)), "each has selected, once"),
        (cocoa((0, "message", "hi"), (1, "quit", None)), "events.1"),
        (cocoa((0, "select", BALLS), (1, "select", OTHERS), reward={"0": 4, "1": 3}), "first has 4, by the rules 3"),
        (cocoa((0, "select", BALLS), (1, "select", OTHERS), agreed=False), "it is said that they disagreed"),
    ],
)
def test_a_dialogue_of_cocoa_that_does_not_fit_is_reported(tmp_path: Path, row: Row, reason: str) -> None:
    found, report = read_cocoa(tmp_path, row)
    assert found == []
    assert [problem.where for problem in report.problems] == ["cocoa.json[0]"]
    assert reason in report.problems[0].message


def test_a_talk_of_the_same_id_that_tells_otherwise_is_reported(tmp_path: Path) -> None:
    one = cocoa((1, "message", "mine"), (0, "select", BALLS), (1, "select", OTHERS))
    other = cocoa((1, "message", "all mine"), (0, "select", BALLS), (1, "select", OTHERS))
    report = Report()
    (tmp_path / "cocoa.json").write_text(json.dumps([one, other, one]))
    (told,) = read_deal_or_no_deal(tmp_path, report)
    assert told.where == "cocoa.json[0]"
    assert [problem.where for problem in report.problems] == ["cocoa.json[1]"]
    assert [(remark.kind, remark.where) for remark in report.remarks] == [("dialogue_repeated", "cocoa.json[2]")]


def test_a_talk_whose_first_telling_does_not_fit_is_taken_from_the_next(tmp_path: Path) -> None:
    good = cocoa((1, "message", "mine"), (0, "select", BALLS), (1, "select", OTHERS))
    bad = cocoa((1, "message", "mine"), (0, "select", BALLS), (1, "select", OTHERS), reward={"0": 9, "1": 9})
    report = Report()
    (tmp_path / "cocoa.json").write_text(json.dumps([bad, good]))
    (told,) = read_deal_or_no_deal(tmp_path, report)
    assert told.where == "cocoa.json[1]"
    assert [problem.where for problem in report.problems] == ["cocoa.json[0]"]
    assert report.remarks == []


@pytest.mark.parametrize("numbers", ["9" * 5000, "99999999", "10001", "-1", "\u0664\u00b2"])
def test_a_number_that_no_pile_has_is_reported(tmp_path: Path, numbers: str) -> None:
    found, report = read_lines(tmp_path, side(MINE).replace("1 6 3", f"1 {numbers} 3"), side(MINE))
    assert [told.where for told in found] == ["train.txt.gz:2"]
    assert {problem.where for problem in report.problems} == {"train.txt.gz:1"}
