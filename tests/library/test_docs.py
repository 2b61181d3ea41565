"""The examples of docs/library.md, written to files and loaded as a reader would."""

import re
from pathlib import Path

import pytest

from comity.library import LibraryError, load_library
from comity.library.lint import RULES, lint
from comity.library.sets import tasks_of
from comity.world.choices import Dilemma, Gift, MutualFriend, PublicGoods, Secret
from comity.world.deals import Contract, Division, Price

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
    assert len(FILES) == PAGE.count("```toml") == 6


def test_the_page_shows_what_its_code_prints(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(CODE, "docs/library.md", "exec"), {})
    assert capsys.readouterr().out == PRINTED


def test_the_example_keeps_its_own_rules(folder: Path) -> None:
    library = load_library(folder)
    assert [task.violations() for task in library.tasks] == [[], []]
    assert {c.id for c in library.characters} == {"nadia_farouk", "emil_berg"}
    assert [r.kind for r in library.relationships] == ["acquaintance"]
    assert {s.licence for s in library.scenarios} == {"CC-BY-4.0"}


def test_the_lint_finds_in_the_example_only_what_an_example_leaves_out(folder: Path) -> None:
    found = {(finding.rule, finding.record) for finding in lint(load_library(folder))}
    assert found == {
        ("few_casts", "scenarios/parking_space"),
        ("few_casts", "scenarios/wheelbarrow"),
        ("missing_field", "characters/emil_berg"),
    }


def test_the_page_lists_every_rule_with_what_it_finds() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (error|warning) \| (.*) \|$", PAGE, re.MULTILINE)
    assert listed == [(rule.name, rule.level, rule.finds) for rule in RULES]


def test_the_page_knows_every_kind_of_payoff() -> None:
    shapes = (Division, Price, Contract, Dilemma, PublicGoods, MutualFriend, Secret, Gift)
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE.partition("| `kind` |")[2], re.MULTILINE))
    for shape in shapes:
        named = set(re.findall(r"`(\w+)`", rows[shape.model_fields["kind"].default]))
        own = shape.model_fields.keys() - {"kind"}
        assert named - {"acceptance", "selection"} <= own
        assert own - named <= {"rounds"}, "once alone makes sense for some"


def test_the_page_gives_the_sets_their_sizes() -> None:
    sizes = {name: int(size) for name, size in re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE, re.MULTILINE)}
    assert sizes == {name: len(tasks_of(name)) for name in ("all", "hard", "lite")}
    assert "| `dev`, `test` | 250 each |" in PAGE
    assert len(tasks_of("dev")) == len(tasks_of("test")) == 250


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
