"""A pair of SQLAlchemy engines over one connection: one for transactions that read, one for those that write."""

from typing import NamedTuple

from sqlalchemy import Engine

__all__ = ["Engines"]


class Engines(NamedTuple):
    """What a database is reached by."""

    reading: Engine
    """Its transactions see the database as it is at their beginning."""
    writing: Engine

    def close(self) -> None:
        """Release the connection."""
        self.reading.dispose()
