"""Rubrics are data: SOTOPIA's own has the paper's ranges, and one's own file is read or refused with path, field and reason."""

from pathlib import Path

import pytest

from comity.evaluate.rubric import RubricError, load_rubric, sotopia

GOOD = """
id = "wit"
version = 2

[[dimensions]]
id = "WIT"
name = "Wit"
low = 0
high = 3
description = "How witty."
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wit.toml"


def test_the_seven_dimensions_have_the_papers_ranges() -> None:
    ranges = {dimension.id: (dimension.low, dimension.high) for dimension in sotopia().dimensions}
    assert ranges == {
        "GOAL": (0, 10),
        "BEL": (0, 10),
        "KNO": (0, 10),
        "SEC": (-10, 0),
        "REL": (-5, 5),
        "SOC": (-10, 0),
        "FIN": (-5, 5),
    }


def test_a_rubric_of_ones_own_is_read(path: Path) -> None:
    path.write_text(GOOD)
    rubric = load_rubric(path)
    assert (rubric.id, rubric.version, rubric.dimensions[0].high) == ("wit", 2, 3)


@pytest.mark.parametrize(
    ("old", "new", "field", "reason"),
    [
        ("high = 3", "high = 0", "dimensions.0", "must rise, not 0 to 0"),
        ("high = 3", 'high = "much"', "dimensions.0.high", "valid integer"),
        ("high = 3", "hihg = 3", "dimensions.0.hihg", "not permitted"),
        ("version = 2", "", "version", "required"),
        ("version = 2", "version = 0", "version", "greater than or equal to 1"),
        ('id = "WIT"', 'id = "W I T"', "dimensions.0.id", "match pattern"),
        ("How witty.", "", "dimensions.0.description", "at least 1 character"),
        (GOOD[GOOD.index("[[") :], "", "dimensions", "required"),
    ],
)
def test_a_bad_file_is_refused_with_path_field_and_reason(
    path: Path, old: str, new: str, field: str, reason: str
) -> None:
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(RubricError) as raised:
        load_rubric(path)
    assert any(
        line.startswith(f"{path}: {field}: ") and reason in line.casefold() for line in str(raised.value).splitlines()
    )


def test_every_problem_has_its_line(path: Path) -> None:
    path.write_text(GOOD.replace("version = 2", "").replace("high = 3", 'high = "much"'))
    with pytest.raises(RubricError) as raised:
        load_rubric(path)
    fields = [line.removeprefix(f"{path}: ").partition(":")[0] for line in str(raised.value).splitlines()]
    assert {"version", "dimensions.0.high"} <= set(fields)


@pytest.mark.parametrize("content", [b"id = ", b"not toml at all", b"id = '\xff'"])
def test_what_is_not_toml_is_said_to_be_none(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(RubricError, match=r"wit.toml: is not TOML \("):
        load_rubric(path)


def test_a_file_that_cannot_be_read_is_named(path: Path) -> None:
    with pytest.raises(RubricError, match=r"wit.toml: cannot be read \(No such file"):
        load_rubric(path)
    with pytest.raises(RubricError, match="cannot be read"):
        load_rubric(path.parent)
