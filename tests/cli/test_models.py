"""`comity models`: a user's own list of one small file that stands for a model, pulled, checked and removed."""

import hashlib
from pathlib import Path

import pytest

from cli.command import Comity

DATA = bytes(range(256)) * 8192
"""2 MiB: two steps of progress."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "toy.gguf"
    path.write_bytes(DATA)
    return path


@pytest.fixture(autouse=True)
def registry(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "registry.toml"
    path.write_text(f"""\
[models.toy]
sha256 = "{hashlib.sha256(DATA).hexdigest()}"
bytes = {len(DATA)}
licence = "MIT"
style = "chat"
notes = "Is no [b]m[/b]."
sources = [
  {{ kind = "path", path = "{tmp_path / "nowhere.gguf"}" }},
  {{ kind = "path", path = "{file}" }},
  {{ kind = "hub", repo = "nobody/nothing", file = "toy.gguf" }},
]
""")
    monkeypatch.setenv("COMITY_MODELS_FILE", str(path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    return path


def pulled(comity: Comity) -> bool:
    (toy,) = [model for model in comity("models", "--json").ok().json if model["alias"] == "toy"]
    return bool(toy["pulled"])


def test_the_models_are_listed_with_what_matters_of_each(comity: Comity) -> None:
    listed = {model["alias"]: model for model in comity("models", "--json").ok().json}
    assert set(listed) == {"qwen2.5-coder-1.5b", "smollm2-135m", "toy"}
    assert listed["toy"] == {
        "alias": "toy",
        "bytes": len(DATA),
        "licence": "MIT",
        "style": "chat",
        "notes": "Is no [b]m[/b].",
        "pulled": False,
    }
    assert comity("models", "list", "--json").ok().json == list(listed.values())
    out = comity("models").ok().out
    assert comity("models", "list").ok().out == out
    for shown in ("qwen2.5-coder-1.5b", "1.1 GB", "Apache-2.0", "transcript", "2.1 MB", "[b]m[/b]"):
        assert shown in out
    assert "Get one: comity models pull qwen2.5-coder-1.5b" in out


def test_a_pull_says_what_failed_how_far_it_is_and_where_the_file_is(comity: Comity, tmp_path: Path) -> None:
    ran = comity("models", "pull", "toy")
    assert ran.code == 0
    *progress, path = ran.out.splitlines()
    assert progress == ["toy: 50 %", "toy: 100 %"]
    assert Path(path).parent == tmp_path / "models"
    assert Path(path).read_bytes() == DATA
    assert ran.err == f"comity: path {tmp_path}/nowhere.gguf: No such file or directory ({tmp_path}/nowhere.gguf)\n"
    assert pulled(comity)
    assert comity("models", "pull", "toy").ok().out == f"{path}\n"


def test_with_json_progress_is_beside_the_document(comity: Comity) -> None:
    ran = comity("models", "pull", "toy", "--json")
    assert ran.json["alias"] == "toy"
    assert Path(ran.json["path"]).read_bytes() == DATA
    assert "toy: 50 %\ntoy: 100 %\n" in ran.err


def test_a_pull_without_a_source_lists_them_all_and_asks_no_hub_unasked(comity: Comity, file: Path) -> None:
    file.unlink()
    said = comity("models", "pull", "toy").complaint()
    assert "no source gave toy:" in said
    assert "hub nobody/nothing/toy.gguf: not asked; `comity models pull toy --hub` allows it" in said
    assert "Once the cause is mended, run `comity models pull toy`." in said
    assert not pulled(comity)


def test_the_hub_is_asked_when_the_user_says_so(comity: Comity, file: Path) -> None:
    file.unlink()
    said = comity("models", "pull", "toy", "--hub").complaint()
    assert "not asked" not in said
    assert "http://127.0.0.1:9/nobody/nothing/resolve/main/toy.gguf" in said


def test_a_file_that_is_not_the_model_is_never_taken_for_it(comity: Comity, file: Path) -> None:
    file.write_bytes(DATA[:-1] + b"x")
    assert "has the sha256" in comity("models", "pull", "toy").complaint()
    assert not pulled(comity)


def test_verify_finds_what_was_damaged_and_remove_and_pull_mend_it(comity: Comity) -> None:
    path = Path(comity("models", "pull", "toy", "--json").json["path"])
    assert comity("models", "verify", "toy").ok().out == f"toy is sound: {path}\n"
    assert comity("models", "verify", "toy", "--json").ok().json == {
        "alias": "toy",
        "path": str(path),
        "sha256": hashlib.sha256(DATA).hexdigest(),
    }
    path.write_bytes(DATA[:-1] + b"x")
    said = comity("models", "verify", "toy", "--json").complaint()
    assert "`comity models remove toy` and `comity models pull toy` get it anew" in said
    assert comity("models", "remove", "toy", "--json").ok().json == {"alias": "toy", "removed": True}
    assert not path.exists()
    comity("models", "pull", "toy")
    comity("models", "verify", "toy").ok()


def test_what_is_not_there_is_said(comity: Comity) -> None:
    assert "get it with `comity models pull toy`" in comity("models", "verify", "toy").complaint()
    assert "nothing of toy was in" in comity("models", "remove", "toy").ok().out
    assert comity("models", "remove", "toy", "--json").ok().json == {"alias": "toy", "removed": False}


@pytest.mark.parametrize("command", ["pull", "verify", "remove"])
def test_an_alias_that_is_not_there_says_which_are(comity: Comity, command: str) -> None:
    said = comity("models", command, "nope").complaint()
    assert "there is no local model 'nope'; there are: qwen2.5-coder-1.5b, smollm2-135m, toy" in said


def test_a_list_of_ones_own_that_is_wrong_is_named(comity: Comity, registry: Path) -> None:
    registry.write_text("[models.toy]\nbytes = -1\n")
    said = comity("models").complaint()
    assert str(registry) in said
    assert "bytes" in said


def test_json_goes_after_the_command(comity: Comity) -> None:
    assert "write --json after pull" in comity("models", "--json", "pull", "toy").complaint(code=2)
