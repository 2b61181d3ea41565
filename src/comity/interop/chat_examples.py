"""Stored episodes as training examples: each action of each seat, after the prompt that asks a model for it in a chat-like style.

The prompt is what `LLMAgent` sends for the seat's view, made anew from the log; the last message is the action as the style itself
writes it in later prompts. So the messages hold what the seat saw, and nothing else. What nobody did is not learnt: a `none` that an
import put in, so that a record from elsewhere keeps to an order of turns, makes no example. Neither does what was played by or
against partners that are held out for evaluation. Beside the messages stand numbers to choose examples by: of the outcome and of the
newest scorecard, the seat's own.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from comity.agents.negotiators import is_held_out
from comity.agents.styles import Style, style_named
from comity.interop.kept import Kept, Written, json_line, written_whole
from comity.interop.remarks import Report
from comity.models.protocol import Message
from comity.world.actions import ActionType
from comity.world.environment import Environment
from comity.world.episodes import Episode, Policy
from comity.world.events import Event
from comity.world.scenarios import TurnOrder
from comity.world.views import Projection

__all__ = ["NoReplies", "Turn", "examples_of", "turns_of", "write_chat_examples"]


class NoReplies(ValueError):
    """The style shows a seat's own actions in some other way than as assistant messages, so there is no reply to learn."""


class Turn(NamedTuple):
    """What a seat did, between what it was asked and what it was asked next."""

    event: Event
    prompt: Sequence[Message]
    reply: Message
    """The action as the style writes it: an assistant message, and the one with which the seat's next prompt goes on."""


def write_chat_examples(episodes: Iterable[Kept], path: Path, report: Report, *, held_out: bool = False) -> Written:
    """Write one example a line, holding one episode at a time. An episode whose events do not follow the rules is a problem.

    The examples of an episode in which a held-out partner plays are left out and counted as `held out`, unless `held_out` asks for
    them: they are for analysis, and nothing may be learned from or against such a partner. Raises `ExportFailed`.
    """
    written = Written()
    with written_whole(path) as file:
        for kept in episodes:
            if not held_out and any(map(is_held_out, kept.episode.policies.values())):
                written.rows["held out"] += sum(_is_learnt(kept.episode, event) for event in kept.episode.events)
                continue
            try:
                lines = [json_line(example) for example in examples_of(kept)]
            except ValueError as error:
                report.problem(
                    f"episode {kept.episode.id}", f"its events do not follow the rules of this version: {error}"
                )
                continue
            file.writelines(lines)
            passed = sum(map(partial(_inserted, kept.episode), kept.episode.events))
            written.note(kept, examples=len(lines), **({"turns left out": passed} if passed else {}))
    return written


def examples_of(kept: Kept, style: str = "chat") -> Iterator[dict[str, object]]:
    """The examples of an episode in the order of its events: `messages`, of which the last is to be learnt, and `metadata`.

    Raises `ValueError` as `turns_of` does.
    """
    rendering = style_named(style)
    for event, prompt, reply in turns_of(kept.episode, rendering):
        messages = [{"role": role, "content": content} for role, content in (*prompt, reply)]
        yield {"messages": messages, "metadata": _metadata(kept, event, rendering)}


def turns_of(episode: Episode, style: Style) -> Iterator[Turn]:
    """Whatever was done and can be learnt, in the order of the events.

    A failure is no action and is left out, and so is a turn that an import put in. Raises `NoReplies` for a style without replies,
    another `ValueError` where the events do not follow the rules.
    """
    environment, projection = Environment(), Projection(episode.id)
    state = environment.reset(
        episode.task, seed=episode.seed, mode=episode.mode, lite=episode.lite, limits=episode.limits
    )
    for _, turn in groupby(episode.events, key=lambda event: event.turn):
        events = list(turn)
        prompts = {event.seat: style.messages(projection.view(state, event.seat)) for event in events}
        state = environment.step(state, {event.seat: event.did for event in events})
        for event in events:
            if _is_learnt(episode, event):
                prompt = prompts[event.seat]
                # The seat's next prompt goes on with what it has just done.
                following = style.messages(projection.view(state, event.seat))[len(prompt) :]
                if not following or following[0].role != "assistant":
                    raise NoReplies(
                        f"the style {style.template.label} writes no replies; learn in another, such as chat"
                    )
                yield Turn(event, prompt, following[0])


def _is_learnt(episode: Episode, event: Event) -> bool:
    return event.action is not None and not _inserted(episode, event)


def _inserted(episode: Episode, event: Event) -> bool:
    """Whether nobody did this: in a record from elsewhere, people's `none`, and that of a seat whose turn it was not there."""
    if not episode.source or event.action is None or event.action.type is not ActionType.NONE:
        return False
    scenario = episode.task.scenario
    # SOTOPIA's agents take turns; where one of them acted out of turn, the import has made the scenario simultaneous.
    whose = scenario.seats[(event.turn - 1) % len(scenario.seats)].id
    out_of_turn = scenario.turn_order is TurnOrder.SIMULTANEOUS and event.seat != whose
    return out_of_turn or episode.policies[event.seat].agent == "human"


def _metadata(kept: Kept, event: Event, style: Style) -> dict[str, object]:
    episode, scenario = kept.episode, kept.episode.task.scenario
    action = event.action
    return {
        "episode": episode.id,
        "event": event.index,
        "turn": event.turn,
        "seat": event.seat,
        "action": action.type.value if action else None,
        "move": action.move.kind.value if action and action.move else None,
        "task": episode.task.id,
        "scenario": scenario.id,
        "family": scenario.family,
        "payoff": scenario.payoff.kind if scenario.payoff else None,
        "mode": episode.mode,
        "lite": episode.lite,
        "policy": _policy(episode.policies[event.seat]),
        "partners": {seat: _policy(policy) for seat, policy in episode.policies.items() if seat != event.seat},
        "style": style.template.label,
        "prompt_hash": style.template.hash,
        "end": episode.end.reason.value if episode.end else None,
        "outcome": _outcome(kept, event.seat),
        "scores": _scores(kept, event.seat),
        "tag": episode.tag,
        "source": kept.source,
        "licence": kept.licence,
    }


def _policy(policy: Policy) -> dict[str, object]:
    return {"agent": policy.agent, "model": policy.model, "adapter": policy.adapter, "style": policy.style}


def _outcome(kept: Kept, seat: str) -> dict[str, object] | None:
    outcome = kept.outcome
    if outcome is None:
        return None
    return {
        "status": outcome.status,
        "version": outcome.version,
        "utility": outcome.utilities[seat],
        "surplus": outcome.surplus[seat] if outcome.surplus else None,
        "efficiency": outcome.efficiency,
        "pareto_efficient": outcome.pareto_efficient,
    }


def _scores(kept: Kept, seat: str) -> dict[str, object] | None:
    """Those of the newest scorecard; `None` for a dimension that could not be scored."""
    card = kept.newest
    if card is None or seat not in card.scores:
        return None
    return {
        "judge": card.judge.model or card.judge.agent,
        "judge_style": card.judge.style,
        "judge_prompt_hash": card.judge.prompt_hash,
        "rubric": f"{card.rubric}@{card.rubric_version}",
        "rubric_hash": card.rubric_hash,
        "by_dimension": {dimension: score.score for dimension, score in card.scores[seat].items()},
        "overall": card.overall[seat],
    }
