"""The transcript style, for small models: the scene and one growing text, to be continued by one line.

A reply is `{"Ana Lima": "words"}`: its only key is how the line begins. That holds a small model to its part where
role-mapped messages let it drift (design/003).
"""

import re
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from comity.agents.games import names_of, told_game, told_move, told_opened
from comity.agents.narration import aim_slots, own_first
from comity.agents.renderings import rendered
from comity.agents.replies import Parsed, checked, object_form, parse_action, read_move, terms_form
from comity.models.conversation import Prompt
from comity.models.prompts import Block, Quoted, Template, load_template, plain, quote
from comity.models.protocol import Message, Schema
from comity.models.replies import UnusableReply, partial_words, read_object
from comity.models.sentences import SENTENCES
from comity.world.actions import ActionSpec, ActionType
from comity.world.moves import MoveKind, Term
from comity.world.payoffs import Payoff
from comity.world.record import derive_seed
from comity.world.views import Profile, SeatView, Seen
from comity.world.visibility import may_know_payoff

__all__ = ["TranscriptStyle"]

_OWN_ACTIONS_BEFORE_LEAVING = 3
"""A small model that may leave at once often does."""

_MOVES = (MoveKind.PROPOSE, MoveKind.ACCEPT, MoveKind.REJECT, MoveKind.CHOOSE)
"""What is offered: claims would be one form more for each term, which a small model does not need."""

_STAGES = ("early", "middle", "late")

_FIRST_KEY = re.compile(r'[^{]*\{\s*"(?:[^"\\]|\\.)*"(?=\s*:)')


class _Form(NamedTuple):
    type: ActionType
    to: tuple[str, ...] = ()
    move: MoveKind | None = None


class _Told(NamedTuple):
    system: str
    text: str
    """The scene and a line for each action."""


class TranscriptStyle:
    """One user message that grows by a line an action."""

    @property
    def template(self) -> Template:
        """`prompts/transcript.toml`."""
        return _template()

    def messages(self, view: SeatView) -> Prompt:
        """The prompt for this view."""
        told = rendered(view, self, self._begin, self._tell)
        return Prompt([Message("system", told.system), Message("user", told.text)])

    def schema(self, view: SeatView) -> Schema:
        """One of the ways in which this seat's next line may begin, and its words."""
        forms = _forms(view.me.name, view.spec.types, view.spec.recipients)
        return _schema(tuple((start, _terms(forms[start.casefold()], view.spec)) for start in self._offered(view)))

    def parse(self, view: SeatView, text: str) -> Parsed:
        """The action in a reply. Any of the style's beginnings is understood, and so is the chat style's form."""
        found, repaired = read_object(text)
        if "action_type" in found:
            return parse_action(text, view.spec)
        forms = _forms(view.me.name, view.spec.types, view.spec.recipients)
        for start, words in found.items():
            if (form := forms.get(plain(start).casefold())) and isinstance(words, str):
                said = {"kind": form.move, "terms": found.get("terms")} if form.move else None
                return Parsed(checked(form.type, words, form.to, view.spec, read_move(said, view.spec)), repaired)
        offered = ", ".join(map(quote, self._offered(view)))
        raise UnusableReply(f"its key must be one of {offered} and its value a string")

    def reask(self, view: SeatView, problem: str) -> str:
        """The problem and the format again."""
        return self.template.fill("reask", problem=problem, format=Block(_format(self._offered(view)[0])))

    def spoken(self, text: str) -> str:
        """The value as far as it has come."""
        key = _FIRST_KEY.match(text)
        return partial_words(text, after=key[0]) if key else ""

    def _begin(self, view: SeatView) -> "_Told":
        return _Told(sys.intern(self._system(view)), self._scene(view))  # one for all episodes of the task

    def _tell(self, view: SeatView, told: "_Told", history: Sequence[Seen]) -> "_Told":
        payoff = view.table.payoff if view.table else None
        acts = own_first(view, (seen for seen in history if seen.action.type is not ActionType.NONE))
        return told._replace(text="\n".join([told.text, *(self._line(seen, payoff) for seen in acts)]))

    def _offered(self, view: SeatView) -> list[str]:
        """The beginnings the model may choose from: where the seat can speak, two tones that suit the stage, drawn by
        the view's seed, a word to one other alone, and leaving once it has acted often enough.
        """
        fill, name = self.template.fill, view.me.name
        if ActionType.SPEAK not in view.spec.types:
            return [fill(f"start_{kind.name.lower()}", name=name) for kind in view.spec.types]
        stage = _STAGES[min(len(_STAGES) * (view.turn - 1) // view.turn_limit, len(_STAGES) - 1)]
        tones = sorted(_tones(stage), key=lambda tone: derive_seed(view.seed, tone))[:2]
        offered = [fill("start_in_tone", name=name, tone=tone) for tone in tones]
        kinds = view.spec.moves.kinds if view.spec.moves else ()
        offered += [fill(f"start_{kind.value}", name=name) for kind in kinds if kind in _MOVES]
        if view.spec.recipients:
            _, other = view.spec.recipients[view.seed % len(view.spec.recipients)]
            offered.append(fill("start_privately", name=name, to=other))
        acted = sum(seen.seat == view.me.seat for seen in view.history)
        if ActionType.LEAVE in view.spec.types and acted >= _OWN_ACTIONS_BEFORE_LEAVING:
            offered.append(fill("start_leave", name=name))
        return offered

    def _line(self, seen: Seen, payoff: Payoff | None) -> str:
        key = "start_privately" if seen.to else f"start_{seen.action.type.name.lower()}"
        start = self.template.fill(key, name=seen.name, to=", ".join(seen.to))
        line = self.template.fill("line", start=start, words=Quoted(seen.action.argument))
        if seen.action.move is not None:
            move = told_move(self.template, seen.action.move, payoff)
            line = self.template.fill("with_move", what=Block(line), move=Block(move))
        return "\n".join([line, told_opened(self.template, seen.opened)]) if seen.opened else line

    def _system(self, view: SeatView) -> str:
        others = " and ".join(_who(profile) for profile in view.others)
        text = "script_system" if view.mode == "script" else "system"
        example = self.template.fill("start_in_tone", name=view.me.name, tone=_tones("early")[0])
        return self.template.fill(
            text, who=_who(view.me), name=view.me.name, others=others, format=Block(_format(example))
        )

    def _scene(self, view: SeatView) -> str:
        payoff = view.table.payoff if view.table else None
        game = told_game(self.template, payoff, names_of(view), view.me.seat)
        people = [self._person(view, profile) for profile in view.others]
        names = ", ".join(profile.name for profile in sorted((view.me, *view.others), key=lambda p: p.seat))
        return self.template.fill(
            "scene",
            setting=view.setting,
            name=view.me.name,
            people=Block("\n".join(person for person in people if person)),
            names=names,
            rules=Block(game.rules),
            worth=game.worth,
            **_told(view.me),
            **aim_slots(view.me),
        )

    def _person(self, view: SeatView, profile: Profile) -> str:
        payoff = view.table.payoff if view.table else None
        knows = may_know_payoff(view.me.seat, profile.seat, view.mode)
        return self.template.fill(
            "person",
            name=profile.name,
            relationship=self.template.texts[profile.relationship] if profile.relationship else "",
            background=profile.background,
            worth=told_game(self.template, payoff, names_of(view), profile.seat).worth if knows else "",
            **_told(profile),
            **aim_slots(profile),
        )


def _template() -> Template:
    return load_template("comity.agents:transcript", "comity.agents:narration", "comity.agents:games")


def _tones(stage: str) -> list[str]:
    return _template().texts[f"tones_{stage}"].split(", ")


@lru_cache(maxsize=4096)
def _forms(name: str, types: tuple[ActionType, ...], recipients: tuple[tuple[str, str], ...]) -> Mapping[str, _Form]:
    """Every way in which the line of who is called so may begin, its case folded, with what it then is."""
    fill = _template().fill
    forms = {fill(f"start_{kind.name.lower()}", name=name): _Form(kind) for kind in types}
    if ActionType.SPEAK in types:
        tones = {tone for stage in _STAGES for tone in _tones(stage)}
        forms |= {fill("start_in_tone", name=name, tone=tone): _Form(ActionType.SPEAK) for tone in sorted(tones)}
        forms |= {fill(f"start_{kind.value}", name=name): _Form(ActionType.SPEAK, move=kind) for kind in _MOVES}
        for seat, other in recipients:
            forms[fill("start_privately", name=name, to=other)] = _Form(ActionType.SPEAK, (seat,))
    return {start.casefold(): form for start, form in forms.items()}


def _who(profile: Profile) -> str:
    return f"{profile.name}, {profile.role}" if profile.role else profile.name


def _told(profile: Profile) -> dict[str, str | Quoted]:
    """What matters most, by slot: lists of traits and values only confuse a small model."""
    facts = profile.facts
    personality = facts.get("personality", "")
    return {
        "facts": ", ".join(facts[fact] for fact in ("age", "occupation") if fact in facts),
        "personality": Quoted(personality) if personality else "",
        "secret": facts.get("secret", ""),
    }


def _format(start: str) -> str:
    return f'{{{quote(start)}: "..."}}'


def _terms(form: _Form, spec: ActionSpec) -> tuple[Term, ...]:
    return spec.moves.terms if spec.moves and form.move in (MoveKind.PROPOSE, MoveKind.CHOOSE) else ()


@lru_cache(maxsize=4096)
def _schema(offered: tuple[tuple[str, tuple[Term, ...]], ...]) -> Schema:
    forms: list[dict[str, object]] = []
    for start, terms in offered:
        properties: dict[str, object] = {start: {"type": "string", "pattern": SENTENCES}}
        if terms:
            properties["terms"] = terms_form(terms)
        forms.append(object_form(properties))
    return Schema("line", forms[0] if len(forms) == 1 else {"anyOf": forms})
