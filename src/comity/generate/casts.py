"""Who is cast in a scenario that was generated: people who stand to each other in different ways, as far as the scenario allows it."""

from collections.abc import Mapping, Sequence

from comity.library.casting import Casting
from comity.world.characters import Character
from comity.world.collection import Collection
from comity.world.record import derive_seed
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario

__all__ = ["Cast", "casts_of"]

Cast = Mapping[str, Character]
"""Who sits in each seat."""

_CASTS = 5


def casts_of(scenario: Scenario, among: Collection, seed: int) -> Sequence[Cast]:
    """Five casts, or as many as there are: first one for each relationship that the scenario allows, then any that it allows.

    Each is drawn uniformly. Drawn from all alone, most would be of strangers.
    """
    allowed = scenario.relationships or tuple(RelationshipKind)
    kinds = sorted(allowed, key=lambda kind: derive_seed("kind", seed, scenario.id, kind))
    found: dict[tuple[str, ...], Cast] = {}
    for kind in kinds:
        only = Casting.of(scenario.model_copy(update={"relationships": (kind,)}), among)
        _take(found, [only.draw(1, seed)[0].cast] if only.total else [])
    every = Casting.of(scenario, among)
    rest = every.draw(min(every.total, _CASTS), seed, repetition=False)
    _take(found, [task.cast for task in rest])
    return tuple(found.values())


def _take(found: dict[tuple[str, ...], Cast], casts: Sequence[Cast]) -> None:
    for cast in casts:
        if len(found) < _CASTS:
            found.setdefault(tuple(who.id for who in cast.values()), cast)
