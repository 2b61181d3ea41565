"""The compact style, for small models that are trained here: short prompts of the chat's shape, and replies with the move before the words.

A reply is `{"do":"propose","terms":{"a":2,"b":0},"say":"…"}`: what is done comes first, so that the words can agree with it, and terms are
called by letters in the order of the rules, the same in every game, so that no name need be copied. What there is to divide, and what it is
worth to the seat, is told anew in the same form right before each reply, token beside token, since looking up what stands far back is what
a small model learns last; what another proposes is told so too, and what it is worth to the seat by the seat's own payoff.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from string import ascii_lowercase

from comity.agents.dialogue import dialogue
from comity.agents.games import Told, names_of, told_game, told_move, told_opened
from comity.agents.narration import aim_slots, told_action
from comity.agents.replies import (
    Parsed,
    checked,
    object_form,
    parse_action,
    read_move,
    read_recipients,
    terms_form,
)
from comity.models.conversation import Prompt
from comity.models.prompts import Block, Quoted, Template, load_template, quote
from comity.models.protocol import Schema
from comity.models.replies import UnusableReply, partial_words, read_object
from comity.world.actions import Action, ActionSpec, ActionType
from comity.world.deals import Deal, Division
from comity.world.moves import Move, MoveKind, MoveSpec, Term, Terms, Value
from comity.world.positions import Offer
from comity.world.views import Profile, SeatView, Seen
from comity.world.visibility import may_know_payoff

__all__ = ["CompactStyle"]

_MOST_WORDS = 280
"""Characters that a reply held to the schema may say: a small model may go on and on. Nor is it told more of what another says at once,
so that no partner, however talkative, fills its window.
"""

_WORDS = f'^[^ "\\\\\\n][^"\\\\\\n]{{0,{_MOST_WORDS - 1}}}$'
"""Without JSON's own marks, as a pattern could break a string with them."""
_FEW_WORDS = f'^[^"\\\\\\n]{{0,{_MOST_WORDS}}}$'
"""The same, or none."""

_TERMS = re.compile(r'"terms"\s*:\s*\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\}')
_SAY = re.compile(r'"say"\s*:')

_ANSWERS = (MoveKind.ACCEPT, MoveKind.REJECT)

_FAR = 21
"""Of a wide range only so many values from its low end: who may claim 0 to 10,000 points means some few."""

_DEED = "action"
"""The value of `by` where a move rides on a deed of who could have said it."""


class CompactStyle:
    """Replies are `{"do": …, "terms": {…}, "to": […], "say": …}`, of which only `do` is always there."""

    @property
    def template(self) -> Template:
        """`prompts/compact.toml`."""
        return load_template("comity.agents:compact", "comity.agents:compact_games")

    def messages(self, view: SeatView) -> Prompt:
        """The prompt for this view."""
        return dialogue(view, self)

    def schema(self, view: SeatView) -> Schema:
        """A form for each thing that the seat may do now."""
        return _schema(view.spec, _order(view))

    def parse(self, view: SeatView, text: str) -> Parsed:
        """The action in a reply. The chat style's form is understood too. Raises `UnusableReply`."""
        found, repaired = read_object(text)
        if "do" not in found and "action_type" in found:
            return parse_action(text, view.spec)
        do, say = found.get("do"), found.get("say")
        if say is not None and not isinstance(say, str):
            raise UnusableReply('"say" must be a string')
        kind = do.strip().lower() if isinstance(do, str) else ""
        to = read_recipients(found.get("to"), view.spec)
        if kind in set(MoveKind):
            terms = _named(found.get("terms"), _order(view))
            move = read_move({"kind": kind, "terms": terms}, view.spec)
            return Parsed(
                checked(_rides_on(view.spec.types, found.get("by")), say or "", to, view.spec, move), repaired
            )
        if kind not in set(ActionType):
            raise UnusableReply(f'"do" is {repr(do)[:60]}; it must be one of: {", ".join(_now(view.spec))}')
        return Parsed(checked(ActionType(kind), say or "", to, view.spec), repaired)

    def reask(self, view: SeatView, problem: str) -> str:
        """The problem and the forms again."""
        return self.template.fill("reask", problem=problem, reply=Block(self._reply(view)))

    def spoken(self, text: str) -> str:
        """What is said, as far as it has come."""
        around = _TERMS.sub("", text, count=1)  # a term, or a person, may be called "say" too
        key = None if '"terms"' in around else _SAY.search(around)
        return partial_words(around, after=key[0]) if key else ""

    def own(self, view: SeatView, seen: Seen) -> str:
        """The action as a reply."""
        return _as_reply(seen.action, seen.to, view.spec.types, _order(view))

    def told(self, view: SeatView, seen: Seen) -> str:
        """What another did, with as many of their words as the seat may say itself; of a proposal also what it is worth to the seat."""
        action, fill = _in_short(seen.action), self.template.fill
        if action.move is None or view.table is None:
            return told_action(self.template, seen.name, action, seen.to)
        move = self._move(view, action.move)
        if (worth := _worth(view, seen.seat, action.move)) is not None:
            move = fill("move_worth", move=Block(move), worth=worth)
        key = "move_said" if action.type is ActionType.SPEAK else "move_done"
        return fill(key, name=seen.name, move=Block(move), words=Quoted(action.argument))

    def _move(self, view: SeatView, move: Move) -> str:
        """In words, but for terms that have an order, which stand as in a reply."""
        if move.kind is MoveKind.CLAIM or not move.terms:
            return told_move(self.template, move, view.table.payoff if view.table else None)
        return self.template.fill(move.kind.value, terms=Block(_as_terms(move.terms, _order(view))))

    def opened(self, opened: Sequence[tuple[str, Move]]) -> str:
        """What was opened to everyone."""
        return told_opened(self.template, opened)

    def ask(self, view: SeatView, turn: int) -> str:
        """The turn."""
        if view.mode == "script":
            return self.template.fill("script_ask", turn=turn, turn_limit=view.turn_limit, name=view.me.name)
        counts, worths = self._numbers(view)
        return self.template.fill(
            "ask", turn=turn, turn_limit=view.turn_limit, counts=Block(counts), worths=Block(worths)
        )

    def _numbers(self, view: SeatView) -> tuple[str, str]:
        """What there is to divide, and what each is worth to the seat; empty in another game."""
        payoff, order = view.table.payoff if view.table else None, _order(view)
        if not isinstance(payoff, Division):
            return "", ""
        return _as_terms(payoff.items, order), _as_terms(payoff.values[view.me.seat], order)

    def system(self, view: SeatView) -> str:
        """Who is here, what is wanted and at stake, and how to answer. The setting, and who one is beyond the name, only where there is
        no game to say it all.
        """
        fill, payoff = self.template.fill, view.table.payoff if view.table else None
        game = self._game(view, view.me.seat)
        others = [self._person(view, profile) for profile in view.others]
        common = {
            "setting": "" if payoff else view.setting,
            "rules": Block(game.rules),
            "letters": ", ".join(f"{letter} is {name}" for name, letter in _letters(_order(view)).items()),
            "reply": Block(self._reply(view)),
        }
        if view.mode == "script":
            return fill("script_system", people=Block("\n".join([self._person(view, view.me), *others])), **common)
        return fill(
            "system",
            who=_who(view.me),
            about="" if payoff else _about(view.me),
            others=Block("\n".join(others)),
            secret=view.me.facts.get("secret", ""),
            worth=game.worth,
            **aim_slots(view.me),
            **common,
        )

    def _game(self, view: SeatView, seat: str) -> Told:
        payoff, letters = view.table.payoff if view.table else None, _letters(_order(view))
        return told_game(self.template, payoff, names_of(view), seat, called=lambda term: letters.get(term, term))

    def _person(self, view: SeatView, profile: Profile) -> str:
        payoff = view.table.payoff if view.table else None
        writes = view.mode == "script"  # and plays them all
        knows = may_know_payoff(view.me.seat, profile.seat, view.mode)
        relationship = self.template.texts[profile.relationship or "stranger"]
        return self.template.fill(
            "person",
            who=_who(profile),
            name=profile.name,
            relationship=relationship if profile.relationship else "too",
            background="" if payoff else profile.background,
            about=_about(profile) if writes and not payoff else "",
            occupation="" if writes or payoff else profile.facts.get("occupation", ""),
            secret=profile.facts.get("secret", ""),
            worth=self._game(view, profile.seat).worth if knows else "",
            **{slot: text for slot, text in aim_slots(profile).items() if slot != "strategy_hint"},
        )

    def _reply(self, view: SeatView) -> str:
        """What can come up for the seat, at whatever turn: what has once been said stays as it is."""
        fill, payoff = self.template.fill, view.table.payoff if view.table else None
        spec = payoff.spec(payoff.begin(view.table.position.parties), view.me.seat) if payoff and view.table else None
        names = ", ".join(quote(profile.name) for profile in view.others)
        return fill(
            "reply",
            forms=Block("\n".join(_move_lines(spec, _order(view)) or [_plain_line(view.spec.types)])),
            kinds=Block(", ".join([*_with_answers(spec), *(kind.value for kind in view.spec.types)])),
            private=Block(fill("reply_private", recipients=Block(names)) if view.spec.recipients else ""),
        )


def _who(profile: Profile) -> str:
    return f"{profile.name}, {profile.role}" if profile.role else profile.name


def _about(profile: Profile) -> str:
    """All facts but the secret, which has a line of its own."""
    told = ((fact.replace("_", " "), value) for fact, value in profile.facts.items() if fact != "secret")
    return "; ".join(f"{label}: {value}" for label, value in told)


def _in_short(action: Action) -> Action:
    """The action with words no longer than a reply's; an ellipsis says where they go on."""
    if len(action.argument) <= _MOST_WORDS:
        return action
    return action.model_copy(update={"argument": action.argument[: _MOST_WORDS - 1] + "…"})


def _worth(view: SeatView, by: str, move: Move) -> int | None:
    """What a proposal is worth to the viewer; `None` for what is none, and for the writer of a script, who is nobody."""
    payoff = view.table.payoff if view.table else None
    if move.kind is not MoveKind.PROPOSE or not isinstance(payoff, Deal) or view.mode == "script":
        return None
    return payoff.worth(view.me.seat, Offer(by, move.terms))


def _rides_on(types: Sequence[ActionType], by: object) -> ActionType:
    """A move is made in words by who may speak, unless the reply says otherwise, and else by a deed."""
    speaks = ActionType.SPEAK in types and by != _DEED
    return ActionType.SPEAK if speaks else ActionType.ACTION


def _with_answers(spec: MoveSpec | None) -> list[str]:
    """The kinds of moves that can come up where these are possible at the beginning."""
    kinds = spec.kinds if spec else ()
    return [kind.value for kind in (*kinds, *(_ANSWERS if MoveKind.PROPOSE in kinds else ()))]


def _now(spec: ActionSpec) -> list[str]:
    return [*(kind.value for kind in (spec.moves.kinds if spec.moves else ())), *(kind.value for kind in spec.types)]


def _order(view: SeatView) -> tuple[str, ...]:
    """The terms of a deal or a choice, by name, in the order of the rules."""
    return tuple(term.id for term in view.table.payoff.terms(view.me.seat)) if view.table else ()


def _letters(order: Sequence[str]) -> dict[str, str]:
    """By term, in the order of the rules, what it is called here."""
    return {name: ascii_lowercase[at] if at < len(ascii_lowercase) else f"z{at}" for at, name in enumerate(order)}


def _named(terms: object, order: Sequence[str]) -> object:
    """Terms by their names, whether called by these or by letters. Raises `UnusableReply`."""
    if terms is not None and not isinstance(terms, dict):
        raise UnusableReply('"terms" must be an object that names each, such as {"a":1}')
    names = {letter: name for name, letter in _letters(order).items()}
    called = set() if all(key.lower() in names for key in terms or ()) else set(order)
    return terms and {key if key in called else names.get(key.lower(), key): value for key, value in terms.items()}


def _as_reply(action: Action, to: Sequence[str], types: Sequence[ActionType], order: Sequence[str]) -> str:
    """The action as the reply that would have made it; the same at every reading of the log."""
    fields = {"do": quote(action.move.kind if action.move else action.type)}
    if action.move is not None and action.move.terms:
        fields["terms"] = _as_terms(action.move.terms, order)
    if action.move is not None and action.type is not _rides_on(types, None):
        fields["by"] = quote(_DEED)
    if to:
        fields["to"] = "[" + ",".join(quote(name) for name in to) + "]"
    if action.type is not ActionType.NONE:
        fields["say"] = quote(action.argument)
    return "{" + ",".join(f'"{key}":{value}' for key, value in fields.items()) + "}"


def _as_terms(terms: Terms, order: Sequence[str]) -> str:
    """As JSON, by letters. What only a claim knows of has none, and keeps its name."""
    letters = _letters(order)
    at = {name: place for place, name in enumerate(order)}
    in_order = sorted(terms.items(), key=lambda pair: at.get(pair[0], len(at)))
    return "{" + ",".join(f"{quote(letters.get(term, term))}:{_value(value)}" for term, value in in_order) + "}"


def _value(value: Value) -> str:
    return quote(value) if isinstance(value, str) else str(value)


def _move_lines(spec: MoveSpec | None, order: Sequence[str]) -> list[str]:
    """An example of a move that has terms, one for each set of terms and each way to write them."""
    first: dict[tuple[bool, frozenset[str]], str] = {}
    for kind, terms in _telling(spec) if spec else ():
        claims, names = kind is MoveKind.CLAIM, frozenset(term.id for term in terms)
        if not claims or not any(known for known, _ in first):  # of all that can be claimed, the first shows how
            middling = {term.id: _middling(term) for term in terms}
            example = _as_terms(middling, order)
            first.setdefault((claims, names), f'{{"do":"{kind.value}","terms":{example},"say":"..."}}')
    return list(first.values())


def _plain_line(types: Sequence[ActionType]) -> str:
    """How an action without a move is written: one with words, where there is any."""
    worded = [kind for kind in types if kind is not ActionType.NONE]
    kind = ActionType.SPEAK if ActionType.SPEAK in worded else next(iter(worded), ActionType.NONE)
    return f'{{"do":"{kind.value}","say":"..."}}' if worded else f'{{"do":"{kind.value}"}}'


def _middling(term: Term) -> Value:
    """A value that asks for neither end of what is possible."""
    return term.options[len(term) // 2] if term.options else term.low + (min(len(term), _FAR) - 1) // 2 * term.step


@lru_cache(maxsize=1024)
def _schema(spec: ActionSpec, order: tuple[str, ...]) -> Schema:
    letters = _letters(order)
    kinds = spec.moves.kinds if spec.moves else ()
    worded = [kind.value for kind in spec.types if kind not in (ActionType.LEAVE, ActionType.NONE)]
    forms = [_form([*worded, *(kind.value for kind in kinds if kind in _ANSWERS)])] if worded else []
    if spec.recipients and worded:
        names = {"type": "string", "enum": [name for _, name in spec.recipients]}
        forms.append(_form(worded, {"to": {"type": "array", "items": names, "minItems": 1}}))
    if spec.moves:
        forms += [_form([kind.value], {"terms": terms_form(terms, letters)}) for kind, terms in _telling(spec.moves)]
    if ActionType.LEAVE in spec.types:
        forms.append(_form([ActionType.LEAVE.value], words=_FEW_WORDS))
    if ActionType.NONE in spec.types:
        forms.append(object_form({"do": {"type": "string", "enum": [ActionType.NONE.value]}}))
    return Schema("compact", forms[0] if len(forms) == 1 else {"anyOf": forms})


def _form(kinds: Sequence[str], more: Mapping[str, object] | None = None, words: str = _WORDS) -> dict[str, object]:
    do, say = {"type": "string", "enum": list(kinds)}, {"type": "string", "pattern": words}
    return object_form({"do": do, **(more or {}), "say": say})


def _telling(spec: MoveSpec) -> Iterator[tuple[MoveKind, tuple[Term, ...]]]:
    """Each way to make a move that has terms. A claim states one thing."""
    for kind in spec.kinds:
        if kind is MoveKind.CLAIM:
            yield from ((kind, (term,)) for term in spec.claims)
        elif kind not in _ANSWERS:
            yield kind, spec.terms
