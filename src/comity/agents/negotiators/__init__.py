"""Partners that are not models: scripted negotiators of stated styles, which play every scenario with a payoff and cost nothing."""

from comity.agents.negotiators.agent import Negotiator, negotiator
from comity.agents.negotiators.moment import CannotPlay
from comity.agents.negotiators.styles import (
    AGENT,
    EXPERTS,
    HELD_OUT,
    SCHEME,
    HeldOutPartner,
    Style,
    canonical,
    is_held_out,
    named_styles,
    refuse_held_out,
    style_of,
)

__all__ = [
    "AGENT",
    "EXPERTS",
    "HELD_OUT",
    "SCHEME",
    "CannotPlay",
    "HeldOutPartner",
    "Negotiator",
    "Style",
    "canonical",
    "is_held_out",
    "named_styles",
    "negotiator",
    "refuse_held_out",
    "style_of",
]
