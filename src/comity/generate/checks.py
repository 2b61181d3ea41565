"""What the rules say of a draft: the lint of a library, with the casts it would have, held against all that there is."""

from collections.abc import Sequence

from comity.generate.candidates import Made
from comity.generate.casts import casts_of
from comity.library.lint import Embedder, Finding, lint
from comity.library.lint.findings import place
from comity.world.characters import Character
from comity.world.collection import Collection, cast_task, related
from comity.world.relationships import Relationship
from comity.world.scenarios import Scenario

__all__ = ["Remembering", "check"]


class Remembering:
    """An embedder that turns each text into a vector once: candidate after candidate is held against the same texts."""

    def __init__(self, embed: Embedder) -> None:
        self._embed = embed
        self._known: dict[str, Sequence[float]] = {}

    def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """As the embedder that it asks."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._embed(new), strict=True))
        return [self._known[text] for text in texts]


def check(record: Made, against: Collection, seed: int, embed: Embedder | None = None) -> tuple[Finding, ...]:
    """What is wrong with a record, or may be, errors first. With an error it must not be accepted.

    Args:
        against: all that it must not repeat and whose characters can be cast.
        seed: of the casts.
    """
    found = lint(_alone(record, against, seed), against=against, embed=embed)
    own = tuple(each for each in found if each.record == place(record) or each.record.startswith("tasks/"))
    return (*_tied(record, against), *own)


def _alone(record: Made, against: Collection, seed: int) -> Collection:
    match record:
        case Character():
            return Collection(characters=(record,))
        case Relationship():
            return Collection(relationships=(record,))
        case Scenario():
            casts = casts_of(record, against, seed)
            edges = against.relationships
            tasks = [cast_task(f"{record.id}.{number}", record, cast, edges) for number, cast in enumerate(casts, 1)]
            return Collection(scenarios=(record,), tasks=tuple(tasks))


def _tied(record: Made, against: Collection) -> tuple[Finding, ...]:
    """A relationship of two who have one already, or of somebody who is not there."""
    if not isinstance(record, Relationship):
        return ()
    who = {each.id: each for each in against.characters}
    missing = [id_ for id_ in record.between if id_ not in who]
    if missing:
        return (_finding("unknown_character", record, f"there is no character {missing[0]!r}"),)
    one, other = (who[id_] for id_ in record.between)
    if found := related(one, other, against.relationships):
        return (_finding("taken_pair", record, f"the two have the relationship {found.id!r} already"),)
    return ()


def _finding(rule: str, record: Relationship, message: str) -> Finding:
    return Finding(rule, "error", place(record), "between", message)
