"""The child program that serves one model file over HTTP on loopback, by llama.cpp: `python -m comity.models.llama_server`.

It takes the API key as the first line of its standard input, prints one line of JSON with its address once it serves, and ends
when its standard input does or its parent dies. It is started by `local` and is not meant to be started by hand.
"""

import argparse
import ctypes
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TextIO

import xllamacpp  # type: ignore[import-untyped,import-not-found,unused-ignore]

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1
_WARNINGS = 2
"""llama.cpp's verbosity at which nothing of a prompt is logged."""


def main() -> None:
    """Serve until the parent is gone."""
    asked = _arguments()
    answer = _claim_stdout()
    _live_with_parent()
    key = sys.stdin.readline().strip()
    if not key:
        sys.exit("llama_server: the first line of standard input must be the API key")
    threading.Thread(target=_exit_at_eof, daemon=True).start()
    server = _serve(asked, key)
    print(json.dumps({"address": server.listening_address}), file=answer, flush=True)
    threading.Event().wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m comity.models.llama_server")
    parser.add_argument("model", type=Path)
    parser.add_argument("--alias", required=True, help="what the server calls the model")
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--context", type=int, required=True, help="tokens per slot")
    parser.add_argument("--threads", type=int, required=True)
    return parser.parse_args()


def _claim_stdout() -> TextIO:
    """Keep standard output for the answer alone; what the library prints goes to standard error."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answer


def _live_with_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; when to end is the parent's to say
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _exit_at_eof() -> None:
    sys.stdin.read()
    os._exit(0)  # the library's threads would outlive an ordinary exit


def _serve(asked: argparse.Namespace, key: str) -> "xllamacpp.Server":
    params = xllamacpp.CommonParams()
    params.model.path = str(asked.model)
    params.model_alias = {asked.alias}
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.api_keys, params.cors_origins = [key], ""
    params.ui = params.endpoint_slots = False
    params.offline = True
    params.n_parallel, params.n_ctx = asked.slots, asked.slots * asked.context
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = asked.threads
    params.fit_params = False  # the context is the one asked for, or the start fails
    params.cache_ram_mib, params.cache_idle_slots = (
        0,
        False,
    )  # prompts are kept in the slots alone, so memory is bounded
    params.verbosity = _WARNINGS
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
