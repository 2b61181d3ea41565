"""All real scored episodes through a real store and out again: equal field for field, but for what is listed here and explained.

The same list is in `docs/interop.md`. Nothing of the rows is kept but events, scores and typed fields; the last tests look.
"""

import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comity.interop.episode_files import Judged, row_of
from comity.interop.episode_logs import EpisodesRead, read_episodes
from comity.interop.episode_rows import Form
from comity.interop.sotopia import read_sotopia
from comity.interop.verdicts import sotopia_eval
from comity.store import Store
from comity.world.environment import EndReason
from comity.world.episodes import replay

DATA = Path(__file__).parents[2].parent / "shared" / "data"
FOLDER = DATA / "sotopia_episodes_scored"
FILES: dict[str, Form] = {
    "episodes.jsonl": "released",
    "episodes_text_form.jsonl": "text",
    "native_episodelog_example.json": "native",
    "msr_gemini_rescoring.jsonl": "evaluations",
}
Row = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not (FOLDER.is_dir() and (DATA / "sotopia").is_dir()),
    reason="the released episodes and profiles are not in shared/data beside the repository",
)

# What comes out otherwise than it was, by episode.

A_BLANK_IN_A_GOAL = {
    "01H8XWN5V57J20F3JG7WWQKDAC",
    "01H8ZFXS0KGVNGEVHA7KS682TP",
    "01HB5GHRZK82KZVHZVEAH9C81Q",
    "01H8XY4NPGD83XJW1Q32R6KQWB",
    "01H87JDYKP1FMK0X01KYA21RTQ",
    "01H87J4V13Y44X08HR2FCHT9MD",
}
"""A goal of the scenario sets a blank before or after a mark otherwise than the rest do."""
AN_EARLIER_PROFILE = {"01H7ZMSDFM5CYCP2QHWV9XZGXW"}
"""Its agents were told `Man Dentist`; all other rows, and this row's own `agents_background`, have `male dentist`."""
DIFFICULTY = {"01H8QCDNDT6G5VV3XQEA47CFZC", "01H9C2VYZGTNBGEVE7Q59V4JTH", "01H9HPQG7RBT7GGQRDWQ0J8GEH"}
"""A field that the collectors of these three rows added; it is not of SOTOPIA's form."""
THE_JUDGES_PROMPT: dict[Form, set[str]] = {"released": {"raw_rewards_prompt"}, "native": {"rewards_prompt"}}
"""What SOTOPIA's judge was asked, in SOTOPIA's own words, is not written again; all 23 rows and the native one have it."""


def differences() -> dict[str, set[str]]:
    """By episode, the fields that differ."""
    expected: dict[str, set[str]] = defaultdict(set)
    for file, form in FILES.items():
        for row in rows(file):
            if form in THE_JUDGES_PROMPT:
                expected[id_of(row)] |= THE_JUDGES_PROMPT[form]
    for name in A_BLANK_IN_A_GOAL:
        expected[name] |= {"social_goals"}
    for name in A_BLANK_IN_A_GOAL & {row["episode_id"] for row in rows("episodes.jsonl")} | AN_EARLIER_PROFILE:
        expected[name] |= {"raw_messages"}
    for name in DIFFICULTY:
        expected[name] |= {"difficulty"}
    return expected


def rows(file: str) -> list[Row]:
    """The rows of a file as they are."""
    text = (FOLDER / file).read_text("utf-8")
    return [json.loads(text)] if file.endswith(".json") else [json.loads(line) for line in text.split("\n") if line]


def id_of(row: Row) -> str:
    return str(row.get("pk") or row["episode_id"])


@pytest.fixture(scope="module")
def read() -> EpisodesRead:
    return read_episodes([FOLDER / file for file in FILES], read_sotopia(DATA / "sotopia").collection)


@pytest.fixture(scope="module")
def file(read: EpisodesRead, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with everything in it, closed."""
    path = tmp_path_factory.mktemp("released") / "store.db"
    with Store.open(str(path)) as store:
        for each in read.episodes:
            store.begin(each.episode)
        for card in read.cards:
            store.add_scorecard(card.card, sotopia_eval())
    return path


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    with Store.open(str(file)) as opened:
        yield opened


def written(store: Store, row: Row, form: Form) -> Row:
    """The row made again from what the store has; of several judges, from the one that the row is about."""
    episode = store.episode(id_of(row))
    cards = store.scorecards(episode.id)
    card = next(card for card in cards if card.judge.model == row.get("evaluator_model", card.judge.model))
    again: Row = json.loads(json.dumps(row_of(Judged(episode, card, store.rubric(card.rubric_hash)), form)))
    return again


def test_all_are_read(read: EpisodesRead) -> None:
    assert read.problems == ()
    assert (len(read.episodes), len(read.cards)) == (54, 57)
    assert [len(rows(file)) for file in FILES] == [23, 30, 1, 3]


def test_every_field_comes_out_as_it_was_but_for_those_listed(store: Store) -> None:
    differing: dict[str, set[str]] = {}
    for file, form in FILES.items():
        for row in rows(file):
            again = written(store, row, form)
            fields = {name for name, value in row.items() if name != "_source" and again.get(name, ...) != value}
            if fields:
                differing[id_of(row)] = fields
    assert differing == differences()


def test_nothing_is_added_but_where_a_row_comes_from_and_what_follows_from_its_scores(store: Store) -> None:
    added = {
        name
        for file, form in FILES.items()
        for row in rows(file)
        for name in written(store, row, form).keys() - row.keys()
    }
    assert added == {"_source", "licence", "scores"}
    for row in rows("episodes.jsonl"):
        assert written(store, row, "released")["_source"] == row["_source"]


def test_the_import_says_which_fields_will_come_out_otherwise(read: EpisodesRead) -> None:
    places = {each.where: each.episode.id for each in read.episodes}
    said = {
        places[remark.where]: set(remark.message.split(", "))
        for remark in read.report
        if remark.kind == "written_otherwise"
    }
    assert said == differences()


def without_blanks(value: object) -> str:
    return re.sub(r"\s|\\n", "", json.dumps(value))


def test_goals_that_differ_differ_in_a_blank(store: Store) -> None:
    for file in ("episodes.jsonl", "episodes_text_form.jsonl"):
        for row in rows(file):
            again = written(store, row, FILES[file])
            for field in ("social_goals", "raw_messages"):
                if row["episode_id"] in A_BLANK_IN_A_GOAL and field in row:
                    assert again[field] != row[field]
                    assert without_blanks(again[field]) == without_blanks(row[field])


def test_the_earlier_profile_differs_in_the_words_for_gender_and_occupation(store: Store) -> None:
    (row,) = (row for row in rows("episodes.jsonl") if row["episode_id"] in AN_EARLIER_PROFILE)
    again = written(store, row, "released")
    now, then = json.dumps(again["raw_messages"]), json.dumps(row["raw_messages"])
    assert now == then.replace("Man Dentist", "male dentist").replace("Man Coach", "male coach") != then


def test_every_row_had_a_prompt_and_none_is_written_again(store: Store) -> None:
    prompts = [
        (row[field], written(store, row, form)[field])
        for file, form in FILES.items()
        for row in rows(file)
        for field in THE_JUDGES_PROMPT.get(form, ())
    ]
    assert len(prompts) == 23 + 1
    assert all(then and now == "" for then, now in prompts)


def runs_of(text: str) -> set[tuple[str, ...]]:
    """Every seven words that stand in a row."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + 7]) for i in range(len(words) - 6)}


def test_the_rubric_of_their_scores_repeats_none_of_the_judges_questions() -> None:
    asked = [
        row[field] for file, form in FILES.items() for row in rows(file) for field in THE_JUDGES_PROMPT.get(form, ())
    ]
    questions = {run for prompt in asked for run in runs_of(prompt)}
    assert ("analyze", "whether", "the", "actions", "of", "the", "agent") in questions
    for dimension in sotopia_eval().dimensions:
        assert not runs_of(dimension.description) & questions, dimension.id


def test_the_overall_score_is_the_mean_of_the_seven(store: Store) -> None:
    seen = 0
    for file in ("episodes.jsonl", "episodes_text_form.jsonl", "native_episodelog_example.json"):
        for row in rows(file):
            card = store.scorecards(id_of(row))[0]
            released = [reward[1] if isinstance(reward, list) else reward for reward in row["rewards"]]
            for reward, (seat, overall) in zip(released, card.overall.items(), strict=True):
                assert overall == reward["overall_score"]
                assert [float(score.score or 0) for score in card.scores[seat].values()] == [*reward.values()][:7]
                seen += 1
    assert seen == 2 * 54


def test_every_reason_of_the_judge_is_kept(read: EpisodesRead) -> None:
    reasons = [score.reason for each in read.cards for seat in each.card.scores.values() for score in seat.values()]
    assert len(reasons) == 57 * 14
    assert all(reasons)


def test_our_rules_end_every_episode_as_and_when_it_ended(store: Store) -> None:
    ends: Counter[EndReason] = Counter()
    for file in ("episodes.jsonl", "episodes_text_form.jsonl", "native_episodelog_example.json"):
        for row in rows(file):
            episode = store.episode(id_of(row))
            assert replay(episode).end == episode.end
            assert episode.end is not None
            ends[episode.end.reason] += 1
            if "raw_messages" in row:
                assert episode.turns == len(row["raw_messages"]) - 1
    assert ends == {EndReason.TOO_FEW_LEFT: 29, EndReason.STALE: 19, EndReason.TURN_LIMIT: 6}


def test_scenarios_and_characters_are_those_of_the_profiles(read: EpisodesRead) -> None:
    known = read_sotopia(DATA / "sotopia").collection
    tasks = {task.id: task for task in known.tasks}
    mine = [each.episode for each in read.episodes if each.where != "native_episodelog_example.json"]
    assert all(episode.task == tasks[episode.task.id] for episode in mine)


def test_who_played_is_kept(read: EpisodesRead) -> None:
    episodes = {each.episode.id: each.episode for each in read.episodes}
    released = episodes["01H8QCDNDT6G5VV3XQEA47CFZC"]
    assert [policy.model for policy in released.policies.values()] == ["gpt-4", "togethercomputer/llama-2-70b-chat"]
    assert released.tag == "togethercomputer/llama-2-70b-chat_gpt-4_v0.0.1_clean"
    assert (released.mode, released.started_at.date().isoformat()) == ("asymmetric", "2023-08-25")
    native = episodes["01J0GZWDV6HMKQK4B3PTEZW5V8"]
    assert (native.tag, native.mode) == ("sample", "omniscient")
    text = episodes["01HB5GHRZK82KZVHZVEAH9C81Q"]
    assert {policy.agent for policy in text.policies.values()} == {"unknown"}


def test_every_episode_and_scorecard_has_its_source_and_those_that_say_it_their_licence(read: EpisodesRead) -> None:
    by_file: dict[str, set[str]] = defaultdict(set)
    for each in read.episodes:
        by_file[each.where.partition(":")[0]].add(each.episode.licence)
        assert each.episode.source
    assert by_file["episodes.jsonl"] == {"Apache-2.0", "MIT"}
    assert by_file["episodes_text_form.jsonl"] == {""}
    assert all(each.card.source for each in read.cards)


def test_the_licence_of_a_row_that_is_written_is_that_of_all_in_it(store: Store) -> None:
    (row,) = (row for row in rows("episodes.jsonl") if row["episode_id"].startswith("01H8QCDN"))
    assert written(store, row, "released")["licence"] == "CC-BY-SA-4.0 AND MIT"


def test_what_is_written_is_read_again_as_the_same(read: EpisodesRead, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "again.jsonl"
    lines = [json.dumps(written(store, row, form)) for file, form in FILES.items() for row in rows(file)]
    path.write_text("\n".join(lines), "utf-8")
    again = read_episodes([path], read_sotopia(DATA / "sotopia").collection)
    assert again.problems == ()
    left_out = {"licence"}
    assert [each.episode.model_dump(exclude=left_out) for each in again.episodes] == [
        each.episode.model_dump(exclude=left_out) for each in read.episodes
    ]
    assert [each.card.scores for each in again.cards] == [each.card.scores for each in read.cards]


def everything_in(file: Path) -> str:
    """The text of every column of every table, as it was before it was made JSON."""
    with sqlite3.connect(file) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        cells = [
            str(cell) for table in tables for row in connection.execute(f'SELECT * FROM "{table}"') for cell in row
        ]
    connection.close()
    return "\n".join(cells).encode().decode("unicode_escape")


def test_no_prompt_and_no_message_is_kept(file: Path) -> None:
    kept = everything_in(file)
    assert "Hey Noah, can we talk about the noise levels" in kept
    rendered = ("Here is the context of this interaction", "did nothing", "Prompt after formatting", "comments:\n")
    assert [words for words in rendered if words in kept] == []
    for row in rows("episodes.jsonl"):
        assert [
            text for turn in row["raw_messages"] for sender, _, text in turn if sender == "Environment" and text in kept
        ] == []
        assert row["raw_rewards_prompt"] not in kept
        assert row["social_interactions"] not in kept
        assert row["reasoning"] not in kept


def test_what_is_written_follows_the_stored_events_and_scores(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(file.read_bytes())
    with sqlite3.connect(copy) as connection:
        connection.execute("UPDATE events SET body = replace(body, 'noise levels', 'pigeons')")
        connection.execute("UPDATE scorecards SET body = replace(body, 'Leo Williams interacts', 'Leo dances')")
        connection.execute("UPDATE scorecards SET body = replace(body, '\"score\":9', '\"score\":2')")
    connection.close()
    with Store.open(str(copy)) as store:
        first, *_ = rows("episodes.jsonl")
        again = written(store, first, "released")
        for field in ("raw_messages", "social_interactions"):
            assert "noise levels" in json.dumps(first[field])
            assert "pigeons" in json.dumps(again[field])
            assert "the noise levels in the apartment?" not in json.dumps(again[field])
        assert "Leo dances with Noah in a natural" in again["reasoning"]
        nines = next(row for row in rows("episodes.jsonl") if row["rewards"][0]["believability"] == 9)
        changed = written(store, nines, "released")
        assert changed["rewards"][0]["believability"] == changed["raw_rewards"][0][1]["believability"] == 2.0
        assert changed["rewards"][0]["overall_score"] < nines["rewards"][0]["overall_score"]
