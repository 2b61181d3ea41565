"""All calls of one process on their way to their servers: remembered replies, retries, the endpoints' leave, the budget, then the client.

The order matters: a remembered reply asks nobody's leave, a retry waits for its endpoint like a first try, and what is counted is
what is sent.
"""

from collections.abc import Mapping

from comity.models.budget import Meter, Metered
from comity.models.cache import Cached
from comity.models.cache_file import ResponseCache
from comity.models.endpoints import Endpoint, EndpointLimits, EndpointState
from comity.models.protocol import ChatModel
from comity.models.resolve import Resolved
from comity.models.steady import Retries, Steady

__all__ = ["Traffic"]


class Traffic:
    """What the calls of one process share.

    Args:
        meter: counts what is spent and holds it to the budget.
        limits: by address; an endpoint without an entry adapts.
        patience: seconds to wait for a server that is down before its callers hear of it.
    """

    def __init__(
        self,
        meter: Meter,
        *,
        limits: Mapping[str, EndpointLimits] | None = None,
        retries: Retries | None = None,
        patience: float = 1800.0,
        cache: ResponseCache | None = None,
    ) -> None:
        self.meter = meter
        self._limits = {_bare(address): limit for address, limit in (limits or {}).items()}
        self._retries = retries or Retries()
        self._patience = patience
        self._cache = cache
        self._endpoints: dict[str, Endpoint] = {}

    def through(self, found: Resolved, *, repeat: int = 0) -> ChatModel:
        """The model as this traffic lets it be asked. Replies of one repeat are never given for another."""
        model: ChatModel = Metered(found.model, self.meter)
        if found.endpoint:
            model = Steady(model, self._endpoint(found), self._retries)
        if self._cache is not None and found.endpoint:
            model = Cached(model, self._cache, endpoint=f"{found.endpoint}#{found.asked}", repeat=repeat)
        return model

    def states(self) -> list[EndpointState]:
        """How every endpoint fares, in the order of their first use."""
        return [endpoint.state() for endpoint in self._endpoints.values()]

    def close(self) -> None:
        """Release the cache. The clients are their makers'."""
        if self._cache is not None:
            self._cache.close()

    def _endpoint(self, found: Resolved) -> Endpoint:
        address = _bare(found.endpoint)
        if address not in self._endpoints:
            limits = self._limits.get(address) or EndpointLimits(in_flight=found.slots)
            self._endpoints[address] = Endpoint(address, limits, patience=self._patience)
        return self._endpoints[address]


def _bare(address: str) -> str:
    return address.rstrip("/")
