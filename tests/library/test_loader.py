"""What the loader makes of a folder, and how it refuses one: with path, field and reason for every fault of every file."""

from pathlib import Path

import pytest

from comity.library import LibraryError, Problem, load_library
from comity.world.deals import Price
from comity.world.relationships import RelationshipKind

CHARACTER = """\
name = "{name}"
age = 30
gender = "woman"
pronouns = "she/her"
occupation = "weaver"
"""

RELATIONSHIPS = """\
[[relationship]]
id = "ada-bea"
between = ["ada", "bea"]
kind = "friend"
"""

SCENARIO = """\
title = "Two chairs"
setting = "Two people meet."
relationships = ["friend", "stranger"]

[[seats]]
id = "left"
goal = "Stay."

[[seats]]
id = "right"
goal = "Go."

[[casts]]
id = "first"
seats = { left = "ada", right = "bea" }

[[casts]]
id = "second"
seats = { left = "cleo", right = "ada" }
"""

FILES = {
    "characters/ada.toml": CHARACTER.format(name="Ada"),
    "characters/bea.toml": CHARACTER.format(name="Bea"),
    "characters/cleo.toml": CHARACTER.format(name="Cleo"),
    "relationships.toml": RELATIONSHIPS,
    "scenarios/chairs.toml": SCENARIO,
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def refused(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(LibraryError) as error:
        load_library(folder)
    return error.value.problems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, FILES)


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def test_a_folder_becomes_a_collection(folder: Path) -> None:
    library = load_library(folder)
    assert [c.id for c in library.characters] == ["ada", "bea", "cleo"]
    assert [r.kind for r in library.relationships] == [RelationshipKind.FRIEND]
    assert [s.id for s in library.scenarios] == ["chairs"]
    assert [task.id for task in library.tasks] == ["chairs.first", "chairs.second"]
    assert library.tasks[0].edge("left", "right").kind is RelationshipKind.FRIEND
    assert library.tasks[1].edge("left", "right").kind is RelationshipKind.STRANGER
    assert library.tasks[0].names == {"left": "Ada", "right": "Bea"}


def test_the_order_in_which_a_cast_names_its_seats_changes_nothing(folder: Path) -> None:
    before = load_library(folder)
    edit(folder, "scenarios/chairs.toml", 'left = "ada", right = "bea"', 'right = "bea", left = "ada"')
    assert load_library(folder).model_dump_json() == before.model_dump_json()


@pytest.mark.parametrize("missing", ["characters", "relationships.toml", "scenarios"])
def test_parts_may_be_missing(tmp_path: Path, missing: str) -> None:
    files = {"characters/ada.toml": FILES["characters/ada.toml"], "relationships.toml": "", "scenarios/s.toml": ""}
    files["scenarios/s.toml"] = SCENARIO.split("[[casts]]")[0]
    library = load_library(write(tmp_path, {k: v for k, v in files.items() if not k.startswith(missing)}))
    assert [len(library.characters), len(library.scenarios)] == [missing != "characters", missing != "scenarios"]


def test_files_that_are_not_toml_are_left_alone(folder: Path) -> None:
    write(folder, {"README.md": "#", "characters/ada.md": "notes", "scenarios/.draft": "["})
    assert len(load_library(folder).characters) == 3


def test_text_saved_by_a_windows_editor_is_read(folder: Path) -> None:
    text = CHARACTER.format(name="Zoë").replace("\n", "\r\n")
    (folder / "characters/ada.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load_library(folder).characters[0].name == "Zoë"


def test_an_absent_folder_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere") == (Problem(str(tmp_path / "nowhere"), "(file)", "there is no such folder"),)


def test_a_folder_that_is_no_library_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"notes.txt": "hello"})
    (problem,) = refused(tmp_path)
    assert problem.reason.endswith("this folder has none of them")


SLUG = "should be at most 128 letters, digits, '_', '-' and '.', the first a letter or digit"
KINDS = "should be 'stranger', 'know_by_name', 'acquaintance', 'friend', 'romantic' or 'family'"
CHAIRS, ADA, EDGES = "scenarios/chairs.toml", "characters/ada.toml", "relationships.toml"
SECOND_EDGE = '[[relationship]]\nid = "{id}"\nbetween = ["{a}", "{b}"]\nkind = "friend"\n\n[[relationship]]'


@pytest.mark.parametrize(
    ("file", "old", "new", "field", "reason"),
    [
        pytest.param(
            ADA,
            "age = 30",
            "age 30",
            "line 2, column 5",
            "is not TOML: Expected '=' after a key in a key/value pair",
            id="syntax",
        ),
        pytest.param(ADA, "age = 30", "age =", "line 2, column 6", "is not TOML: Invalid value", id="no value"),
        pytest.param(ADA, "age = 30", 'age = "30"', "age", "should be a valid integer, not '30'", id="type"),
        pytest.param(ADA, "age = 30", "age = 17", "age", "should be greater than or equal to 18, not 17", id="range"),
        pytest.param(ADA, "age = 30\n", "", "age", "is missing", id="missing"),
        pytest.param(
            ADA, "age = 30", 'age = 30\nid = "ada"', "id", "the file's name is the id; remove this line", id="id"
        ),
        pytest.param(
            ADA,
            "age = 30",
            'age = 30\npersonalty = "x"',
            "personalty",
            "unknown field; did you mean 'personality'?",
            id="unknown field",
        ),
        pytest.param(ADA, "age = 30", "age = 30\nzzz = 1", "zzz", "unknown field", id="unknown field, nothing close"),
        pytest.param(
            ADA,
            "age = 30",
            'age = 30\nbig_five = { opennes = "low" }',
            "big_five.opennes",
            "unknown field; did you mean 'openness'?",
            id="unknown field of a sub-table",
        ),
        pytest.param(
            ADA,
            "age = 30",
            'age = 30\nbig_five = { openness = "huge" }',
            "big_five.openness",
            "should be 'low', 'medium' or 'high', not 'huge'",
            id="not one of the values",
        ),
        pytest.param(ADA, "age = 30", "age = 30\nbig_five = 3", "big_five", "should be a table, not 3", id="no table"),
        pytest.param(
            ADA,
            "age = 30",
            'age = 30\nmoral_values = ["care", "thrift"]',
            "moral_values.#2",
            "should be 'care', 'fairness', 'loyalty', 'authority', 'purity' or 'liberty', not 'thrift'",
            id="entry of a list",
        ),
        pytest.param(
            EDGES,
            'kind = "friend"',
            'kind = "pal"',
            "relationship.ada-bea.kind",
            KINDS + ", not 'pal'",
            id="unknown kind",
        ),
        pytest.param(EDGES, 'id = "ada-bea"\n', "", "relationship.#1.id", "is missing", id="relationship without id"),
        pytest.param(
            EDGES,
            "[[relationship]]",
            "[[relationships]]",
            "relationships",
            "unknown field; did you mean 'relationship'?",
            id="unknown table",
        ),
        pytest.param(
            EDGES,
            '["ada", "bea"]',
            '["ada", "beaa"]',
            "relationship.ada-bea.between",
            "unknown character 'beaa'; did you mean 'bea'?",
            id="unknown character in a relationship",
        ),
        pytest.param(
            EDGES,
            '["ada", "bea"]',
            '["ada", "ada"]',
            "relationship.ada-bea",
            "a relationship is between two characters, not 'ada' and itself",
            id="relationship with oneself",
        ),
        pytest.param(
            EDGES,
            "[[relationship]]",
            SECOND_EDGE.format(id="twin", a="bea", b="ada"),
            "relationship.ada-bea.between",
            "'ada' and 'bea' already have the relationship 'twin'; keep one",
            id="duplicate relationship",
        ),
        pytest.param(
            EDGES,
            "[[relationship]]",
            SECOND_EDGE.format(id="ada-bea", a="bea", b="cleo"),
            "relationship.ada-bea.id",
            "is used twice",
            id="duplicate relationship id",
        ),
        pytest.param(
            CHAIRS,
            'goal = "Go."',
            'gaol = "Go."',
            "seats.right.gaol",
            "unknown field; did you mean 'goal'?",
            id="unknown field of a seat",
        ),
        pytest.param(
            CHAIRS,
            "relationships",
            'turn_order = "roundrobin"\nrelationships',
            "turn_order",
            "should be 'round-robin', 'simultaneous' or 'random', not 'roundrobin'",
            id="unknown turn order",
        ),
        pytest.param(
            CHAIRS, 'id = "left"', 'id = "right"', "(file)", "seat ids must differ: right, right", id="seat ids"
        ),
        pytest.param(
            CHAIRS,
            'left = "cleo"',
            'left = "cloe"',
            "casts.second.seats.left",
            "unknown character 'cloe'; did you mean 'cleo'?",
            id="unknown character in a cast",
        ),
        pytest.param(
            CHAIRS,
            'right = "ada"',
            'rigth = "ada"',
            "casts.second.seats.rigth",
            "unknown seat; did you mean 'right'?",
            id="unknown seat",
        ),
        pytest.param(CHAIRS, ', right = "ada"', "", "casts.second.seats.right", "nobody sits here", id="empty seat"),
        pytest.param(
            CHAIRS,
            'left = "cleo"',
            'left = "ada"',
            "casts.second.seats",
            "'ada' sits in two seats",
            id="one in two seats",
        ),
        pytest.param(
            CHAIRS, 'id = "second"', 'id = "first"', "casts.first.id", "is used twice", id="duplicate cast id"
        ),
        pytest.param(
            CHAIRS,
            'id = "second"',
            'id = "the second"',
            "casts.the second.id",
            SLUG + ", not 'the second'",
            id="cast id",
        ),
        pytest.param(
            CHAIRS, 'id = "second"', f'id = "{"x" * 128}"', f"casts.{'x' * 128}.id", SLUG, id="task id too long"
        ),
        pytest.param(
            CHAIRS,
            '[[casts]]\nid = "second"',
            '[[cast]]\nid = "second"',
            "cast",
            "unknown field; did you mean 'casts'?",
            id="misspelt table",
        ),
        pytest.param(
            CHAIRS,
            "relationships",
            "casts = 3\nrelationships",
            "line 14, column 8",
            "is not TOML: Cannot overwrite a value",
            id="key twice",
        ),
        pytest.param(
            CHAIRS,
            '["friend", "stranger"]',
            '["friend"]',
            "casts.second",
            "'left' and 'right' are stranger; the scenario wants friend",
            id="relationship constraint",
        ),
        pytest.param(
            CHAIRS,
            'goal = "Go."',
            'goal = "Go."\nages = [40, 60]',
            "casts.first",
            "Bea is 30; seat 'right' wants 40 to 60",
            id="age constraint",
        ),
        pytest.param(
            CHAIRS,
            'goal = "Stay."',
            'goal = "Stay."\noccupations = ["potter"]',
            "casts.first",
            "Ada is 'weaver'; seat 'left' wants potter",
            id="occupation constraint",
        ),
    ],
)
def test_a_fault_is_named_by_path_field_and_reason(
    folder: Path, file: str, old: str, new: str, field: str, reason: str
) -> None:
    edit(folder, file, old, new)
    found = {(problem.path, problem.field): problem.reason for problem in refused(folder)}
    assert {path for path, _ in found} == {str(folder / file)}
    assert found.get((str(folder / file), field)) == reason


def test_casts_that_are_no_tables_are_refused(folder: Path) -> None:
    (folder / CHAIRS).write_text("casts = [3]\n" + SCENARIO.split("[[casts]]")[0], encoding="utf-8")
    assert refused(folder) == (Problem(str(folder / CHAIRS), "casts.#1", "should be a table, not 3"),)


def test_text_that_is_not_utf8_is_refused(folder: Path) -> None:
    (folder / ADA).write_bytes(CHARACTER.format(name="Zoë").encode("latin-1"))
    assert refused(folder) == (Problem(str(folder / ADA), "byte 11", "is not UTF-8; save the file as UTF-8"),)


def test_a_file_name_that_is_no_id_is_refused(folder: Path) -> None:
    write(folder, {"characters/the queen.toml": CHARACTER.format(name="Q")})
    (problem,) = refused(folder)
    assert (problem.field, problem.path) == ("id", str(folder / "characters/the queen.toml"))


def test_all_faults_of_all_files_come_at_once_one_to_a_line(folder: Path) -> None:
    edit(folder, ADA, "age = 30", 'age = "30"\nhobby = "chess"')
    (folder / "characters/bea.toml").write_text("name =", encoding="utf-8")
    edit(folder, EDGES, 'kind = "friend"', 'kind = "friend"\nsince = 2020')
    edit(folder, CHAIRS, 'goal = "Go."', "goal = 3")
    edit(folder, CHAIRS, 'left = "cleo"', 'left = "cloe"')
    problems = refused(folder)
    assert [(Path(problem.path).name, problem.field) for problem in problems] == [
        ("ada.toml", "age"),
        ("ada.toml", "hobby"),
        ("bea.toml", "line 1"),
        ("relationships.toml", "relationship.ada-bea.since"),
        ("chairs.toml", "seats.right.goal"),
        ("chairs.toml", "casts.second.seats.left"),
    ]
    lines = str(LibraryError(problems)).splitlines()
    assert lines == [f"{problem.path}: {problem.field}: {problem.reason}" for problem in problems]


def test_a_broken_character_is_not_reported_as_an_unknown_one(folder: Path) -> None:
    edit(folder, ADA, "age = 30", "age = 3")
    assert [problem.field for problem in refused(folder)] == ["age"]


def test_broken_relationships_do_not_make_casts_look_like_strangers(folder: Path) -> None:
    edit(folder, CHAIRS, '["friend", "stranger"]', '["friend"]')
    edit(folder, CHAIRS, 'left = "cleo", right = "ada"', 'left = "bea", right = "ada"')
    edit(folder, EDGES, 'kind = "friend"', 'kind = "pal"')
    assert [problem.field for problem in refused(folder)] == ["relationship.ada-bea.kind"]


HEADING = 'name = "Weavers"\nlicence = "CC-BY-4.0"\nsource = "The weavers"\n'


def test_the_librarys_source_and_licence_are_those_of_every_row_without_its_own(folder: Path) -> None:
    write(folder, {"library.toml": HEADING})
    edit(folder, ADA, "age = 30", 'age = 30\nlicence = "MIT"')
    edit(folder, EDGES, 'kind = "friend"', 'kind = "friend"\nsource = "Ada"')
    edit(folder, CHAIRS, 'title = "Two chairs"', 'title = "Two chairs"\nsource = ""')
    library = load_library(folder)
    said = {c.id: (c.licence, c.source) for c in library.characters}
    said |= {r.id: (r.licence, r.source) for r in library.relationships}
    said |= {s.id: (s.licence, s.source) for s in library.scenarios}
    assert said == {
        "ada": ("MIT", "The weavers"),
        "bea": ("CC-BY-4.0", "The weavers"),
        "cleo": ("CC-BY-4.0", "The weavers"),
        "ada-bea": ("CC-BY-4.0", "Ada"),
        "chairs": ("CC-BY-4.0", ""),
    }
    assert [task.scenario.licence for task in library.tasks] == ["CC-BY-4.0"] * 2


def test_without_a_heading_a_row_says_for_itself(folder: Path) -> None:
    assert {(row.source, row.licence) for row in load_library(folder).characters} == {("", "")}


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        ('licence = "MIT', "line 1", "is not TOML: Unterminated string"),
        ('license = "MIT"', "license", "unknown field; did you mean 'licence'?"),
        ("source = 3", "source", "should be a valid string, not 3"),
    ],
)
def test_a_fault_of_the_heading_is_said_once(folder: Path, text: str, field: str, reason: str) -> None:
    write(folder, {"library.toml": text})
    (problem,) = refused(folder)
    assert problem == Problem(str(folder / "library.toml"), field, reason)


def test_a_note_beside_a_cast_is_for_readers_of_the_file_alone(folder: Path) -> None:
    before = load_library(folder)
    edit(folder, CHAIRS, 'id = "first"', 'id = "first"\nnote = "Ada owes Bea a chair."')
    assert load_library(folder) == before


PRICE = 'kind = "price"\nbuyer = "left"\nseller = "right"\nrange = [1, 10]\nreserves = { left = 8, right = 2 }\n'


def payoff(folder: Path, text: str) -> Path:
    edit(folder, CHAIRS, '[[casts]]\nid = "first"', f'[payoff]\n{text}\n[[casts]]\nid = "first"')
    return folder


def test_a_scenario_may_have_rules_for_its_outcome(folder: Path) -> None:
    (scenario,) = load_library(payoff(folder, PRICE)).scenarios
    assert isinstance(scenario.payoff, Price)
    assert scenario.payoff.reserves == {"left": 8, "right": 2}


@pytest.mark.parametrize(
    ("old", "new", "field", "reason"),
    [
        ("reserves", "reserve", "payoff.reserve", "unknown field; did you mean 'reserves'?"),
        ("[1, 10]", '[1, "x"]', "payoff.range.#2", "should be a valid integer, not 'x'"),
        ("left = 8", 'left = "8"', "payoff.reserves.left", "should be a valid integer, not '8'"),
        ("left = 8", "left = 80", "(file)", "payoff: the reserve of left is outside of `range`"),
        ('kind = "price"\n', "", "payoff", "has no `kind`, which says what kind of rules these are"),
    ],
)
def test_a_fault_in_the_rules_is_named_where_it_stands_in_the_file(
    folder: Path, old: str, new: str, field: str, reason: str
) -> None:
    found = {problem.field: problem.reason for problem in refused(payoff(folder, PRICE.replace(old, new)))}
    assert found.get(field) == reason


def test_an_unknown_kind_of_rules_is_said_with_the_known_ones(folder: Path) -> None:
    (problem,) = refused(payoff(folder, PRICE.replace('"price"', '"pryce"')))
    assert problem.field == "payoff"
    assert problem.reason.startswith("there is no kind 'pryce'; did you mean 'price'?; there are: 'division', 'price'")
