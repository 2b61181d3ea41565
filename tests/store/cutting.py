"""A stretch of line between psycopg and the server that a test can cut at the worst moments: just before a commit, or just after."""

import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from sqlalchemy import make_url

_NAME = ".s.PGSQL.5432"


class Line:
    """Listens like a server of its own and passes everything on. It cuts one connection when told to, and then no more."""

    def __init__(self, url: str) -> None:
        host = make_url(url).query["host"]
        assert isinstance(host, str)
        self._server = str(Path(host) / _NAME)
        self._folder = tempfile.TemporaryDirectory(prefix="pg")
        self.url = make_url(url).update_query_dict({"host": self._folder.name}).render_as_string(hide_password=False)
        self.cut: Literal["before the commit", "after the commit"] | None = None
        self.cuts = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(Path(self._folder.name) / _NAME))
        self._listener.listen()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in [self._listener, *self._open]:
            _close(one)
        self._folder.cleanup()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._open += [client, server]
                silent, answered = threading.Event(), threading.Event()
                threading.Thread(target=self._up, args=(client, server, silent, answered), daemon=True).start()
                threading.Thread(target=self._down, args=(server, client, silent, answered), daemon=True).start()

    def _up(
        self, client: socket.socket, server: socket.socket, silent: threading.Event, answered: threading.Event
    ) -> None:
        with suppress(OSError):
            while said := client.recv(65536):
                if b"COMMIT" in said and self.cut is not None:
                    how, self.cut = self.cut, None
                    if how == "after the commit":
                        silent.set()
                        server.sendall(said)
                        answered.wait()  # it is done, and nobody hears of it
                    self.cuts += 1
                    break
                server.sendall(said)
        _close(client)
        _close(server)

    def _down(
        self, server: socket.socket, client: socket.socket, silent: threading.Event, answered: threading.Event
    ) -> None:
        with suppress(OSError):
            while said := server.recv(65536):
                if silent.is_set():
                    break
                client.sendall(said)
        answered.set()


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
