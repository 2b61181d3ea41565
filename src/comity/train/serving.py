"""Who answers for a policy's weights while it plays: this process, the embedded llama.cpp, or a vLLM server that loads adapters as they come.

Fits and log-likelihoods are always taken in this process; only playing goes elsewhere.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePath, PurePosixPath

import anyio

from comity.models.in_process.folder import NOTE, AdapterNote, Found, find, weights_hash
from comity.models.in_process.loading import load_found
from comity.models.merged import merged_file
from comity.models.protocol import AuthenticationFailed, ModelError, Sampling
from comity.run.plan import PolicyPlan
from comity.train.folders import made_whole
from comity.train.plan import Begin
from comity.train.served import load_adapter, served_name, unload_adapter
from comity.train.work import TrainError

__all__ = ["LLAMA", "adopted", "player_of", "ready"]

LLAMA = "llama.cpp"
"""What a plan calls the embedded runtime."""


def player_of(begin: Begin, model: str, *, constrained: bool) -> PolicyPlan:
    """The policy of these weights in a run's plan.

    Args:
        model: the specification of the weights, `hf:PATH` or `adapter:PATH`.
    """
    spec, adapter = model, None
    if begin.through == LLAMA:
        spec = f"{model}#{LLAMA}"
    elif begin.through != "process":
        spec, adapter = begin.through, _served(model)
    return PolicyPlan(
        model=spec,
        adapter=adapter,
        style=begin.style,
        temperature=begin.temperature,
        top_p=begin.top_p,
        max_tokens=begin.max_tokens,
        constrained=constrained,
    )


@contextmanager
def ready(begin: Begin, model: str | None) -> Iterator[None]:
    """While it lasts, whoever answers knows these weights, if any. What is known before is left as it is; an adapter that a server was
    given for this is taken from it again, so that it keeps room for the next. Raises `ModelError`, and `TrainError`.
    """
    if model is not None and begin.through == LLAMA:
        _write_merged(find(model))
    name = None if model is None or begin.through in ("process", LLAMA) else _served(model)
    if model is None or name is None:
        yield
        return
    address, key = _server(begin.through)
    path = _as_seen(find(model).path.resolve(), begin.server_folders)
    loaded = anyio.run(partial(load_adapter, address, name, path, key=key))
    unload = partial(unload_adapter, address, name, key=key)
    try:
        yield
    except BaseException as error:
        try:
            if loaded:
                anyio.run(unload)
        except ModelError as also:  # what broke the play may keep the server from this as well, and is what matters
            error.add_note(f"The adapter {name} stays on the server: {also}")
        raise
    if loaded:
        anyio.run(unload)


def _server(through: str) -> tuple[str, str | None]:
    """Its address and key. Raises `AuthenticationFailed` where it has one that is not there."""
    address, _, rest = through.partition("#")
    variable = rest.partition("&key_env=")[2]
    key = os.environ.get(variable) if variable else None
    if variable and not key:
        raise AuthenticationFailed(f"{through!r} needs a key; set {variable}")
    return address, key


def _as_seen(path: Path, folders: Mapping[str, str]) -> PurePath:
    """The path as the server sees it: by the innermost of the folders that it lies in."""
    roots = {Path(here).expanduser().resolve(): there for here, there in folders.items()}
    for root in sorted(roots, key=lambda root: len(root.parts), reverse=True):
        if path.is_relative_to(root):
            return PurePosixPath(roots[root]) / path.relative_to(root)
    return path


def adopted(found: Found, begin: Begin, into: Path) -> str:
    """A base from elsewhere as a folder of our own, whole and unpacked; its specification. Raises `FolderError` and `ModelNotFound`."""
    if into.is_dir():  # it takes its place when it is whole; a kill came after that
        return find(f"adapter:{into}").name
    with made_whole(into) as folder:
        loaded = load_found(found, device="cpu")
        loaded.model.__dict__.pop("hf_quantizer", None)  # what was unpacked from a quantised file is plain weights
        loaded.model.save_pretrained(folder)
        loaded.tokenizer.save_pretrained(folder)
        sampling = Sampling(temperature=begin.temperature, top_p=begin.top_p, max_tokens=begin.max_tokens)
        said = AdapterNote(
            kind="full",
            base=begin.model or found.name,
            base_sha256=weights_hash(found.path),
            style=begin.style,
            sampling=sampling,
        )
        (folder / NOTE).write_text(said.model_dump_json(indent=1) + "\n", "utf-8")
    return find(f"adapter:{into}").name


def _write_merged(found: Found) -> None:
    from comity.train.gguf import GgufError, write_merged

    assert found.note is not None, "what llama.cpp plays has a folder of our own"
    if found.note.gguf and (found.path / found.note.gguf) == merged_file(found, "f16"):
        return
    try:
        write_merged(found.path)
    except GgufError as error:
        raise TrainError(str(error)) from error


def _served(model: str) -> str | None:
    """What an adapter is called there; `None` for a base, which the server has."""
    found = find(model)
    if found.note is None:
        return None
    if found.note.kind == "full":
        raise TrainError(
            f"{model} is a whole model, and a server loads adapters alone; fit with lora or qlora, or play it in this process"
        )
    return served_name(found.path)
