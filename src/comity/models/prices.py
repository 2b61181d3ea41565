"""What a call costs, by the model's name: the shipped list of prices with the user's own laid over it. An unknown price is unknown, never 0.

It knows list prices and nothing of what was spent; that is in `budget`.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from importlib import resources
from pathlib import Path

from pydantic import Field, ValidationError

from comity.models.places import config_directory
from comity.world.record import Record

__all__ = ["BadPrices", "Price", "Prices", "load_prices", "user_prices_file"]


class BadPrices(ValueError):
    """A file of prices cannot be used; the message names the file, the field and the reason."""


class Price(Record):
    """What a model's tokens cost, in US dollars per million."""

    prompt: float = Field(ge=0, allow_inf_nan=False)
    completion: float = Field(ge=0, allow_inf_nan=False)
    cached: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """For prompt tokens that the server had in its cache; `None`: they cost what the others do."""
    since: date | None = None
    """The day from which it was announced to hold."""
    source: str = ""
    """Who said so."""

    def cost(self, prompt_tokens: float, cached_tokens: float, completion_tokens: float) -> float:
        """In US dollars. The cached tokens are a part of the prompt's."""
        cached = min(cached_tokens, prompt_tokens)
        cached_price = self.prompt if self.cached is None else self.cached
        dollars = (prompt_tokens - cached) * self.prompt + cached * cached_price + completion_tokens * self.completion
        return dollars / 1_000_000

    @property
    def is_free(self) -> bool:
        """Whether it costs nothing, however many tokens it takes."""
        return not (self.prompt or self.completion or self.cached)


_FREE = Price(prompt=0, completion=0, cached=0, source="runs on this machine")
_FREE_SCHEMES = ("local:", "scripted:")
_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


class Prices:
    """Prices by model name. `file` is where the user can add to them."""

    def __init__(self, prices: Mapping[str, Price], file: Path) -> None:
        self._prices = dict(prices)
        self.file = file

    def price_of(self, model_name: str) -> Price | None:
        """The price of the model of this name, a specification such as `openai:gpt-4o`; `None` where it is not known.

        The name itself is looked up first, then the name without the date at its end. What runs on this machine is free.
        """
        name, _, _ = model_name.partition("&")  # what follows names the key's variable
        found = self._prices.get(name) or self._prices.get(_DATE.sub("", name))
        return found or (_FREE if name.startswith(_FREE_SCHEMES) else None)


class _File(Record):
    prices: Mapping[str, Price] = Field(default_factory=dict)


def load_prices(file: Path | None = None, environ: Mapping[str, str] | None = None) -> Prices:
    """The shipped prices, over them those of `user_prices_file` where there is one, over all those of `file`, name by name.

    Raises `BadPrices`, also where `file` is not there.
    """
    shipped = resources.files("comity.models").joinpath("prices.toml")
    prices = dict(_read(shipped.read_text("utf-8"), "comity's prices.toml"))
    own = user_prices_file(environ)
    prices |= _read(_text(own), str(own)) if own.exists() else {}
    prices |= _read(_text(file), str(file)) if file else {}
    return Prices(prices, file or own)


def user_prices_file(environ: Mapping[str, str] | None = None) -> Path:
    """The user's own prices: `comity/prices.toml` in the user's configuration directory."""
    return config_directory(environ) / "prices.toml"


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError as error:
        raise BadPrices(f"{file}: there is no such file of prices") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadPrices(f"{file}: cannot be read ({error})") from error


def _read(text: str, where: str) -> Mapping[str, Price]:
    try:
        return _File.model_validate(tomllib.loads(text)).prices
    except tomllib.TOMLDecodeError as error:
        raise BadPrices(f"{where}: not TOML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise BadPrices(f"{where}: {faults}") from error
