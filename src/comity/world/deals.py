"""Payoffs of agreement: the parties propose and accept terms, and each has points of its own for every deal.

Division after "Deal or No Deal?" (Lewis et al. 2017, arXiv 1706.05125), the price after CraigslistBargains (He et al. 2018,
arXiv 1808.09637) and the contract after the several-issue job offers of negotiation research.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import product
from math import prod
from typing import ClassVar, Literal

from pydantic import Field

from comity.world.moves import MoveKind, MoveSpec, Term
from comity.world.payoffs import MAX_POINTS, Made, Payoff, Points, Utilities, distinct, written
from comity.world.positions import Claim, Offer, Position, Round
from comity.world.record import Slug

__all__ = ["Contract", "Deal", "Division", "Price"]

_MOST_DEALS = 20_000
"""More deals than this are refused: the efficient ones are found by looking at all."""


class Deal(Payoff):
    """Terms that all must agree on. Without an agreement each has its disagreement value."""

    @abstractmethod
    def worth(self, seat: str, offer: Offer) -> int:
        """The points the seat has from a deal; below 0 where it loses by it. Needs the private part of that seat alone."""

    @abstractmethod
    def fallback(self, seat: str) -> int:
        """The points the seat has without a deal."""

    @abstractmethod
    def _about(self) -> tuple[Term, ...]:
        """What a deal is about."""

    def offers(self, by: str) -> Iterator[Offer]:
        """Every deal there is, each once, as this seat would propose it."""
        names = [term.id for term in self._terms]
        for values in product(*self._terms):
            yield Offer(by, dict(zip(names, values, strict=True)))

    @property
    def in_turn(self) -> bool:
        """Whether one has to see what is proposed before it can answer."""
        return True

    def terms(self, seat: str) -> tuple[Term, ...]:
        """The same for all."""
        return self._terms

    def utilities(self, position: Position) -> Utilities:
        """The worth of what was agreed, or else the disagreement values."""
        if position.agreed is None:
            return self.walked_away(position)
        return {seat: self.worth(seat, position.agreed) for seat in position.parties}

    def walked_away(self, position: Position) -> Utilities:
        """The disagreement values."""
        return {seat: self.fallback(seat) for seat in position.parties}

    def reachable(self, position: Position) -> Iterable[Utilities]:
        """Every deal, and none."""
        yield self.walked_away(position)
        for offer in self.offers(position.parties[0]):
            yield {seat: self.worth(seat, offer) for seat in position.parties}

    @cached_property
    def _terms(self) -> tuple[Term, ...]:
        return self._about()

    def _too_many(self) -> str:
        count = prod(map(len, self._terms))
        return f"{count:,} different deals; at most {_MOST_DEALS:,} are possible" if count > _MOST_DEALS else ""

    def _kinds(self, position: Position, seat: str) -> tuple[MoveKind, ...]:
        answerable = position.offer is not None and position.offer.by != seat and seat not in position.accepted
        return (MoveKind.PROPOSE, MoveKind.ACCEPT, MoveKind.REJECT) if answerable else (MoveKind.PROPOSE,)

    def _played(self, position: Position, made: Sequence[Made]) -> Position:
        for _, seat, move in made:
            match move.kind:
                case MoveKind.PROPOSE:
                    position = replace(position, offer=Offer(seat, move.terms), accepted=())
                case MoveKind.REJECT:
                    position = replace(position, offer=None, accepted=())
                case MoveKind.ACCEPT:
                    position = _accepted(position, seat)
        return position


def _accepted(position: Position, seat: str) -> Position:
    """There is a deal once all but the one who proposed it have accepted."""
    position = replace(position, accepted=(*position.accepted, seat))
    everyone = len(position.accepted) == len(position.parties) - 1
    return replace(position, agreed=position.offer, offer=None, settled=True) if everyone else position


class Division(Deal):
    """Things to be shared out between two. What is dear to one may be cheap to the other; points are linear."""

    kind: Literal["division"] = "division"
    items: Mapping[Slug, int] = Field(min_length=1)
    """Units of each thing. Public."""
    values: Mapping[Slug, Mapping[Slug, Points]]
    """By seat, the points of one unit of each thing. Private."""
    disagreement: Mapping[Slug, Points] = Field(default_factory=dict)
    """By seat, the points without a deal; 0 where it is not said. Private."""
    settled_by: Literal["acceptance", "selection"] = "acceptance"
    """Whether one accepts what the other proposes, or both write down what they take, and there is a deal if it adds up."""

    private: ClassVar[tuple[str, ...]] = ("values", "disagreement")

    @property
    def in_turn(self) -> bool:
        """What is written down can be written at the same time."""
        return self.settled_by == "acceptance"

    def misfit(self, seats: Sequence[str]) -> str:
        """Two seats, each with a value for each thing."""
        if len(seats) != 2 or set(self.values) != set(seats):
            return "a division is between two seats, and `values` names both"
        if any(set(values) != set(self.items) for values in self.values.values()):
            return f"`values` gives each seat the points of one unit of each of {', '.join(self.items)}"
        if any(count < 1 for count in self.items.values()):
            return "`items` counts the units of each thing, at least 1"
        return _strangers("disagreement", self.disagreement, seats) or self._too_many()

    def _about(self) -> tuple[Term, ...]:
        # How many of each thing whoever speaks takes.
        return tuple(Term(item, high=count) for item, count in self.items.items())

    def claims(self, seat: str) -> tuple[Term, ...]:
        """What one unit is worth to the seat."""
        return tuple(Term(item, high=MAX_POINTS) for item in self.items)

    def truth(self, claim: Claim, position: Position) -> Mapping[str, frozenset[int | str]]:
        """The seat's own values."""
        return {item: frozenset([value]) for item, value in self.values[claim.seat].items()}

    def worth(self, seat: str, offer: Offer) -> int:
        """Units times points. Who did not propose has what the other leaves."""
        values = self.values[seat]
        taken = sum(int(count) * values[item] for item, count in offer.terms.items())
        return taken if seat == offer.by else self._whole[seat] - taken

    def fallback(self, seat: str) -> int:
        """The disagreement value."""
        return self.disagreement.get(seat, 0)

    @cached_property
    def _whole(self) -> Mapping[str, int]:
        return {seat: sum(self.items[item] * value for item, value in of.items()) for seat, of in self.values.items()}

    def spec(self, position: Position, seat: str) -> MoveSpec | None:
        """As for every deal; whoever has written a share down can say no more about it by moves."""
        return None if seat in position.chosen else super().spec(position, seat)

    def _kinds(self, position: Position, seat: str) -> tuple[MoveKind, ...]:
        return (MoveKind.CHOOSE,) if self.settled_by == "selection" else super()._kinds(position, seat)

    def _played(self, position: Position, made: Sequence[Made]) -> Position:
        if self.settled_by == "acceptance":
            return super()._played(position, made)
        chosen = written(position, made)
        if len(chosen) < len(position.parties):
            return replace(position, chosen=chosen) if chosen != position.chosen else position
        one, other = (chosen[seat] for seat in position.parties)
        adds_up = all(int(one[item]) + int(other[item]) == count for item, count in self.items.items())
        return replace(
            position,
            chosen={},
            rounds=(Round(chosen, made[-1].event),),
            agreed=Offer(position.parties[0], one) if adds_up else None,
            settled=True,
        )


class Price(Deal):
    """One price between a buyer and a seller. There is a deal that serves both only where the buyer's reserve is above the seller's."""

    kind: Literal["price"] = "price"
    buyer: Slug
    seller: Slug
    range: tuple[int, int]
    """The lowest and the highest price that can be named. Public."""
    step: int = Field(default=1, ge=1)
    unit: str = "$"
    reserves: Mapping[Slug, int]
    """By seat, the price at which the seat gains nothing: the buyer's highest, the seller's lowest. Private."""

    private: ClassVar[tuple[str, ...]] = ("reserves",)

    def misfit(self, seats: Sequence[str]) -> str:
        """Two seats, one of them the buyer and the other the seller, each with a reserve."""
        low, high = self.range
        if {self.buyer, self.seller} != set(seats) or len(seats) != 2 or set(self.reserves) != set(seats):
            return "a price is between two seats: `buyer`, `seller`, and `reserves` for both"
        if not 0 <= low < high:
            return f"`range` is the lowest and the highest price, not {low} to {high}"
        if (high - low) % self.step:
            return f"`range` goes from {low} to {high} in steps of {self.step}, which do not lead there"
        outside = [seat for seat, reserve in self.reserves.items() if not low <= reserve <= high]
        return f"the reserve of {', '.join(outside)} is outside of `range`" if outside else self._too_many()

    def _about(self) -> tuple[Term, ...]:
        return (Term("price", low=self.range[0], high=self.range[1], step=self.step),)

    def claims(self, seat: str) -> tuple[Term, ...]:
        """The seat's reserve."""
        return (Term("reserve", low=self.range[0], high=self.range[1]),)

    def truth(self, claim: Claim, position: Position) -> Mapping[str, frozenset[int | str]]:
        """The seat's own reserve."""
        return {"reserve": frozenset([self.reserves[claim.seat]])}

    def worth(self, seat: str, offer: Offer) -> int:
        """How much better than its reserve the price is for the seat."""
        price = int(offer.terms["price"])
        return self.reserves[seat] - price if seat == self.buyer else price - self.reserves[seat]

    def fallback(self, seat: str) -> int:
        """Nothing is won and nothing lost."""
        return 0


class Contract(Deal):
    """Several issues, each settled by one of its options; two to five parties, all of whom must agree."""

    kind: Literal["contract"] = "contract"
    issues: Mapping[Slug, tuple[str, ...]] = Field(min_length=1)
    """The options of each issue. Public."""
    points: Mapping[Slug, Mapping[Slug, tuple[Points, ...]]]
    """By seat and issue, the points of each option, in the order of the options. Private."""
    disagreement: Mapping[Slug, Points] = Field(default_factory=dict)
    """By seat, the points without a deal; 0 where it is not said. Private."""

    private: ClassVar[tuple[str, ...]] = ("points", "disagreement")

    def misfit(self, seats: Sequence[str]) -> str:
        """Two to five seats, each with points for every option."""
        if not 2 <= len(seats) <= 5 or set(self.points) != set(seats):
            return "a contract is between two to five seats, and `points` names all of them"
        for issue, options in self.issues.items():
            if len(options) < 2 or not distinct(options):
                return f"issue {issue!r} needs at least two different options, none of them empty"
        for seat, points in self.points.items():
            shape = {issue: len(of) for issue, of in points.items()}
            if shape != {issue: len(options) for issue, options in self.issues.items()}:
                return f"`points.{seat}` gives points to each option of each of the issues {', '.join(self.issues)}"
        return _strangers("disagreement", self.disagreement, seats) or self._too_many()

    def _about(self) -> tuple[Term, ...]:
        return tuple(Term(issue, options) for issue, options in self.issues.items())

    def claims(self, seat: str) -> tuple[Term, ...]:
        """What the seat wants most in each issue."""
        return self._terms

    def truth(self, claim: Claim, position: Position) -> Mapping[str, frozenset[int | str]]:
        """The options that give the seat most."""
        return {
            issue: frozenset(option for option, points in of.items() if points == max(of.values()))
            for issue, of in self._by_option[claim.seat].items()
        }

    def worth(self, seat: str, offer: Offer) -> int:
        """The points of the options, added."""
        return sum(self._by_option[seat][issue][str(option)] for issue, option in offer.terms.items())

    def fallback(self, seat: str) -> int:
        """The disagreement value."""
        return self.disagreement.get(seat, 0)

    @cached_property
    def _by_option(self) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        return {
            seat: {issue: dict(zip(self.issues[issue], of, strict=True)) for issue, of in points.items()}
            for seat, points in self.points.items()
        }


def _strangers(field: str, by_seat: Mapping[str, object], seats: Sequence[str]) -> str:
    unknown = [seat for seat in by_seat if seat not in seats]
    return f"`{field}` names {', '.join(unknown)}; the seats are {', '.join(seats)}" if unknown else ""
