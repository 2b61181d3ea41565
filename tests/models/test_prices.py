"""What a call costs: the shipped prices, the user's over them, and names that are known, dated, free or unknown."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.models.prices import BadPrices, Price, Prices, load_prices, user_prices_file

OWN = """
[prices."http://gpu:8000/v1#mine"]
prompt = 0.0
completion = 0.0

[prices."openai:gpt-4o"]
prompt = 1.0
completion = 2.0
"""


def environ(tmp_path: Path, text: str | None = None) -> dict[str, str]:
    """The settings of a user whose own prices have this text; no file at all without one."""
    settings = {"XDG_CONFIG_HOME": str(tmp_path)}
    if text is not None:
        file = user_prices_file(settings)
        file.parent.mkdir()
        file.write_text(text, "utf-8")
    return settings


def shipped(tmp_path: Path) -> Prices:
    return load_prices(environ=environ(tmp_path))


@pytest.mark.parametrize(
    ("name", "prompt", "completion"),
    [
        ("openai:gpt-4o", 2.5, 10),
        ("openai:gpt-4o-2024-08-06", 2.5, 10),
        ("openai:gpt-4o-2024-05-13", 5, 15),
        ("openai:gpt-4o-mini-2024-07-18", 0.15, 0.6),
        ("openai:gpt-4.1-2025-04-14", 2, 8),
    ],
)
def test_a_dated_name_has_its_own_price_or_that_of_the_name_without_the_date(
    tmp_path: Path, name: str, prompt: float, completion: float
) -> None:
    price = shipped(tmp_path).price_of(name)
    assert price is not None
    assert (price.prompt, price.completion) == (prompt, completion)


@pytest.mark.parametrize(
    "name",
    [
        "openai:gpt-4o-2024",
        "openai:gpt-4o-latest",
        "openai:gpt-4o-audio-preview-2024-10-01",
        "openai:GPT-4o",
        "openai:gpt-4o-2024-08-06-2024-08-06",
        "openai:gpt-4o-2024-08-06x",
        "gpt-4o",
        "http://127.0.0.1:8000/v1#gpt-4o",
        "https://api.openai.com.example/v1#openai:gpt-4o",
        "recording",
        "",
    ],
)
def test_any_other_name_is_unknown_and_not_free(tmp_path: Path, name: str) -> None:
    assert shipped(tmp_path).price_of(name) is None


@pytest.mark.parametrize("name", ["local:qwen2.5-coder-1.5b", "scripted:demo", "scripted:own"])
def test_what_runs_on_this_machine_is_free(tmp_path: Path, name: str) -> None:
    price = shipped(tmp_path).price_of(name)
    assert price is not None
    assert price.is_free
    assert price.cost(10**9, 10**6, 10**9) == 0


def test_the_users_prices_are_laid_over_the_shipped_ones_name_by_name(tmp_path: Path) -> None:
    prices = load_prices(environ=environ(tmp_path, OWN))
    changed, own = prices.price_of("openai:gpt-4o"), prices.price_of("http://gpu:8000/v1#mine&key_env=MY_KEY")
    assert changed == Price(prompt=1, completion=2)
    assert own is not None
    assert own.is_free
    assert prices.price_of("openai:gpt-4.1") == load_prices(environ={"XDG_CONFIG_HOME": "/nowhere"}).price_of(
        "openai:gpt-4.1"
    )
    assert prices.file == tmp_path / "comity" / "prices.toml"


def test_a_user_may_price_what_would_be_free(tmp_path: Path) -> None:
    own = '[prices."local:qwen2.5-coder-1.5b"]\nprompt = 0.02\ncompletion = 0.02\n'
    price = load_prices(environ=environ(tmp_path, own)).price_of("local:qwen2.5-coder-1.5b")
    assert price is not None
    assert not price.is_free


def test_a_file_that_is_named_is_laid_over_the_users_and_must_be_there(tmp_path: Path) -> None:
    settings = environ(tmp_path, OWN)
    named = tmp_path / "other.toml"
    with pytest.raises(BadPrices, match=rf"{named}: there is no such file"):
        load_prices(named, settings)
    named.write_text('[prices."openai:gpt-4o"]\nprompt = 3\ncompletion = 4\n')
    prices = load_prices(named, settings)
    assert prices.price_of("openai:gpt-4o") == Price(prompt=3, completion=4)
    assert prices.price_of("http://gpu:8000/v1#mine") == Price(prompt=0, completion=0)
    assert prices.file == named


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[prices", "not TOML"),
        ('[prices."a"]\nprompt = 1\n', "prices.a.completion: Field required"),
        ('[prices."a"]\nprompt = -1\ncompletion = 1\n', "prices.a.prompt: Input should be greater than or equal to 0"),
        ('[prices."a"]\nprompt = nan\ncompletion = 1\n', "prices.a.prompt: Input should be a finite number"),
        ('[prices."a"]\nprompt = inf\ncompletion = 1\n', "prices.a.prompt: Input should be a finite number"),
        ('[prices."a"]\nprompt = "free"\ncompletion = 1\n', "prices.a.prompt: Input should be a valid number"),
        ('[prices."a"]\nprompt = 1\ncompletion = 1\ncompletions = 1\n', "prices.a.completions: Extra inputs"),
        ("[price]\n", "price: Extra inputs"),
        ("[prices]\na = 3\n", "prices.a: Input should be a valid dictionary"),
    ],
)
def test_a_bad_file_is_refused_with_file_field_and_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadPrices) as raised:
        load_prices(environ=environ(tmp_path, text))
    assert f"{tmp_path}/comity/prices.toml: {said}" in str(raised.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    settings = environ(tmp_path, "")
    user_prices_file(settings).write_bytes(b"\xff\xfe")
    with pytest.raises(BadPrices, match=r"prices\.toml: cannot be read"):
        load_prices(environ=settings)
    user_prices_file(settings).unlink()
    user_prices_file(settings).mkdir()
    with pytest.raises(BadPrices, match=r"prices\.toml: cannot be read"):
        load_prices(environ=settings)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_cached_tokens_are_a_part_of_the_prompt(prompt: int, cached: int, completion: int) -> None:
    price = Price(prompt=2, cached=0.5, completion=8)
    cost = price.cost(prompt, cached, completion)
    inside = min(cached, prompt)
    assert cost == pytest.approx(((prompt - inside) * 2 + inside * 0.5 + completion * 8) / 1e6)
    assert 0 <= cost <= price.cost(prompt, 0, completion)
    undiscounted = Price(prompt=2, completion=8)
    assert undiscounted.cost(prompt, cached, completion) == pytest.approx(undiscounted.cost(prompt, 0, completion))


def test_every_shipped_price_says_since_when_and_by_whom_and_no_discount_is_a_surcharge() -> None:
    read: Mapping[str, Mapping[str, object]] = tomllib.loads(
        resources.files("comity.models").joinpath("prices.toml").read_text("utf-8")
    )["prices"]
    assert len(read) >= 10
    for name, fields in read.items():
        price = Price.model_validate(fields)
        assert price.since, name
        assert price.source, name
        assert 0 < (price.cached or price.prompt) <= price.prompt <= price.completion, name
