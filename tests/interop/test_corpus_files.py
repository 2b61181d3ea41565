"""Files of corpora that are not there, not whole, or not what they should be."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from comity.interop.casino import read_casino
from comity.interop.corpus_files import csv_rows
from comity.interop.deal_or_no_deal import read_deal_or_no_deal
from comity.interop.persuasion_for_good import read_persuasion_for_good
from comity.interop.remarks import ImportFailed, Report
from interop.campers import AGREED, campers
from interop.test_deal_or_no_deal import MINE, side

READERS = (read_casino, read_deal_or_no_deal, read_persuasion_for_good)


@pytest.mark.parametrize("reader", READERS)
def test_a_folder_without_the_corpus_says_what_is_expected(tmp_path: Path, reader: Any) -> None:
    with pytest.raises(ImportFailed, match=r"casino\*\.json|val\.txt|full_dialog\.csv"):
        list(reader(tmp_path, Report()))


@pytest.mark.parametrize(
    ("name", "content", "where", "said"),
    [
        ("casino.json", b"", "casino.json", "holds no JSON list"),
        ("casino.json", b"{}", "casino.json", "holds no JSON list"),
        ("casino.json", b"\xff", "casino.json", "holds no JSON list"),
        ("casino.json", b"[{", "casino.json[0]", "is not JSON"),
        ("casino.json", b'["\xff"]', "casino.json[0]", "is not JSON"),
        ("casino.json.gz", b"plain", "casino.json.gz", "is not whole"),
        ("casino.json.gz", gzip.compress(b"[]" * 99, mtime=0)[:-9], "casino.json.gz", "is not whole"),
        ("train.txt", b"1 1 \xff", "train.txt:1", "not text in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, where: str, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    report = Report()
    reader = read_casino if "casino" in name else read_deal_or_no_deal
    assert list(reader(tmp_path / name, report)) == []
    assert report.problems[0].where == where
    assert said in report.problems[0].message


def test_what_comes_before_the_cut_is_read_and_so_are_the_other_files(tmp_path: Path) -> None:
    rows = [campers(*AGREED, number=number, annotations=[["x" * number, "x"]]) for number in range(300)]
    packed = gzip.compress(json.dumps(rows).encode())
    (tmp_path / "casino_a.json.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "casino_b.json").write_text(json.dumps([campers(*AGREED, number=999)]))
    report = Report()
    ids = [told.episode.id for told in read_casino(tmp_path, report)]
    assert ids[0] == "casino_0"
    assert ids[-1] == "casino_999"
    assert 1 < len(ids) < 300
    cut = len(ids) - 1
    assert [problem.where for problem in report.problems] == [
        "casino_a.json.gz",
        f"casino_a.json.gz[{cut}]",
        "casino_a.json.gz",
    ]


@pytest.mark.parametrize("end", ["", ",", " \n", ', "'])
def test_a_list_without_an_end_is_said_to_break_off_even_where_its_last_member_is_whole(
    tmp_path: Path, end: str
) -> None:
    (tmp_path / "casino.json").write_text(json.dumps([campers(*AGREED)])[:-1] + end)
    report = Report()
    assert len(list(read_casino(tmp_path, report))) == 1
    assert "casino.json" in [problem.where for problem in report.problems]


def test_a_line_that_is_cut_off_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    lines = [side(MINE, you=f"1 {at} 3 0 2 2", them="1 2 3 2 2 1") for at in range(99)]
    packed = gzip.compress("\n".join(lines).encode())
    (tmp_path / "train.txt.gz").write_bytes(packed[:-12])
    report = Report()
    read = list(read_deal_or_no_deal(tmp_path, report))
    assert [told.where for told in read] == [f"train.txt.gz:{at}" for at in range(1, len(read) + 1)]
    assert len(read) < 99
    assert [problem.where for problem in report.problems] == ["train.txt.gz"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_marks_of_byte_order_and_ends_of_lines_are_no_matter(tmp_path: Path, mark: str, end: str) -> None:
    report = Report()
    (tmp_path / "val.txt").write_bytes(f"{mark}{side(MINE)}{end}".encode())
    (tmp_path / "casino.json").write_bytes(f"{mark}[{end}{json.dumps(campers(*AGREED))}{end}]{end}".encode())
    assert len([*read_deal_or_no_deal(tmp_path / "val.txt", report), *read_casino(tmp_path, report)]) == 2
    assert report.problems == []


def test_a_missing_quotation_mark_in_a_table_is_reported_with_its_lines(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('a,b\n1,2\n"3,4\n5,"6"\n7,8\n')
    report = Report()
    assert list(csv_rows(report, tmp_path / "t.csv", ("a", "b"))) == [
        (2, {"a": "1", "b": "2"}),
        (5, {"a": "7", "b": "8"}),
    ]
    (problem,) = report.problems
    assert problem.where == "t.csv:3"
    assert problem.message.startswith("lines 3 to 4 are no row")


def test_what_is_no_text_in_a_table_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,\xff\n" + b"x" * 200_000 + b",1\n3,4\n")
    report = Report()
    assert list(csv_rows(report, tmp_path / "t.csv", ("a", "b"))) == [(4, {"a": "3", "b": "4"})]
    assert [problem.where for problem in report.problems] == ["t.csv:2", "t.csv:3"]


def test_a_csv_without_a_column_says_which(tmp_path: Path) -> None:
    (tmp_path / "full_dialog.csv").write_text("B2,B4\n")
    (tmp_path / "full_info.csv").write_text("B2,B4\n")
    with pytest.raises(ImportFailed, match="does not name the columns Unit"):
        list(read_persuasion_for_good(tmp_path, Report()))
