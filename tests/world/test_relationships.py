"""A relationship joins two different characters."""

import pytest
from pydantic import ValidationError

from comity.world.relationships import Relationship, RelationshipKind


def test_nobody_has_a_relationship_with_themselves() -> None:
    with pytest.raises(ValidationError, match="'ana' and itself"):
        Relationship(id="r", between=("ana", "ana"), kind=RelationshipKind.FRIEND)


def test_there_are_six_kinds() -> None:
    assert [kind.value for kind in RelationshipKind] == [
        "stranger",
        "know_by_name",
        "acquaintance",
        "friend",
        "romantic",
        "family",
    ]
