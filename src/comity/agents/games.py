"""A scenario's game in words: the public rules, what is private to one seat, and moves. What is private is told of the payoff that is
handed in, which holds no more than its reader may know (see `visibility`).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from comity.models.prompts import Block, Template, load_template, plain
from comity.world.choices import Choices, Dilemma, Gift, MutualFriend, PublicGoods, Secret
from comity.world.deals import Contract, Division, Price
from comity.world.moves import Move, MoveKind, MoveSpec, Term, Terms
from comity.world.payoffs import Payoff
from comity.world.views import SeatView, Table

__all__ = ["Told", "game_template", "names_of", "told_game", "told_means", "told_move", "told_opened", "told_terms"]


class Told(NamedTuple):
    """The game as one seat knows it."""

    rules: str
    worth: str
    """What is private to the seat; empty where nothing is."""


NO_GAME = Told("", "")


def game_template() -> Template:
    """`prompts/games.toml` alone."""
    return load_template("comity.agents:games")


def names_of(view: SeatView) -> dict[str, str]:
    """Display names by seat."""
    return {profile.seat: profile.name for profile in (view.me, *view.others)}


def told_game(
    template: Template,
    payoff: Payoff | None,
    names: Mapping[str, str],
    seat: str,
    *,
    called: Callable[[str], str] = str,
) -> Told:
    """The rules, and what the payoff holds that is private to the seat; both empty where there is no game.

    Args:
        called: what a term is called where its worth is told.
    """
    if payoff is None:
        return NO_GAME
    return Told(_rules(template, payoff, names), _worth(template, payoff, seat, called))


def told_move(template: Template, move: Move, payoff: Payoff | None) -> str:
    """What the move is, without who made it: `proposes: books 2, hats 0`."""
    match move.kind:
        case MoveKind.CHOOSE if not move.terms:
            return template.texts["choose_unseen"]
        case MoveKind.CLAIM:
            stated = (_claim(template, term, value, payoff) for term, value in move.terms.items())
            return template.fill("claim", terms=Block("; ".join(stated)))
        case kind:
            return template.fill(kind.value, terms=told_terms(move.terms))


def told_opened(template: Template, opened: Iterable[tuple[str, Move]]) -> str:
    """What was opened to everyone."""
    choices = "; ".join(f"{plain(name)}: {plain(told_terms(move.terms))}" for name, move in opened)
    return template.fill("opened", choices=Block(choices))


def told_terms(terms: Terms) -> str:
    """`books 2, hats 0`; a single term without its name."""
    if len(terms) == 1:
        return str(next(iter(terms.values())))
    return ", ".join(f"{term} {value}" for term, value in terms.items())


def told_means(template: Template, table: Table | None, seat: str) -> str:
    """Every move that can come up for the seat, with its form in JSON; empty where there are none."""
    spec = table.payoff.spec(table.payoff.begin(table.position.parties), seat) if table else None
    if spec is None:
        return ""
    kinds = list(spec.kinds)
    if MoveKind.PROPOSE in kinds:
        at = kinds.index(MoveKind.PROPOSE) + 1
        kinds[at:at] = [MoveKind.ACCEPT, MoveKind.REJECT]
    means = [template.fill(f"means_{kind.value}", form=Block(_form(kind, spec))) for kind in kinds]
    return "\n".join([template.texts["means_moves"], *means])


def _form(kind: MoveKind, spec: MoveSpec) -> str:
    if kind in (MoveKind.ACCEPT, MoveKind.REJECT):
        return json.dumps({"kind": kind.value})
    if kind is MoveKind.CLAIM:
        terms = " or ".join(f"{{{_slot(term)}}}" for term in spec.claims)
    else:
        terms = f"{{{', '.join(map(_slot, spec.terms))}}}"
    return f'{{"kind": "{kind.value}", "terms": {terms}}}'


def _slot(term: Term) -> str:
    values = " | ".join(json.dumps(plain(option), ensure_ascii=False) for option in term.options)
    steps = "" if term.step == 1 else f" in steps of {term.step}"
    return f"{json.dumps(term.id)}: {values or f'{term.low} to {term.high}{steps}'}"


def _rules(template: Template, payoff: Payoff, names: Mapping[str, str]) -> str:
    fill = template.fill
    match payoff:
        case Division(items=items):
            key = "division" if payoff.settled_by == "acceptance" else "division_selection"
            return fill(key, items=", ".join(f"{item} ({count})" for item, count in items.items()))
        case Price(range=(low, high), unit=unit):
            who = {"buyer": names[payoff.buyer], "seller": names[payoff.seller]}
            return fill("price", low=low, high=high, unit=unit, steps=payoff.step if payoff.step > 1 else "", **who)
        case Contract(issues=issues):
            about = (f"{issue} ({', '.join(options)})" for issue, options in issues.items())
            return fill("contract", issues="; ".join(about))
        case Dilemma():
            return fill("dilemma", **payoff.model_dump(exclude={"kind", "rounds"}), rounds=_rounds(payoff))
        case PublicGoods():
            pot: dict[str, int | str] = {
                "endowment": payoff.endowment,
                "unit": payoff.unit,
                "factor": f"{payoff.factor:g}",
            }
            return fill("public_goods", **pot, rounds=_rounds(payoff), count=len(names))
        case MutualFriend(points=points):
            return fill("mutual_friend", points=points)
        case Secret():
            asked: dict[str, int | str] = {
                "question": payoff.question,
                "options": ", ".join(payoff.options),
                "points": payoff.points,
            }
            return fill("secret", keeper=names[payoff.keeper], **asked)
        case Gift():
            who = {"giver": names[payoff.giver], "asker": names[payoff.asker]}
            return fill("gift", limit=payoff.limit, unit=payoff.unit, **who)
    raise TypeError(f"{type(payoff).__name__} has no words")


def _rounds(payoff: Choices) -> int | str:
    return payoff.rounds if payoff.rounds > 1 else ""


def _worth(template: Template, payoff: Payoff, seat: str, called: Callable[[str], str]) -> str:
    fill = template.fill
    match payoff:
        case Division(values=values):
            each = ", ".join(f"{item} {points}" for item, points in values[seat].items())
            return fill("worth_division", values=each, fallback=payoff.fallback(seat))
        case Price(unit=unit, reserves=reserves):
            side = "worth_price_buyer" if seat == payoff.buyer else "worth_price_seller"
            return fill(side, unit=unit, reserve=reserves[seat])
        case Contract(issues=issues, points=points):
            each = "; ".join(
                f"{called(issue)}: " + ", ".join(f"{o} {p}" for o, p in zip(options, points[seat][issue], strict=True))
                for issue, options in issues.items()
            )
            return fill("worth_contract", values=each, fallback=payoff.fallback(seat))
        case MutualFriend(contacts=contacts):
            return fill("worth_mutual_friend", people="; ".join(contacts[seat]))
        case Secret(answer=answer) if seat == payoff.keeper:
            return fill("worth_secret", answer=answer)
        case _:
            return ""


_CLAIMS: Sequence[tuple[type[Payoff], str]] = (
    (Division, "claim_value"),
    (Price, "claim_reserve"),
    (Contract, "claim_wish"),
    (Secret, "claim_answer"),
    (Choices, "claim_choice"),
)


def _claim(template: Template, term: str, value: int | str, payoff: Payoff | None) -> str:
    text = next(text for kind, text in _CLAIMS if isinstance(payoff, kind))
    return template.fill(text, term=term, value=value)
