"""Patterns for reply schemas that hold a small model, which may go on and on, to one or two sentences."""

__all__ = ["SENTENCE", "SENTENCES"]

_STOPS = ".!?\u2026\u3002\uff01\uff1f\u061f\u0964"
_SENTENCE = rf'[^{_STOPS}"\\\n*_#<>{{}}\[\]]{{2,140}}[{_STOPS}]'

SENTENCE = f"^{_SENTENCE}$"
"""One sentence; see `SENTENCES`."""

SENTENCES = f"^{_SENTENCE}( {_SENTENCE})?$"
"""Each of at most 140 characters. JSON's own marks are left out, as a pattern could break a string with them, and those of mark-up,
which nobody speaks. A stop ends the sentence, also in a number: were one allowed inside, a server that tries every place where the
sentence might end would take up to ten times as long.
"""
