"""Who answers while a policy plays: a server is given its adapter by the path it sees, and is rid of it afterwards."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from mock_server import MockServer, mock_server
from models.in_process.small import save_lora, save_model
from pydantic import ValidationError

from comity.models.protocol import AuthenticationFailed, ModelNotFound
from comity.train.plan import Begin
from comity.train.served import load_adapter, served_name, unload_adapter
from comity.train.serving import ready


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with mock_server(adapters=True) as running:
        yield running


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return save_lora(tmp_path / "here" / "learning" / "bc", save_model(tmp_path / "base"))


def begin_at(server: MockServer, **fields: object) -> Begin:
    return Begin.model_validate({"model": "hf:base", "through": f"{server.url}#base", **fields})


def offers(server: MockServer, adapter: Path) -> bool:
    """Asked so that nothing changes: what is loaded twice is loaded once."""
    name = served_name(adapter)

    async def is_offered() -> bool:
        new = await load_adapter(server.url, name, adapter)
        if new:
            await unload_adapter(server.url, name)
        return not new

    return anyio.run(is_offered)


def test_an_adapter_is_offered_while_its_policy_plays_and_not_afterwards(server: MockServer, adapter: Path) -> None:
    with ready(begin_at(server), f"adapter:{adapter}"):
        assert offers(server, adapter)
    assert not offers(server, adapter)


def test_it_is_unloaded_too_when_playing_fails(server: MockServer, adapter: Path) -> None:
    with pytest.raises(KeyboardInterrupt), ready(begin_at(server), f"adapter:{adapter}"):
        raise KeyboardInterrupt
    assert not offers(server, adapter)


def test_what_the_server_offered_before_it_goes_on_offering(server: MockServer, adapter: Path) -> None:
    anyio.run(load_adapter, server.url, served_name(adapter), adapter)
    with ready(begin_at(server), f"adapter:{adapter}"):
        pass
    assert offers(server, adapter)
    anyio.run(unload_adapter, server.url, served_name(adapter))


def test_a_base_and_who_has_no_weights_need_nothing(server: MockServer, tmp_path: Path) -> None:
    save_model(tmp_path / "base")
    for model in (f"hf:{tmp_path / 'base'}", None):
        with ready(begin_at(server, through="http://127.0.0.1:9/v1#base"), model):
            pass


def test_the_server_is_told_the_path_that_it_sees(
    server: MockServer, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = adapter.parents[1], adapter.parents[2] / "there"
    there.mkdir()
    (there / "inner").symlink_to(here / "learning")
    monkeypatch.chdir(here)
    begin = begin_at(server, server_folders={str(here): "/nowhere", "learning": str(there / "inner")})
    seen: list[str] = []
    monkeypatch.setattr("comity.train.serving.load_adapter", told_to(seen))
    with ready(begin, f"adapter:{adapter}"):
        assert offers(server, adapter)
    assert seen == [f"{there}/inner/bc"]


def told_to(seen: list[str]):  # type: ignore[no-untyped-def]
    """`load_adapter`, whose paths are noted."""

    async def load(address: str, name: str, path: Path, *, key: str | None = None) -> bool:
        seen.append(str(path))
        return await load_adapter(address, name, path, key=key)

    return load


def test_a_path_that_the_server_does_not_see_names_the_field(server: MockServer, adapter: Path) -> None:
    begin = begin_at(server, server_folders={str(adapter.parent): "/nowhere"})
    with (
        pytest.raises(ModelNotFound, match=r"finds no adapter in /nowhere/bc .*policy\.server_folders"),
        ready(begin, f"adapter:{adapter}"),
    ):
        pass


def test_a_key_that_is_named_and_not_there_is_said(server: MockServer, adapter: Path) -> None:
    begin = begin_at(server, through=f"{server.url}#base&key_env=NO_SUCH_KEY")
    with pytest.raises(AuthenticationFailed, match="set NO_SUCH_KEY"), ready(begin, f"adapter:{adapter}"):
        pass


def test_folders_of_a_server_need_a_server() -> None:
    with pytest.raises(ValidationError, match="server_folders are those of a server"):
        Begin.model_validate({"model": "hf:base", "server_folders": {"a": "b"}})
