"""Specifications: what each leads to, and that a model's name leads to the same place again."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from comity.models.local import LocalModel
from comity.models.openai_compatible import OpenAICompatible
from comity.models.protocol import AuthenticationFailed, ModelNotFound
from comity.models.registry import find_entry
from comity.models.resolve import resolve

KEYS = {"OPENAI_API_KEY": "sk-precious", "MY_KEY": "sk-other"}


def server(spec: str, environ: Mapping[str, str]) -> tuple[str, str, str, str]:
    """Where a specification leads: the name, the address, the model there and the key."""
    model = resolve(spec, environ).model
    assert isinstance(model, OpenAICompatible)
    return model.name, model.base_url, model._model, model._api_key


@pytest.mark.parametrize(
    ("spec", "base_url", "name", "address", "key"),
    [
        ("openai:gpt-4o", "", "openai:gpt-4o", "https://api.openai.com/v1", "sk-precious"),
        ("openai:gpt-4o", "https://api.openai.com/v1/", "openai:gpt-4o", "https://api.openai.com/v1", "sk-precious"),
        (
            "openai:gpt-4o",
            "https://proxy.example/v1/",
            "https://proxy.example/v1#gpt-4o&key_env=OPENAI_API_KEY",
            "https://proxy.example/v1",
            "sk-precious",
        ),
        ("http://h:1/v1#gpt-4o", "https://proxy.example/v1", "http://h:1/v1#gpt-4o", "http://h:1/v1", ""),
        (
            "http://h:1/v1/#gpt-4o&key_env=MY_KEY",
            "",
            "http://h:1/v1#gpt-4o&key_env=MY_KEY",
            "http://h:1/v1",
            "sk-other",
        ),
    ],
)
def test_a_models_name_leads_to_the_same_server_model_and_key_and_holds_no_key(
    spec: str, base_url: str, name: str, address: str, key: str
) -> None:
    found = server(spec, KEYS | {"OPENAI_BASE_URL": base_url})
    assert found == (name, address, "gpt-4o", key)
    assert server(name, KEYS) == found


def test_the_variable_makes_openai_the_very_same_as_the_address() -> None:
    environ = KEYS | {"OPENAI_BASE_URL": "http://h:1/v1"}
    by_variable, by_address = (
        resolve(spec, environ).model for spec in ("openai:m", "http://h:1/v1#m&key_env=OPENAI_API_KEY")
    )
    assert isinstance(by_variable, OpenAICompatible)
    assert isinstance(by_address, OpenAICompatible)
    assert vars(by_variable) == vars(by_address)


@pytest.mark.parametrize("spec", ["openai:m", "http://h:1/v1#m&key_env=OPENAI_API_KEY"])
def test_a_key_that_is_not_there_is_named(spec: str) -> None:
    for environ in ({}, {"OPENAI_BASE_URL": "http://h:1/v1"}, {"OPENAI_API_KEY": ""}):
        with pytest.raises(AuthenticationFailed, match="set OPENAI_API_KEY"):
            resolve(spec, environ)


@pytest.mark.parametrize("option", ["key=sk-typed", "key_env=", "key_env", "key_env=MY_KEY&key_env=sk-typed", ""])
def test_an_option_there_is_not_is_refused_and_not_repeated(option: str) -> None:
    with pytest.raises(ModelNotFound, match=r"after http://h:1/v1#m there can be &key_env=VARIABLE") as refused:
        resolve(f"http://h:1/v1#m&{option}", KEYS)
    assert "sk-" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    ["me:hunter2@host/v1", "http://me:hunter2@host/v1", "http://host/v1?key=hunter2", "http://host/v1#hunter2"],
)
def test_a_base_url_that_cannot_be_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(ModelNotFound, match="address") as refused:
        resolve("openai:m", KEYS | {"OPENAI_BASE_URL": address})
    assert "hunter2" not in str(refused.value)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment in which smollm2-135m seems to be pulled; nothing is started."""
    environ = {"COMITY_MODELS_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    monkeypatch.setattr("comity.models.local.is_pulled", lambda entry, directory: True)
    monkeypatch.setattr("comity.models.local.importlib.util.find_spec", lambda name: True)
    return environ


def test_a_local_model_has_a_slot_for_every_conversation(here: dict[str, str]) -> None:
    entry = find_entry("smollm2-135m", here)
    for conversations, slots in ((1, entry.slots), (entry.slots + 3, entry.slots + 3)):
        found = resolve("local:smollm2-135m", here, conversations=conversations)
        assert isinstance(found.model, LocalModel)
        assert found.model.name == "local:smollm2-135m"
        assert found.model._slots.count == slots
        assert (found.style, found.sampling) == (entry.style, entry.sampling)
