"""Ray itself: joining a cluster or starting one for a run, quietly, and whether a store can be reached from all of it. It knows no run."""

import logging
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import ModuleType

import anyio
from anyio import CancelScope, to_thread

__all__ = ["ClusterError", "NoCluster", "RayMissing", "SeveralNodes", "WorkersDie", "absolute", "hiring", "joined"]

_REACHED_WITHIN = 10.0
"""Seconds in which somebody must listen at a cluster's address."""
_OBJECT_STORE = 80 << 20
"""Bytes, near the least Ray allows: what goes through it is a plan and counters."""
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent that nobody asked for
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # else `uv run comity` makes Ray upload the working directory
}
"""Set for Ray, unless they are set already, before it is imported."""


class ClusterError(Exception):
    """The cluster could not be used; the message says what to do."""


class RayMissing(ClusterError):
    """Ray is not installed."""


class NoCluster(ClusterError):
    """There is none at the address, or it lets nobody in."""


class SeveralNodes(ClusterError):
    """The store is a file, and the cluster is more than one machine."""


class WorkersDie(ClusterError):
    """Workers die one after another."""


@asynccontextmanager
async def joined(address: str | None, cpus: int | None) -> AsyncIterator[ModuleType]:
    """The module `ray`, connected to a cluster, which is left when the block ends.

    Args:
        address: `host:port`, or `auto` for the cluster of this machine; without it one is started here, for this block.
        cpus: how many the one that is started here lets workers have; those of the machine unless given.

    Where this process has joined a cluster before and no address is given, it is that one, and it stays. Raises `RayMissing` or `NoCluster`.
    """
    ray = _module()
    if address is not None:
        await _reach(address)
    if ray.is_initialized():
        if address is not None:
            raise NoCluster(f"this process has joined a Ray cluster already, so it cannot join the one at {address}")
        yield ray
        return
    try:
        # In a thread, since it takes seconds, and since in the main one it takes SIGTERM away from whoever listens to it.
        await to_thread.run_sync(_connect, ray, address, cpus)
        with _hushed(ray):
            yield ray
    finally:
        with CancelScope(shield=True):
            await to_thread.run_sync(ray.shutdown)


def _module() -> ModuleType:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise RayMissing("Ray is not installed; install it: pip install 'comity[ray]'") from None
    return ray


async def _reach(address: str) -> None:
    """Raise `NoCluster` where nobody listens; Ray itself takes minutes to say so."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdigit():
        raise NoCluster(f"{address!r} is no cluster's address; give host:port, or auto on a machine of the cluster")
    try:
        with anyio.fail_after(_REACHED_WITHIN):
            connection = await anyio.connect_tcp(host, int(port))
    except (OSError, TimeoutError):
        raise NoCluster(f"no Ray cluster is reached at {address}; see `ray status` on its head node") from None
    await connection.aclose()


def _connect(ray: ModuleType, address: str | None, cpus: int | None) -> None:
    quiet: dict[str, object] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        # "local", since without any address Ray joins what RAY_ADDRESS names, or a cluster that it finds on this machine.
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, object_store_memory=_OBJECT_STORE, **quiet)
        return
    try:
        ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise NoCluster(f"the Ray cluster at {address} cannot be joined: {error}") from None


@contextmanager
def _hushed(ray: ModuleType) -> Iterator[None]:
    """Ray prints on stdout what befalls its workers, whatever its log level is; here `WorkersDie` says it, where it matters."""
    driver = vars(ray._private.worker)
    printing = driver.get("print_to_stdstream")
    driver["print_to_stdstream"] = lambda *what, **how: None
    try:
        yield
    finally:
        driver["print_to_stdstream"] = printing


def hiring(ray: ModuleType, store_url: str) -> Mapping[str, object]:
    """What Ray is told of every worker that opens this store. Raises `SeveralNodes`."""
    if not _is_file(store_url):
        return {"num_cpus": 1, "max_restarts": 0, "scheduling_strategy": "SPREAD"}
    nodes = sum(node["Alive"] for node in ray.nodes())
    if nodes > 1:
        raise SeveralNodes(
            f"the cluster has {nodes} nodes and {store_url} is a file on one of them; give a Postgres URL with --store"
        )
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # A node that joins the cluster later would make a file of the same name.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return {"num_cpus": 1, "max_restarts": 0, "scheduling_strategy": here}


def absolute(store_url: str) -> str:
    """The same store from any working directory."""
    return str(Path(store_url.removeprefix("sqlite:///")).resolve()) if _is_file(store_url) else store_url


def _is_file(store_url: str) -> bool:
    return not store_url.startswith(("postgres:", "postgresql:", "postgresql+"))
