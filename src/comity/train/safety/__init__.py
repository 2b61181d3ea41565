"""What an agent does where harm is near: scenarios with a scripted partner, played with any agent and scored by stated rules or a judge.

Start at `play_safety`, then `safety_result`. The scenarios are TOML beside this file.
"""

from comity.train.safety.cases import SafetyCase, SafetySuite, safety_suite
from comity.train.safety.floors import FLOORS, highest_floor, safety_floors
from comity.train.safety.judged import Judged, judged_safety, safety_rubric
from comity.train.safety.marks import Marks, marks_of
from comity.train.safety.playing import play_safety
from comity.train.safety.results import SafetyResult, safety_result

__all__ = [
    "FLOORS",
    "Judged",
    "Marks",
    "SafetyCase",
    "SafetyResult",
    "SafetySuite",
    "highest_floor",
    "marks_of",
    "judged_safety",
    "play_safety",
    "safety_floors",
    "safety_result",
    "safety_rubric",
    "safety_suite",
]
