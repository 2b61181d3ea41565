"""A database to keep a store in, and a way to look at it past the store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from comity.store import Store


class Place:
    """One empty database of its own."""

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self.engine = engine

    def execute(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """Do it, past the store, and give the rows it returns."""
        with self.engine.begin() as connection:
            done = connection.execute(text(statement), values)
            return [tuple(row) for row in done] if done.returns_rows else []


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    path = tmp_path / "s.db"
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    yield Place(str(path), engine)
    engine.dispose()


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    with Store.open(place.url) as opened:
        yield opened
