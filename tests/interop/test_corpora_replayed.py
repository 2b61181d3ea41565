"""Every choice that people made in the released corpora is a move through the environment, and gives exactly the points recorded.

What is expected is read from the raw files here, and not by the importers.
"""

import csv
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from comity.interop.casino import read_casino
from comity.interop.corpora import HumanEpisode
from comity.interop.deal_or_no_deal import read_deal_or_no_deal
from comity.interop.persuasion_for_good import read_persuasion_for_good
from comity.interop.remarks import Report
from comity.world.actions import ActionType
from comity.world.episodes import Episode, replay
from comity.world.outcomes import Outcome, outcome_of

DATA = Path(__file__).parents[2].parent / "shared" / "data"
DEALS, CAMPERS, GIFTS = DATA / "deal_or_no_deal", DATA / "casino", DATA / "persuasion_for_good"

pytestmark = pytest.mark.skipif(
    not all(folder.is_dir() for folder in (DEALS, CAMPERS, GIFTS)),
    reason="the corpora are not in shared/data beside the repository",
)


def the_outcome(episode: Episode) -> Outcome:
    """What the rules say of the episode as it is replayed, event by event."""
    state = replay(episode)
    assert (state.events, state.end) == (episode.events, episode.end)
    outcome = outcome_of(episode)
    assert outcome is not None
    return outcome


def moves(episode: Episode) -> list[tuple[str, str, dict[str, int | str]]]:
    """(seat, kind, terms) of everything that is not words, leaving included."""
    found = []
    for event in episode.events:
        if event.action and event.action.move:
            found.append((event.seat, event.action.move.kind.value, dict(event.action.move.terms)))
        elif event.action and event.action.type is ActionType.LEAVE:
            found.append((event.seat, "leave", {}))
    return found


def words(episode: Episode) -> list[tuple[str, str]]:
    spoken = (event for event in episode.events if event.action and event.action.type is ActionType.SPEAK)
    return [(event.seat, event.action.argument) for event in spoken if event.action]


def by_id(found: Iterable[HumanEpisode]) -> dict[str, HumanEpisode]:
    return {each.episode.id: each for each in found}


def test_every_choice_of_cocoa_gives_the_recorded_reward() -> None:
    report, counted = Report(), Counter[str]()
    found = by_id(read_deal_or_no_deal(DEALS / "cocoa_val.json", report))
    for raw in json.loads((DEALS / "cocoa_val.json").read_text()):
        episode = found[f"cocoa-deal-or-no-deal_{raw['uuid']}"].episode
        seats = {raw["events"][0]["agent"]: "first", 1 - raw["events"][0]["agent"]: "second"}
        said = [(seats[e["agent"]], e["data"]) for e in raw["events"] if e["action"] == "message"]
        chose = [(seats[e["agent"]], "choose", e["data"]) for e in raw["events"] if e["action"] == "select"]
        outcome = the_outcome(episode)
        assert (words(episode), moves(episode)) == (said, chose)
        assert outcome.utilities == {seats[int(agent)]: points for agent, points in raw["outcome"]["reward"].items()}
        assert (outcome.status == "agreed") is raw["outcome"]["agreed"]
        counted[outcome.status] += 1
    assert counted == {"agreed": 422}
    assert (report.problems, report.remarks) == ([], [])


def casino_rows(file: str) -> list[dict[str, Any]]:
    raw = (CAMPERS / file).read_bytes()
    rows: list[dict[str, Any]] = json.loads(gzip.decompress(raw) if file.endswith(".gz") else raw)
    return rows


@pytest.mark.parametrize(
    ("file", "agreed", "walked_away"), [("casino_valid.json", 30, 0), ("casino_train.json.gz", 876, 24)]
)
def test_every_move_of_casino_gives_the_recorded_points(file: str, agreed: int, walked_away: int) -> None:
    report, counted = Report(), Counter[str]()
    found = by_id(read_casino(CAMPERS / file, report))
    rows = casino_rows(file)
    for raw in rows:
        episode = found[f"casino_{raw['dialogue_id']}"].episode
        one = raw["chat_logs"][0]["id"]
        seats = {name: "first" if name == one else "second" for name in raw["participant_info"]}
        outcome = the_outcome(episode)
        assert moves(episode) == [move for entry in raw["chat_logs"] if (move := casino_move(entry, seats))]
        said = [(seats[e["id"]], e["text"]) for e in raw["chat_logs"] if not casino_move(e, seats)]
        assert words(episode) == said
        points = {seats[name]: of["outcomes"]["points_scored"] for name, of in raw["participant_info"].items()}
        assert outcome.utilities == points
        counted["walked away" if moves(episode)[-1][1] == "leave" else outcome.status] += 1
        if outcome.status == "no_deal":
            assert points == {"first": 5, "second": 5}
    assert counted == Counter({"agreed": agreed, "walked away": walked_away})
    assert len(found) == len(rows) == agreed + walked_away
    assert report.problems == []


def casino_move(entry: dict[str, Any], seats: dict[str, str]) -> tuple[str, str, dict[str, int]] | None:
    kinds = {"Submit-Deal": "propose", "Accept-Deal": "accept", "Reject-Deal": "reject", "Walk-Away": "leave"}
    if entry["text"] not in kinds:
        return None
    shares = {item.lower(): int(count) for item, count in entry["task_data"].get("issue2youget", {}).items()}
    return seats[entry["id"]], kinds[entry["text"]], shares


def test_what_people_said_of_each_other_in_casino_is_kept_with_its_participant_and_event() -> None:
    report, placed = Report(), 0
    found = by_id(read_casino(CAMPERS, report))
    for raw in [*casino_rows("casino_valid.json"), *casino_rows("casino_train.json.gz")]:
        told = found[f"casino_{raw['dialogue_id']}"]
        whose = {seat: who.id.partition(f"{raw['dialogue_id']}_")[2] for seat, who in told.episode.task.cast.items()}
        kept = {(a.name, whose[a.seat]): a.value for a in told.annotations if a.event is None}
        for name, of in raw["participant_info"].items():
            assert kept["satisfaction", name] == of["outcomes"]["satisfaction"]
            assert kept["opponent_likeness", name] == of["outcomes"]["opponent_likeness"]
            assert kept["social_value_orientation", name] == of["personality"]["svo"]
        about = [(told.episode.events[a.event].did, a.value) for a in told.annotations if a.event is not None]
        tactics = [(text, tactic) for text, labels in raw["annotations"] for tactic in labels.split(",")]
        assert [(getattr(did, "argument", ""), tactic) for did, tactic in about] == tactics
        placed += len(about)
    assert (placed, report.remarks) == (5231, [])


LINE = re.compile(r"[\d ]+ (YOU|THEM): .*<selection> (.*) <eos> reward=(.*) (agree|disagree) [\d ]+")


@cache
def lines() -> tuple[dict[int, Episode], Report]:
    """The episodes of train_val.txt.gz by the line that they begin on."""
    report = Report()
    found = read_deal_or_no_deal(DEALS / "train_val.txt.gz", report)
    return {int(each.where.partition(":")[2]): each.episode for each in found}, report


def test_every_line_of_deal_or_no_deal_is_a_side_of_an_episode_that_gives_what_it_says() -> None:
    episodes, report = lines()
    counted, outcomes = Counter[str](), {n: the_outcome(e) for n, e in episodes.items() if e.end}
    for number, line in enumerate(gzip.decompress((DEALS / "train_val.txt.gz").read_bytes()).decode().splitlines(), 1):
        raw = LINE.fullmatch(line)
        assert raw is not None, number
        opener, selection, reward, flag = raw.groups()
        begins = number if number in episodes else number - 1
        episode, outcome, seat = episodes[begins], outcomes.get(begins), "first" if opener == "YOU" else "second"
        mine = [(kind, terms) for who, kind, terms in moves(episode) if who == seat]
        if selection.startswith("item"):
            taken = [int(part.partition("=")[2]) for part in selection.split()]
            assert mine == [("choose", dict(zip(("book", "hat", "ball"), taken, strict=True)))]
            assert outcome is not None
            assert outcome.status == ("agreed" if flag == "agree" else "no_deal")
            assert outcome.utilities[seat] == (int(reward) if flag == "agree" else 0)
        elif selection == "no agreement":
            assert outcome is not None
            assert (outcome.status, dict(outcome.utilities)) == ("no_deal", {"first": 0, "second": 0})
            left = [who for who, kind, _ in moves(episode) if kind == "leave"]
            # Where neither wanted a deal, who leaves first has ended it for both.
            assert left == [seat] or (flag == "agree" and len(left) == 1)
        else:
            assert selection == "disconnect"
            assert outcome is None or (outcome.status == "no_deal" and flag == "disagree")
            assert mine == []
        counted[f"{selection.partition('=')[0]} {flag}"] += 1
    assert counted == {
        "item0 agree": 8727,
        "item0 disagree": 1184,
        "no agreement agree": 1086,
        "no agreement disagree": 117,
        "disconnect agree": 65,
        "disconnect disagree": 3,
    }
    assert report.problems == []


def test_the_talks_of_deal_or_no_deal_are_counted_by_how_they_ended() -> None:
    episodes, report = lines()
    ended = Counter(
        (e.end.reason.value if e.end else "", o.status if (o := outcome_of(e)) else "") for e in episodes.values()
    )
    assert ended == {
        ("settled", "agreed"): 4364,
        ("settled", "no_deal"): 369,
        ("too_few_left", "no_deal"): 660,
        ("stale", "no_deal"): 346,
        ("", ""): 34,
    }
    assert Counter(remark.kind for remark in report.remarks) == {"choice_unknown": 360, "connection_lost": 34}
    unfinished = [episode.interrupted for episode in episodes.values() if episode.end is None]
    assert {each.error for each in unfinished if each} == {"ConnectionLost"}


def test_both_forms_of_the_text_files_tell_the_same_talks() -> None:
    whole, _ = lines()
    known = {episode.id: episode for episode in whole.values()}
    compared = 0
    for each in read_deal_or_no_deal(DEALS / "val.txt", Report()):
        other = known[each.episode.id]
        assert words(each.episode) == words(other)
        assert each.episode.task == other.task
        if (
            not each.episode.end or each.episode.end.reason.value != "stale"
        ):  # what they wrote down is only in the other file
            assert each.episode.events == other.events
            compared += 1
    assert compared == 422 + 54 + 3


def test_every_gift_of_persuasion_for_good_is_had_by_the_one_and_missing_from_the_other() -> None:
    report, counted = Report(), Counter[str]()
    found = by_id(read_persuasion_for_good(GIFTS, report))
    with (GIFTS / "full_info.csv").open(newline="") as file:
        given = {row["B2"]: row["B6"] for row in csv.DictReader(file) if row["B4"] == "1"}
    for dialogue, dollars in given.items():
        cents = round(float(dollars) * 100)
        told = found[f"persuasion-for-good_{dialogue}"]
        if told.episode.end is None:
            assert cents > 200
            assert moves(told.episode) == []
            assert told.episode.interrupted is not None
            counted["impossible"] += 1
            continue
        assert the_outcome(told.episode).utilities == {"persuader": cents, "persuadee": 200 - cents}
        assert moves(told.episode) == [("persuadee", "choose", {"amount": cents})]
        counted["gift" if cents else "nothing"] += 1
    assert counted == {"gift": 510, "nothing": 472, "impossible": 35}
    assert (len(found), report.problems) == (1017, [])
    assert [remark.kind for remark in report.remarks] == ["outcome_unknown"] * 35
    assert all("of a payment of $2.00" in remark.message for remark in report.remarks)


def test_every_utterance_of_persuasion_for_good_is_there() -> None:
    found = by_id(read_persuasion_for_good(GIFTS, Report()))
    said: dict[str, list[tuple[str, str]]] = {}
    with (GIFTS / "full_dialog.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            said.setdefault(row["B2"], []).append(("persuader" if row["B4"] == "0" else "persuadee", row["Unit"]))
    assert all(words(told.episode) == said[id_.partition("_")[2]] for id_, told in found.items())


def test_no_talk_of_people_tells_its_length_in_its_prompts_and_nothing_of_them_is_made_up() -> None:
    """Episodes are lite, ages are unknown, and a corpus has one turn limit."""
    limits: dict[str, set[int | None]] = {}
    corpora = [read_casino(CAMPERS / "casino_valid.json", Report()), read_deal_or_no_deal(DEALS / "val.txt", Report())]
    for corpus in [*corpora, read_persuasion_for_good(GIFTS, Report())]:
        for told in corpus:
            limits.setdefault(told.episode.source, set()).add(told.episode.task.scenario.turn_limit)
            assert told.episode.limits.turns is None
            assert told.episode.lite
            assert {who.age for who in told.episode.task.cast.values()} == {None}
            assert told.episode.licence
            assert told.episode.task.licences == (told.episode.licence,)
    assert all(len(each) == 1 for each in limits.values())
