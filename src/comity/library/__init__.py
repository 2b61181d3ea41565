"""The starter library of characters, relationships, scenarios and tasks, and the loader of any folder of that shape."""

from comity.library.loader import load_library, starter
from comity.library.problems import LibraryError, Problem

__all__ = ["LibraryError", "Problem", "load_library", "starter"]
