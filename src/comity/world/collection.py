"""Characters, relationships, scenarios and tasks that belong together, such as a library or an import."""

from collections.abc import Iterable, Mapping
from itertools import combinations

from comity.world.characters import Character
from comity.world.record import Record
from comity.world.relationships import Relationship, RelationshipKind
from comity.world.scenarios import Scenario
from comity.world.tasks import Edge, Task

__all__ = ["Collection", "cast_task", "related"]


class Collection(Record):
    """Records that refer to each other by id."""

    characters: tuple[Character, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    tasks: tuple[Task, ...] = ()

    def task(self, wanted: str) -> Task:
        """The task of this id, or the first task of the scenario of this id. Raises `KeyError` where there is neither."""
        for task in self.tasks:
            if wanted in (task.id, task.scenario.id):
                return task
        raise KeyError(wanted)


def related(a: Character, b: Character, relationships: Iterable[Relationship]) -> Relationship | None:
    """The relationship between two characters, whichever is named first; the last one counts where there are several."""
    return next((r for r in reversed(tuple(relationships)) if {a.id, b.id} == set(r.between)), None)


def cast_task(
    task_id: str, scenario: Scenario, cast: Mapping[str, Character], relationships: Iterable[Relationship]
) -> Task:
    """The task of this cast, with the characters' own relationships as its edges."""
    known = tuple(relationships)
    edges = [
        Edge(between=(x, y), kind=found.kind, background=found.background)
        for (x, a), (y, b) in combinations(cast.items(), 2)
        if (found := related(a, b, known)) is not None and found.kind is not RelationshipKind.STRANGER
    ]
    return Task(id=task_id, scenario=scenario, cast=dict(cast), edges=tuple(edges))
