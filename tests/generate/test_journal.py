"""The journal keeps every row, whatever ends the process, and is one process's at a time."""

import json
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest

from comity.generate.candidates import Answered, Checked, Decided, Draft, Edited, Licensed, Replied, Row
from comity.generate.ideas import Idea
from comity.generate.journal import JOURNAL, Journal, JournalError
from comity.library import starter
from comity.library.lint import Finding
from comity.world.episodes import Policy

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DRAFT = Draft(record=starter().scenarios[0], notes={"Conflict": "one and the other", "Way out": "both"})
ERROR = Finding("leaked_fact", "error", "scenarios/x", "seats.a", "tells it")
WARNING = Finding("no_licence", "warning", "scenarios/x", "licence", "is empty")


def answered(id_: str = "c1", draft: Draft | None = DRAFT) -> Answered:
    return Answered(
        candidate=id_,
        at=NOW,
        kind="scenarios",
        idea=Idea(text="Zwei Schlüssel\nund 一扇门.", family="conflict"),
        seed=3,
        policy=Policy(agent="writer", model="scripted:own", sampling={"temperature": 0.5}),
        examples=("a", "b"),
        calls=(),
        draft=draft,
        problem="" if draft else "it is empty",
        code_version="1",
    )


def checked(id_: str = "c1", *findings: Finding) -> Checked:
    passed = all(each.level != "error" for each in findings)
    return Checked(candidate=id_, at=NOW, passed=passed, findings=findings, code_version="1")


def decided(accepted: bool, reason: str = "", id_: str = "c1") -> Decided:
    return Decided(candidate=id_, at=NOW, accepted=accepted, reason=reason, code_version="1")


def edited(*findings: Finding) -> Edited:
    draft = Draft(record=starter().scenarios[1])
    return Edited(candidate="c1", at=NOW, draft=draft, findings=findings, code_version="1")


REPLIED = Replied(candidate="c2", at=NOW, prompt_hash="ab", completion={"text": "no", "seconds": 1.5})
ROWS: tuple[Row, ...] = (answered(), REPLIED, checked("c1", ERROR), edited(WARNING), decided(accepted=True))


def write(folder: Path, *rows: Row) -> None:
    with Journal.open(folder, create=True) as journal:
        for row in rows:
            journal.append(row)


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    write(tmp_path / "new" / "folder", *ROWS)
    with Journal.open(tmp_path / "new" / "folder") as journal:
        (candidate,) = journal.candidates
        assert (candidate.answered, candidate.checked, candidate.edited, candidate.decided) == (
            ROWS[0],
            ROWS[2],
            ROWS[3],
            ROWS[4],
        )
        assert journal.candidate("c1") is candidate
        assert journal.candidate("c2") is None
        assert journal.replied("c2") == (REPLIED,)
        assert journal.replied("c1") == ()


@pytest.mark.parametrize(
    ("rows", "state", "by", "reasons"),
    [
        ((answered(),), "waiting", None, ()),
        ((answered(), checked("c1", WARNING)), "passed", "rules", ()),
        ((answered(), checked("c1", ERROR, WARNING)), "rejected", "rules", (str(ERROR),)),
        ((answered(draft=None), checked().model_copy(update={"passed": False})), "rejected", "rules", ("it is empty",)),
        ((answered(), checked(), decided(False, "dull")), "rejected", "person", ("dull",)),
        ((answered(), checked(), decided(True)), "accepted", "person", ()),
        ((answered(), checked("c1", ERROR), edited(WARNING)), "passed", "person", ()),
        ((answered(), checked(), edited(ERROR)), "rejected", "person", (str(ERROR),)),
        ((answered(), checked(), decided(False, "dull"), edited()), "passed", "person", ()),
        ((answered(), checked(), decided(False, "dull"), decided(True)), "accepted", "person", ()),
    ],
)
def test_a_candidate_stands_as_its_rows_say(
    tmp_path: Path, rows: tuple[Row, ...], state: str, by: str | None, reasons: tuple[str, ...]
) -> None:
    write(tmp_path, *rows)
    with Journal.open(tmp_path) as journal:
        (candidate,) = journal.candidates
    assert (candidate.state, candidate.by, candidate.reasons) == (state, by, reasons)


def test_a_licence_that_is_given_later_is_on_the_draft_and_the_edit_and_takes_the_finding_away(tmp_path: Path) -> None:
    """What a person wrote into an edit stands. The row of the answer stays as it was."""
    bare = Draft(record=DRAFT.record.model_copy(update={"licence": ""}))
    under = Draft(record=DRAFT.record.model_copy(update={"licence": "MIT"}))
    later = Licensed(candidate="c1", at=NOW, licence="MIT", code_version="1")
    write(tmp_path, answered(draft=bare), checked("c1", WARNING, ERROR), edited(WARNING), later)
    with Journal.open(tmp_path) as journal:
        (candidate,) = journal.candidates
    assert (candidate.answered.draft, candidate.answered.licence) == (under, "MIT")
    assert candidate.checked
    assert candidate.checked.findings == (ERROR,)
    assert candidate.draft == edited().draft  # which has one
    assert (candidate.findings, candidate.state) == ((), "passed")
    assert Answered.model_validate_json((tmp_path / JOURNAL).read_bytes().splitlines()[0]) == answered(draft=bare)


@pytest.mark.parametrize("kept", [0, 1, 17, -1])
def test_a_last_row_that_is_not_whole_is_cut_off_and_the_rest_stays(tmp_path: Path, kept: int) -> None:
    write(tmp_path, answered("c1"))
    file = tmp_path / JOURNAL
    whole = file.read_bytes()
    file.write_bytes(whole + answered("c2").model_dump_json().encode()[:kept])
    with Journal.open(tmp_path) as journal:
        assert [each.id for each in journal.candidates] == ["c1"]
        journal.append(answered("c3"))
    with Journal.open(tmp_path) as journal:
        assert [each.id for each in journal.candidates] == ["c1", "c3"]


@pytest.mark.parametrize(
    "line", [b"{}", b'{"event": "answered"}', b"\xff", checked("other").model_dump_json().encode()]
)
def test_a_row_that_cannot_be_read_is_named_and_nothing_is_changed(tmp_path: Path, line: bytes) -> None:
    write(tmp_path, answered("c1"))
    file = tmp_path / JOURNAL
    file.write_bytes(file.read_bytes() + line + b"\n" + b"not whole")
    before = file.read_bytes()
    said = r"candidates\.jsonl: line 2: (is no row|no `answered` row).*remove all rows of"
    with pytest.raises(JournalError, match=said), Journal.open(tmp_path):
        pass
    assert file.read_bytes() == before


def test_a_last_row_that_lacks_its_lines_end_alone_is_kept(tmp_path: Path) -> None:
    """As an editor leaves it that writes no end of the last line. Cut off, a decision would be undone."""
    write(tmp_path, answered(), checked(), decided(accepted=False, reason="dull"))
    file = tmp_path / JOURNAL
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with Journal.open(tmp_path) as journal:
        assert [each.reasons for each in journal.candidates] == [("dull",)]
    assert file.read_bytes() == whole


def test_a_last_line_that_is_whole_and_no_row_is_named_and_not_cut_off(tmp_path: Path) -> None:
    write(tmp_path, answered())
    file = tmp_path / JOURNAL
    file.write_bytes(file.read_bytes() + b'{"event": "praised", "candidate": "c1"}')
    before = file.read_bytes()
    with pytest.raises(JournalError, match=r"line 2: is no row.*all rows of candidate 'c1'"), Journal.open(tmp_path):
        pass
    assert file.read_bytes() == before


def test_what_is_said_of_a_damaged_row_repeats_none_of_its_texts(tmp_path: Path) -> None:
    """A wrong type, an unknown field, a field that is missing, a broken text: each among texts that are private."""
    write(tmp_path, answered())
    file = tmp_path / JOURNAL
    row = json.loads(file.read_bytes())
    record = row["draft"]["record"]
    secret = record["seats"][0]["extra_info"]
    damaged = [
        json.dumps(row | {"draft": row["draft"] | {"record": record | {"turn_limit": secret}}}),
        json.dumps(row | {"draft": row["draft"] | {"record": {secret.replace(" ", "_"): 1, **record}}}),
        json.dumps(row | {"draft": row["draft"] | {"notes": {secret: 1}}}),
        json.dumps(row | {"draft": row["draft"] | {"record": {k: v for k, v in record.items() if k != "title"}}}),
        json.dumps(row).replace(secret, f'"{secret}', 1),
        json.dumps(row | {"event": secret}),
    ]
    for line in damaged:
        file.write_text(f"{line}\n", "utf-8")
        with pytest.raises(JournalError, match=r"line 1: is no row.*\(.*\).*candidate 'c1'") as refused:
            read(tmp_path)
        shown = "".join(traceback.format_exception(refused.value))
        assert not [word for word in secret.split() if len(word) > 5 and word in shown]


def test_the_rest_of_a_candidate_whose_answer_is_gone_is_named(tmp_path: Path) -> None:
    write(tmp_path, answered("c1"), answered("c2"), checked("c1"))
    file = tmp_path / JOURNAL
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[1:]))
    with pytest.raises(JournalError, match=r"line 2: no `answered` row.*remove all rows of candidate 'c1'"):
        read(tmp_path)


def read(folder: Path) -> None:
    with Journal.open(folder):
        pass


def test_what_comes_to_nothing_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    for folder in (tmp_path / "here", tmp_path / "not" / "yet"):
        with pytest.raises(LookupError), Journal.open(folder, create=True):
            raise LookupError
    assert [each.name for each in tmp_path.rglob("*")] == ["here"]


def test_what_was_kept_or_was_there_stays_whatever_is_raised(tmp_path: Path) -> None:
    def keep_one_and_fail() -> None:
        with Journal.open(tmp_path / "new", create=True) as journal:
            journal.append(answered())
            raise LookupError

    with pytest.raises(LookupError):
        keep_one_and_fail()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / JOURNAL).touch()
    with pytest.raises(LookupError), Journal.open(tmp_path / "old", create=True):
        raise LookupError
    assert sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.jsonl")) == [
        f"new/{JOURNAL}",
        f"old/{JOURNAL}",
    ]


def test_a_folder_without_a_journal_says_where_one_comes_from(tmp_path: Path) -> None:
    with (
        pytest.raises(JournalError, match="there is no such file; candidates come from `comity generate"),
        Journal.open(tmp_path),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be opened"), Journal.open(tmp_path / "file" / "in", create=True):
        pass


def test_two_do_not_work_on_one_folder(tmp_path: Path) -> None:
    with Journal.open(tmp_path, create=True) as journal:
        with pytest.raises(JournalError, match="another process works on it"), Journal.open(tmp_path):
            pass
        journal.append(answered())
    with Journal.open(tmp_path):
        pass


LIMITED = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.path.insert(0, {tests!r})
from generate.test_journal import answered
from comity.generate.journal import Journal, JournalError
with Journal.open(Path(sys.argv[1]), create=True) as journal:
    journal.append(answered("c1"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size + 100, resource.RLIM_INFINITY))
    try:
        journal.append(answered("c2"))
    except JournalError as error:
        print(error, journal.candidate("c2"))
"""


def test_a_full_disk_is_said_and_leaves_what_was_kept(tmp_path: Path) -> None:
    code = LIMITED.format(tests=str(Path(__file__).parents[1]))
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "cannot be written" in done.stdout, done
    assert done.stdout.endswith("None\n")
    with Journal.open(tmp_path) as journal:
        assert [each.id for each in journal.candidates] == ["c1"]
    assert (tmp_path / JOURNAL).read_bytes().endswith(b"\n")
