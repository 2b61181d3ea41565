"""What a store needs of a database, whichever it is, and which one a URL means. `sqlite` and `postgres` are the two there are."""

from typing import Protocol

from comity.store.engines import Engines
from comity.store.errors import StoreError
from comity.store.sqlite import SQLite

__all__ = ["Database", "database_of"]


class Database(Protocol):
    """Where a store is kept. Nothing is opened until `connect`, and nothing is connected before it is used."""

    @property
    def where(self) -> str:
        """What messages call it. It holds no password."""
        ...

    @property
    def at_hand(self) -> bool:
        """Whether a commit costs this process's own time and hardly any waiting, so that a thread for it gains nothing."""
        ...

    def exists(self) -> bool:
        """Whether there is something that can be looked at. Raises the `StoreError` that says why there can be nothing."""
        ...

    def connect(self, *, wait: float) -> Engines:
        """Engines that wait so many seconds for other writers."""
        ...

    def prepare(self, engines: Engines) -> None:
        """Bring about what the database itself must do, once it is known to be a store or empty."""
        ...

    def explain(self, error: BaseException | None) -> StoreError:
        """The store's error for one of the driver's. It quotes nothing that was to be stored."""
        ...


def database_of(url: str) -> Database:
    """The database of a URL or a plain path. Raises `UnsupportedURL`, or `DriverMissing` with what to install."""
    scheme, separator, _ = url.partition("://")
    if separator and scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        from comity.store.postgres import Postgres

        return Postgres(url)
    return SQLite(url)
