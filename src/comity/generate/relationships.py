"""What a model is asked for a relationship: some characters are shown as an acquaintance knows them, and it chooses two.

No secret and no goal is shown, so that none can come into a background.
"""

import json
from functools import cache
from hashlib import sha256
from itertools import combinations

from comity.generate.candidates import Draft
from comity.generate.ideas import Idea, Kind
from comity.generate.questions import Prose, Question, drawn, examples_for, line, object_of, prose, read_as
from comity.library import starter
from comity.models.prompts import Block, Quoted, Template, load_template
from comity.models.protocol import Message, Schema
from comity.models.replies import UnusableReply
from comity.world.characters import Character
from comity.world.collection import Collection, related
from comity.world.record import Record
from comity.world.relationships import Relationship, RelationshipKind

__all__ = ["RelationshipQuestions"]

_PEOPLE = 8
"""Characters to choose from."""
_AND = " and "
"""Between the two ids of a pair; no id has a space."""
_KINDS = tuple(kind.value for kind in RelationshipKind)


class _Reply(Record):
    pair: str
    kind: RelationshipKind
    background: Prose


class RelationshipQuestions:
    """Asks for relationships among the characters of a collection. `shown` and `brief` are as in `ScenarioQuestions`."""

    kind: Kind = "relationships"

    def __init__(self, among: Collection, *, shown: int | None = None, brief: bool = False) -> None:
        self._among, self._shown, self._brief = among, examples_for(shown, brief=brief), brief

    @property
    def template(self) -> Template:
        """`prompts/relationship.toml`."""
        return load_template("comity.generate:relationship")

    def about(self, idea: Idea, seed: int) -> Question:
        """The question of an idea; see `Questions`."""
        candidate, t = idea.candidate(self.kind), self.template
        people = drawn({who.id: who for who in self._among.characters}, _PEOPLE, "people", seed, candidate)
        ids = tuple(who.id for who in people)
        kinds = (idea.family,) if idea.family in _KINDS else _KINDS
        tied = self._tied(people)
        examples = drawn(_examples(), self._shown, "example", seed, candidate)
        return Question(
            messages=(
                Message("system", t.fill("system", kinds=", ".join(_KINDS))),
                Message("user", self._ask(idea, people, tied, examples)),
            ),
            schema=_schema(ids, kinds, tied, self._brief),
            read=lambda text: _read(text, ids, kinds, tied),
            reask=lambda problem: t.fill("reask", problem=problem, format=Block(t.fill("format"))),
            examples=tuple(each.id for each in examples),
            people=ids,
        )

    def _ask(
        self, idea: Idea, people: list[Character], tied: frozenset[frozenset[str]], examples: list[Relationship]
    ) -> str:
        t = self.template
        told = [t.fill("example", number=n, reply=Block(_as_reply(each))) for n, each in enumerate(examples, 1)]
        shown = [t.fill("person", **_known(who)) for who in people]
        pairs = ", ".join(sorted(" and ".join(sorted(pair)) for pair in tied))
        return t.fill(
            "ask",
            examples=Block(t.fill("examples", shown=Block("\n".join(told)))) if told else "",
            people=Block("\n".join(shown)),
            tied=Block(t.fill("tied", pairs=pairs)) if tied else "",
            idea=Quoted(idea.text),
            family=idea.family.replace("_", " "),
            format=Block(t.fill("format")),
        )

    def _tied(self, people: list[Character]) -> frozenset[frozenset[str]]:
        edges = self._among.relationships
        return frozenset(frozenset((a.id, b.id)) for a, b in combinations(people, 2) if related(a, b, edges))


def _known(who: Character) -> dict[str, str | int]:
    """What an acquaintance knows, and age and gender, without which no tie can be thought of."""
    told = who.model_dump(include={"id", "name", "gender", "occupation", "public_info"})
    return {**{name: text or "-" for name, text in told.items()}, "age": who.age or "-"}


def _schema(ids: tuple[str, ...], kinds: tuple[str, ...], tied: frozenset[frozenset[str]], brief: bool) -> Schema:
    """Only pairs that have no tie can be said at all, where the server holds a model to a schema."""
    free = [_AND.join(pair) for pair in combinations(ids, 2) if frozenset(pair) not in tied]
    parts = {"pair": {"type": "string", "enum": free}, "kind": {"type": "string", "enum": kinds}}
    return Schema("relationship", object_of({**parts, "background": prose(brief=brief)}))


def _read(
    text: str, ids: tuple[str, ...], kinds: tuple[str, ...], tied: frozenset[frozenset[str]]
) -> tuple[Draft, str]:
    reply, repaired = read_as(_Reply, text)
    one, found, other = reply.pair.partition(_AND)
    if not found:
        raise UnusableReply(f"pair: names no two people; write it as {_AND.join(ids[:2])!r}")
    if unknown := [who for who in (one, other) if who not in ids]:
        raise UnusableReply(f"there is no {unknown[0]!r} among the people; there are: {', '.join(ids)}")
    if one == other:
        raise UnusableReply("pair: the two are the same; choose two people")
    if frozenset((one, other)) in tied:
        raise UnusableReply(f"{one} and {other} are tied to each other already; choose two who are not")
    if reply.kind not in kinds:
        raise UnusableReply(f"kind: should be {kinds[0]}, as the idea says")
    made = Relationship(id=_id(one, other), between=(one, other), kind=reply.kind, background=reply.background)
    return Draft(record=made), repaired


def _id(one: str, other: str) -> str:
    """The two ids, or of long ones their beginnings and a hash of both: an id has 128 letters at most."""
    whole = f"{one}-{other}"
    return whole if len(whole) <= 128 else f"{one[:55]}-{other[:55]}-{sha256(whole.encode()).hexdigest()[:10]}"


@cache
def _examples() -> dict[str, Relationship]:
    return {each.id: each for each in starter().relationships if each.background}


def _as_reply(each: Relationship) -> str:
    told = _Reply(pair=_AND.join(each.between), kind=each.kind, background=each.background)
    return line(json.dumps(told.model_dump(mode="json"), ensure_ascii=False))
