"""How two characters stand to each other. A pair without an edge are strangers."""

from enum import StrEnum

from pydantic import model_validator

from comity.world.record import Record, Slug

__all__ = ["Relationship", "RelationshipKind"]


class RelationshipKind(StrEnum):
    """The six kinds, from the least to the most that is known."""

    STRANGER = "stranger"
    KNOW_BY_NAME = "know_by_name"
    ACQUAINTANCE = "acquaintance"
    FRIEND = "friend"
    ROMANTIC = "romantic"
    FAMILY = "family"


class Relationship(Record):
    """An edge between two characters, by their ids. The background story is kept but told to nobody in `asymmetric` mode."""

    id: Slug
    between: tuple[Slug, Slug]
    kind: RelationshipKind
    background: str = ""
    source: str = ""
    licence: str = ""
    """As an SPDX expression; empty where it is not known."""

    @model_validator(mode="after")
    def _two_people(self) -> "Relationship":
        if self.between[0] == self.between[1]:
            raise ValueError(f"a relationship is between two characters, not {self.between[0]!r} and itself")
        return self
