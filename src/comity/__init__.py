"""Comity: where language agents and people meet, pursue private goals, and are judged on how well they handled each other.

Everything public can be imported from here; each name loads its module when it is first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from comity._version import __version__

if TYPE_CHECKING:
    from comity.agents.llm import LLMAgent as LLMAgent
    from comity.simulate import simulate as simulate

_WHERE = {
    "LLMAgent": "comity.agents.llm",
    "simulate": "comity.simulate",
}

__all__ = ["__version__", *sorted(_WHERE)]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'comity' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """Keeps the public names: importing the module `comity.simulate` would put it in the place of the function."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _WHERE and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
