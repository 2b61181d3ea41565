"""Comity: where language agents and people meet, pursue private goals, and are judged on how well they handled each other.

Everything public can be imported from here; each name loads its module when it is first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from comity._version import __version__

if TYPE_CHECKING:
    from comity.agents.human import HumanAgent as HumanAgent
    from comity.agents.llm import LLMAgent as LLMAgent
    from comity.agents.protocol import Agent as Agent
    from comity.agents.protocol import Reply as Reply
    from comity.agents.scripted import ScriptedAgent as ScriptedAgent
    from comity.agents.scripted import lines as lines
    from comity.evaluate.judge import Judge as Judge
    from comity.evaluate.judge import LLMJudge as LLMJudge
    from comity.evaluate.rubric import load_rubric as load_rubric
    from comity.interop.sotopia import read_sotopia as read_sotopia
    from comity.library import load_library as load_library
    from comity.library import starter as starter
    from comity.models.protocol import ChatModel as ChatModel
    from comity.models.protocol import ModelError as ModelError
    from comity.models.protocol import Sampling as Sampling
    from comity.models.resolve import resolve as resolve
    from comity.simulate import simulate as simulate
    from comity.store import Store as Store
    from comity.world.actions import Action as Action
    from comity.world.actions import ActionType as ActionType
    from comity.world.characters import Character as Character
    from comity.world.collection import Collection as Collection
    from comity.world.environment import Limits as Limits
    from comity.world.episodes import Episode as Episode
    from comity.world.episodes import replay as replay
    from comity.world.events import Event as Event
    from comity.world.relationships import Relationship as Relationship
    from comity.world.scenarios import Scenario as Scenario
    from comity.world.scenarios import Seat as Seat
    from comity.world.scorecards import Rubric as Rubric
    from comity.world.scorecards import Scorecard as Scorecard
    from comity.world.tasks import Task as Task
    from comity.world.views import SeatView as SeatView
    from comity.world.views import view as view

_WHERE = {
    "Action": "comity.world.actions",
    "ActionType": "comity.world.actions",
    "Agent": "comity.agents.protocol",
    "Character": "comity.world.characters",
    "ChatModel": "comity.models.protocol",
    "Collection": "comity.world.collection",
    "Episode": "comity.world.episodes",
    "Event": "comity.world.events",
    "HumanAgent": "comity.agents.human",
    "Judge": "comity.evaluate.judge",
    "LLMAgent": "comity.agents.llm",
    "LLMJudge": "comity.evaluate.judge",
    "Limits": "comity.world.environment",
    "ModelError": "comity.models.protocol",
    "Relationship": "comity.world.relationships",
    "Reply": "comity.agents.protocol",
    "Rubric": "comity.world.scorecards",
    "Sampling": "comity.models.protocol",
    "Scenario": "comity.world.scenarios",
    "Scorecard": "comity.world.scorecards",
    "ScriptedAgent": "comity.agents.scripted",
    "Seat": "comity.world.scenarios",
    "SeatView": "comity.world.views",
    "Store": "comity.store",
    "Task": "comity.world.tasks",
    "lines": "comity.agents.scripted",
    "load_library": "comity.library",
    "load_rubric": "comity.evaluate.rubric",
    "read_sotopia": "comity.interop.sotopia",
    "replay": "comity.world.episodes",
    "resolve": "comity.models.resolve",
    "simulate": "comity.simulate",
    "starter": "comity.library",
    "view": "comity.world.views",
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
