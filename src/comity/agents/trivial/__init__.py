"""Players of no skill: what a number against them, or of them, is to be read against. Weak play of `noisy` is what a small model is
first taught.
"""

from comity.agents.trivial.agent import AGENT, SCHEME, WAYS, Trivial, trivial

__all__ = ["AGENT", "SCHEME", "WAYS", "Trivial", "trivial"]
