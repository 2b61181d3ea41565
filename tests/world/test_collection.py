"""Casting a task takes over the characters' own relationships as its edges."""

from worlds import character, task

from comity.world.collection import cast_task, related
from comity.world.relationships import Relationship, RelationshipKind

ANA, BEN, CAI = character("Ana"), character("Ben"), character("Cai")


def bond(a: str, b: str, kind: RelationshipKind) -> Relationship:
    return Relationship(id=f"{a}-{b}", between=(a, b), kind=kind, background="met at school")


def test_a_relationship_is_found_whichever_character_is_named_first() -> None:
    friends = bond(ANA.id, BEN.id, RelationshipKind.FRIEND)
    assert related(ANA, BEN, [friends]) == related(BEN, ANA, [friends]) == friends
    assert related(ANA, CAI, [friends]) is None


def test_the_last_of_several_relationships_counts() -> None:
    bonds = [bond(ANA.id, BEN.id, RelationshipKind.FRIEND), bond(BEN.id, ANA.id, RelationshipKind.ROMANTIC)]
    found = related(ANA, BEN, iter(bonds))
    assert found is not None
    assert found.kind is RelationshipKind.ROMANTIC


def test_the_edges_of_a_cast_task_are_between_its_seats() -> None:
    scenario = task("x", "y", "z").scenario
    bonds = [
        bond(CAI.id, ANA.id, RelationshipKind.FAMILY),
        bond(ANA.id, BEN.id, RelationshipKind.STRANGER),
        bond(BEN.id, "somebody-else", RelationshipKind.FRIEND),
    ]
    made = cast_task("t", scenario, {"a": ANA, "b": BEN, "c": CAI}, iter(bonds))
    assert [(set(edge.between), edge.kind, edge.background) for edge in made.edges] == [
        ({"a", "c"}, RelationshipKind.FAMILY, "met at school")
    ]
    assert made.edge("b", "c").kind is RelationshipKind.STRANGER
