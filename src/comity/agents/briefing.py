"""What a person reads: who they are, whom they meet, and what was said and done, in text that is safe to print in a terminal."""

import re

from comity.agents.games import game_template, names_of, told_game, told_move, told_opened
from comity.world.actions import Action, ActionType
from comity.world.payoffs import Payoff
from comity.world.views import Profile, SeatView, Seen
from comity.world.visibility import may_know_payoff

__all__ = ["briefing", "printable", "shown", "shown_action"]

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters (an escape sequence could redraw the screen) and overrides of the text's direction."""


def printable(text: str) -> str:
    """The text with what could command a terminal made visible; line breaks and tabs stay."""
    return _UNSAFE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def briefing(view: SeatView) -> str:
    """Everything a seat knows before anything has happened."""
    parts = [view.setting, _profile(view.me, "You are"), *(_profile(other, "You meet") for other in view.others)]
    return printable("\n\n".join([*parts, *_game(view)]))


def _game(view: SeatView) -> list[str]:
    """The rules of the game and what is private to those whose private part the view holds."""
    if view.table is None:
        return []
    template, payoff, names = game_template(), view.table.payoff, names_of(view)
    known = [seat for seat in names if may_know_payoff(view.me.seat, seat, view.mode)]
    worth = [(names[seat], told_game(template, payoff, names, seat).worth) for seat in known]
    private = [f"  worth to {name} (known to nobody else): {text}" for name, text in worth if text]
    return ["\n".join([told_game(template, payoff, names, view.me.seat).rules, *private])]


def shown(seen: Seen, payoff: Payoff | None = None) -> str:
    """One perceived action, and what was opened by it."""
    told = shown_action(seen.name, seen.action, seen.to, payoff)
    return f"{told}\n{printable(told_opened(game_template(), seen.opened))}" if seen.opened else told


def shown_action(name: str, action: Action, to: tuple[str, ...] = (), payoff: Payoff | None = None) -> str:
    """One action on the lines it needs. `to` are the display names of a private message's recipients."""
    who = f"{name} (to {', '.join(to)} alone)" if to else name
    match action.type:
        case ActionType.SPEAK:
            told = f"{who}: {action.argument}"
        case ActionType.LEAVE:
            told = f"{who}: {action.argument} (leaves)" if action.argument else f"{who} leaves."
        case ActionType.NONE:
            told = f"{who} does nothing."
        case ActionType.NON_VERBAL | ActionType.ACTION:
            told = f"{who} [{action.type}] {action.argument}"
    if action.move is not None:
        told = f"{told} [{told_move(game_template(), action.move, payoff)}]"
    return printable(told.replace("\n", "\n    "))  # indented, so that no words pass for another's line


_RELATION = {
    "stranger": "you have never met",
    "know_by_name": "you know each other by name",
    "acquaintance": "an acquaintance",
    "friend": "a friend",
    "romantic": "your partner",
    "family": "family",
}


def _profile(profile: Profile, lead: str) -> str:
    role = f", {profile.role}" if profile.role else ""
    relation = f" ({_RELATION[profile.relationship]})" if profile.relationship else ""
    lines = [f"{lead} {profile.name}{role}{relation}."]
    lines += [f"  {fact.replace('_', ' ')}: {value}" for fact, value in profile.facts.items()]
    if profile.background:
        lines.append(f"  how you know each other: {profile.background}")
    if profile.aim:
        aim = profile.aim
        labelled = {
            "goal": aim.goal,
            "known to nobody else": aim.extra_info,
            "to be clear": aim.clarification_hint,
            "hint": aim.strategy_hint,
        }
        lines += [f"  {label}: {text}" for label, text in labelled.items() if text]
    return "\n".join(lines)
