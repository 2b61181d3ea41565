"""A program for tests: what llama.cpp itself makes of a GGUF file. It answers conversations greedily and cuts texts into tokens.

Its argument is JSON, `{"model": FILE, "lora": FILE or "", "texts": [...], "asked": [[{role, content}, ...], ...], "most": N}`; it prints JSON,
`{"tokens": [[...], ...], "said": [...]}`. It runs in a process of its own, as a library that can end one ought to.
"""

import json
import os
import sys
import urllib.request
from typing import Any

import xllamacpp  # type: ignore[import-untyped,import-not-found,unused-ignore]


def main() -> None:
    """Load, answer and end."""
    asked = json.loads(sys.argv[1])
    server = xllamacpp.Server(_params(asked["model"], asked["lora"]))
    tokens = [
        _post(server, "/tokenize", {"content": t, "add_special": False, "parse_special": True}) for t in asked["texts"]
    ]
    more = {"temperature": 0, "max_tokens": asked["most"]}
    said = [_post(server, "/v1/chat/completions", {"messages": messages, **more}) for messages in asked["asked"]]
    answer = {"tokens": [one["tokens"] for one in tokens], "said": [_words(one) for one in said]}
    print(json.dumps(answer), flush=True)
    os._exit(0)  # the library's threads would outlive an ordinary exit


def _params(model: str, lora: str) -> "xllamacpp.CommonParams":
    params = xllamacpp.CommonParams()
    params.model.path = model
    if lora:
        info = xllamacpp.CommonAdapterLoraInfo()
        info.path, info.scale = lora, 1.0
        params.lora_adapters = [info]
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_parallel, params.n_ctx, params.fit_params = 1, 512, False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.offline = True
    params.verbosity = 1
    return params


def _post(server: "xllamacpp.Server", path: str, body: dict[str, object]) -> Any:
    head = {"Content-Type": "application/json"}
    request = urllib.request.Request(server.listening_address + path, json.dumps(body).encode(), head)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def _words(completion: Any) -> str:
    return str(completion["choices"][0]["message"]["content"])


if __name__ == "__main__":
    main()
