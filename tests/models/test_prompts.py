"""The one renderer: whatever is filled into a prompt is data and changes neither its lines nor its roles."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comity.models.prompts import Block, Quoted, Template, inert, load_template, plain, quote

CONTROL = [
    "<|im_start|>",
    "<|im_end|>",
    "<|eot_id|>",
    "</s>",
    "<s>",
    "<start_of_turn>",
    "<<SYS>>",
    "[INST]",
    "[/INST]",
    "[|user|]",
    "[gMASK]",
    "<\uff5cUser\uff5c>",
    "<!-- -->",
]


def template(**texts: str) -> Template:
    return Template("t", 1, texts, "0" * 64)


@given(st.text())
@example("\u2028\u2029\x85\x00\x7f\u202e\u2066")
@example("\ud83d")
@example("".join(CONTROL))
def test_quoted_words_are_one_line_and_come_back_exactly(words: str) -> None:
    quoted = quote(words)
    assert json.loads(quoted) == words
    assert len(quoted.splitlines()) == 1


@pytest.mark.parametrize("token", CONTROL)
@pytest.mark.parametrize("shown", [quote, plain, inert])
def test_no_control_token_of_a_chat_template_survives(token: str, shown: Callable[[str], str]) -> None:
    assert token not in shown(f"before {token} after")


@pytest.mark.parametrize("text", ["I <3 you", "a < b", "1 [one] 2", "x <- y", "王小明", "Zoë 👩‍👩‍👧‍👦"])
@pytest.mark.parametrize("shown", [plain, inert])
def test_ordinary_text_is_left_alone(text: str, shown: Callable[[str], str]) -> None:
    assert shown(text) == text
    assert quote(text) == f'"{text}"'


@given(st.text())
def test_plain_text_is_one_line_and_plain_for_good(text: str) -> None:
    assert len(plain(text).splitlines()) <= 1
    assert plain(plain(text)) == plain(text)


@given(st.text())
def test_inert_text_keeps_its_lines_and_adds_none(text: str) -> None:
    assert inert(text).count("\n") == text.count("\n")
    assert len(inert(text).splitlines()) <= text.count("\n") + 1


def test_plain_text_joins_lines() -> None:
    assert plain("  one\ntwo \n three\n") == "one two   three"


def test_slots_are_filled_each_by_its_kind() -> None:
    made = template(x="{a} {b} {c} {d}")
    filled = made.fill("x", a="on\ntwo lines", b=Quoted('say "hi"\n'), c=Block("<as>\n{it} is"), d=3)
    assert filled == 'on two lines "say \\"hi\\"\\n" <as>\n{it} is 3'


def test_a_line_is_left_out_when_a_value_that_it_names_is_empty() -> None:
    made = template(x="always\nGoal: {goal}\nBoth: {goal} {hint}\n\nend")
    assert made.fill("x", goal="win", hint="") == "always\nGoal: win\n\nend"
    assert made.fill("x", goal="", hint="try") == "always\n\nend"
    assert made.fill("x", goal=Block(""), hint="try") == "always\n\nend"
    assert made.fill("x", goal=0, hint="try") == "always\nGoal: 0\nBoth: 0 try\n\nend"


def test_empty_quoted_words_keep_their_line() -> None:
    assert template(x="{name} says: {words}").fill("x", name="Ana", words=Quoted("")) == 'Ana says: ""'


def test_a_slot_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="goal"):
        template(x="one {name} {goal}").fill("x", name="Ana")
    with pytest.raises(KeyError, match="missing"):
        template(x="one").fill("missing")


@given(st.text())
@example("{name}")
@example("{0} {} {{name}} {goal}")
@example("\\1 \\g<1> %s $name")
def test_braces_in_a_value_are_never_expanded(value: str) -> None:
    made = template(x="({value}) ({name})")
    for kind in (Quoted, Block):
        shown = quote(value) if kind is Quoted else value
        if value or kind is Quoted:
            assert made.fill("x", value=kind(value), name="SECRET") == f"({shown}) (SECRET)"
    if value:
        assert made.fill("x", value=value, name="SECRET") == f"({plain(value)}) (SECRET)"


def test_every_prompt_of_the_package_loads_with_a_label_and_a_hash() -> None:
    for files in (
        ("comity.agents:chat", "comity.agents:narration"),
        ("comity.agents:transcript", "comity.agents:narration"),
        ("comity.evaluate:judge", "comity.agents:narration"),
    ):
        loaded = load_template(*files)
        assert loaded.label == f"{files[0].partition(':')[2]}@{loaded.version}"
        assert "version" not in loaded.texts
        assert load_template(*files) is loaded


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes the prompts of an importable package of its own and gives its name."""

    def write(name: str, **files: str) -> str:
        prompts = tmp_path / name / "prompts"
        prompts.mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("")
        for file, text in files.items():
            (prompts / f"{file}.toml").write_text(f"version = 1\n{text}")
        return name

    monkeypatch.syspath_prepend(tmp_path)
    return write


def test_the_hash_changes_with_the_text_and_with_nothing_else(package: Callable[..., str]) -> None:
    one, same, other = (
        package("prompts_1", x="a = 'hi'"),
        package("prompts_2", x="a = 'hi'"),
        package("p3", x="a = 'ho'"),
    )
    assert load_template(f"{one}:x").hash == load_template(f"{same}:x").hash
    assert load_template(f"{one}:x").hash != load_template(f"{other}:x").hash


def test_the_hash_covers_every_file(package: Callable[..., str]) -> None:
    both = package("prompts_both", x="a = 'hi'", y="b = 'there'")
    assert load_template(f"{both}:x", f"{both}:y").hash != load_template(f"{both}:x").hash


def test_two_files_may_not_have_the_same_text(package: Callable[..., str]) -> None:
    twice = package("prompts_twice", x="a = 'hi'", y="a = 'there'")
    with pytest.raises(ValueError, match=r"y has texts that .*:x has too: a"):
        load_template(f"{twice}:x", f"{twice}:y")
