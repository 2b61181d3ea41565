"""A person at a terminal as an agent: shows what the seat sees, reads what the person does."""

import re
from collections.abc import Callable, Iterable, Sequence

import anyio

from comity.agents.briefing import briefing, shown
from comity.agents.games import told_terms
from comity.agents.protocol import Reply
from comity.agents.replies import checked, read_move
from comity.models.protocol import Unreachable
from comity.models.replies import UnusableReply
from comity.world.actions import Action, ActionSpec, ActionType, IllegalAction
from comity.world.episodes import Policy
from comity.world.moves import MoveKind, MoveSpec, Term
from comity.world.views import SeatView, Seen

__all__ = ["HELP", "HumanAgent", "PersonAway", "news", "read_line"]

HELP = """\
Type what you say and press Enter. Or begin with:
  /show …        a gesture, look or expression
  /do …          a deed
  /to NAME: …    words for one person alone, where that is possible
  /pass          do nothing this turn
  /leave …       go, with parting words if you like
  /brief         who you are, whom you meet, your goal, and what happened so far
  /help          this text"""

MOVES_HELP = """\
Moves count by the rules of this game; words alone bind nobody. They take words too, after a bar:
  /propose TERM=VALUE TERM=VALUE | words      /accept | words      /reject | words
  /choose TERM=VALUE | words                  /claim TERM=VALUE | words
With a single term, the value alone will do: /choose 40"""

_MOVES = {f"/{kind.value}": kind for kind in MoveKind}

_COMMANDS = {
    "/show": ActionType.NON_VERBAL,
    "/do": ActionType.ACTION,
    "/pass": ActionType.NONE,
    "/leave": ActionType.LEAVE,
}


class PersonAway(Unreachable):
    """The person closed the input. That is nobody's failure: the episode can go on later."""


class HumanAgent:
    """Plays a seat by asking a person.

    Args:
        read: takes a prompt and gives a line; raises `EOFError` when the person is gone. Called in a thread, which is
            not waited for when the episode is cancelled.
        write: shows text to the person.
    """

    def __init__(self, read: Callable[[str], str] = input, write: Callable[[str], None] = print) -> None:
        self._read, self._write = read, write
        self._greeted: set[str] = set()
        """The sessions whose person has read their briefing here: what is shown depends on it, what is done never."""

    @property
    def policy(self) -> Policy:
        """A human at a terminal."""
        return Policy(agent="human")

    async def act(self, view: SeatView) -> Reply:
        """Show what is new and ask until the answer can be used. Raises `PersonAway`."""
        if view.session in self._greeted:
            self._write(_told(view, news(view)))
        else:
            means = [HELP, MOVES_HELP] if view.table else [HELP]
            self._write("\n\n".join([briefing(view), *means, _told(view, view.history)]).rstrip())
            self._greeted.add(view.session)
        while True:
            line = await self._line(view)
            if line.strip() == "/brief":
                self._write("\n\n".join([briefing(view), _told(view, view.history)]).rstrip())
                continue
            try:
                return Reply(read_line(line, view.spec))
            except UnusableReply as error:
                self._write(str(error))

    async def _line(self, view: SeatView) -> str:
        prompt = f"{view.me.name}, turn {view.turn} of {view.turn_limit}> "
        try:
            return await anyio.to_thread.run_sync(self._read, prompt, abandon_on_cancel=True)
        except EOFError:
            raise PersonAway("the person closed the input; the episode can be continued") from None


def news(view: SeatView) -> list[Seen]:
    """What others did since the seat last acted, and at the same time as it."""
    last = max((seen.turn for seen in view.history if seen.seat == view.me.seat), default=0)
    return [seen for seen in view.history if seen.turn >= last and seen.seat != view.me.seat]


def _told(view: SeatView, history: Iterable[Seen]) -> str:
    payoff = view.table.payoff if view.table else None
    return "\n".join(shown(seen, payoff) for seen in history)


def read_line(line: str, spec: ActionSpec) -> Action:
    """The action that a line asks for. Raises `UnusableReply` with what to type instead."""
    line = line.strip()
    command, _, rest = line.partition(" ")
    if not line or command == "/help":
        raise UnusableReply(HELP)
    if command in _MOVES:
        return _moved(_MOVES[command], rest, spec)
    if command == "/to":
        name, colon, words = rest.partition(":")
        if not colon:
            raise UnusableReply("write it as /to NAME: words")
        try:
            return checked(ActionType.SPEAK, words.strip(), spec.seats_named([name]), spec)
        except IllegalAction as error:
            raise UnusableReply(str(error)) from None
    if command.startswith("/") and command not in _COMMANDS:
        raise UnusableReply(f"there is no {command}\n{HELP}")
    kind = _COMMANDS.get(command, ActionType.SPEAK)
    return checked(kind, line if kind is ActionType.SPEAK else rest.strip(), (), spec)


def _moved(kind: MoveKind, said: str, spec: ActionSpec) -> Action:
    """The move with its words, or with what it says for words. Raises `UnusableReply`."""
    terms, _, words = (part.strip() for part in said.partition("|"))
    every = spec.moves or MoveSpec(())
    offered = every.claims if kind is MoveKind.CLAIM else every.terms
    move = read_move({"kind": kind.value, "terms": _terms(terms, offered)}, spec)
    assert move is not None, "there is a kind"
    return checked(ActionType.SPEAK, words or _WORDS[kind].format(told_terms(move.terms)), (), spec, move)


_WORDS = {
    MoveKind.PROPOSE: "I propose {}.",
    MoveKind.ACCEPT: "I accept.",
    MoveKind.REJECT: "I do not accept that.",
    MoveKind.CHOOSE: "I have written something down.",  # and what it is stays unseen
    MoveKind.CLAIM: "For me it is {}.",
}
"""What is said with a move that is made without words."""


def _terms(said: str, offered: Sequence[Term]) -> dict[str, str]:
    """`books=2 hats=0`, with or without commas, or the value of the only term. Raises `UnusableReply`."""
    said = re.sub(r"\s*=\s*", "=", said)
    if said and len(offered) == 1 and not said.startswith(f"{offered[0].id}="):
        return {offered[0].id: said}
    starts = sorted(at for term in offered if (at := f" {said}".find(f" {term.id}=")) >= 0)
    ends = [*starts[1:], len(said)] if starts else []
    pairs = (said[start:end].partition("=") for start, end in zip(starts, ends, strict=True))
    terms = {term: value.strip(" ,") for term, _, value in pairs}
    if said and not terms:
        raise UnusableReply(f"write the terms as TERM=VALUE; they are: {'; '.join(map(str, offered)) or 'none now'}")
    return terms
