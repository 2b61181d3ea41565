"""The examples of docs/library.md, written to files and loaded as a reader would."""

import re
from pathlib import Path

import pytest

from comity.library import LibraryError, load_library

PAGE = (Path(__file__).parents[2] / "docs" / "library.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w/]+\.toml)`\n\n```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
CODE, PRINTED = re.findall(r"^```python\n(.*?)^```\n\n```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[0]
REPORT = re.findall(r"^```\n(my_library/[^\n]+\.toml: .*?)\n```$", PAGE, re.DOTALL | re.MULTILINE)[0]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        file = tmp_path / "my_library" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return Path("my_library")


def test_every_toml_block_of_the_page_is_a_file_of_the_example() -> None:
    assert len(FILES) == PAGE.count("```toml") == 4


def test_the_page_shows_what_its_code_prints(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(CODE, "docs/library.md", "exec"), {})
    assert capsys.readouterr().out == PRINTED


def test_the_example_keeps_its_own_rules(folder: Path) -> None:
    library = load_library(folder)
    assert [task.violations() for task in library.tasks] == [[]]
    assert {c.id for c in library.characters} == {"nadia_farouk", "emil_berg"}
    assert [r.kind for r in library.relationships] == ["acquaintance"]


def test_the_page_shows_the_report_that_its_mistakes_give(folder: Path) -> None:
    _misspell(folder / "characters" / "emil_berg.toml", "occupation", "ocupation")
    _misspell(folder / "scenarios" / "parking_space.toml", "nadia_farouk", "nadia_faruk")
    with pytest.raises(LibraryError) as refused:
        load_library(folder)
    assert set(str(refused.value).splitlines()) == set(REPORT.splitlines())


@pytest.mark.parametrize(
    "kind",
    ["moral_values", "schwartz_values"],
)
def test_every_value_that_the_page_lists_is_accepted(folder: Path, kind: str) -> None:
    values = re.findall(rf"^- `{kind}`: (.*)$", PAGE, re.MULTILINE)[0].split(", ")
    file = folder / "characters" / "emil_berg.toml"
    file.write_text(file.read_text(encoding="utf-8") + f"{kind} = {values}\n", encoding="utf-8")
    emil = next(c for c in load_library(folder).characters if c.id == "emil_berg")
    assert [*emil.moral_values, *emil.schwartz_values] == values


def _misspell(file: Path, right: str, wrong: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong), encoding="utf-8")
