"""Files of corpora that are not there, not whole, or not what they should be."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from comity.interop.casino import read_casino
from comity.interop.deal_or_no_deal import read_deal_or_no_deal
from comity.interop.persuasion_for_good import read_persuasion_for_good
from comity.interop.remarks import ImportFailed, Report

READERS = (read_casino, read_deal_or_no_deal, read_persuasion_for_good)


@pytest.mark.parametrize("reader", READERS)
def test_a_folder_without_the_corpus_says_what_is_expected(tmp_path: Path, reader: Any) -> None:
    with pytest.raises(ImportFailed, match=r"casino\*\.json|val\.txt|full_dialog\.csv"):
        list(reader(tmp_path, Report()))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("casino.json", b"{", "is not JSON"),
        ("casino.json", b"{}", "holds no list"),
        ("casino.json", b"\xff", "not text in UTF-8"),
        ("casino.json.gz", b"plain", "is not whole"),
        ("casino.json.gz", gzip.compress(b"[]" * 99)[:-9], "is not whole"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImportFailed, match=said):
        list(read_casino(tmp_path / name, Report()))


def test_a_csv_without_a_column_says_which(tmp_path: Path) -> None:
    (tmp_path / "full_dialog.csv").write_text("B2,B4\n")
    (tmp_path / "full_info.csv").write_text("B2,B4\n")
    with pytest.raises(ImportFailed, match="does not name the columns Unit"):
        list(read_persuasion_for_good(tmp_path, Report()))
