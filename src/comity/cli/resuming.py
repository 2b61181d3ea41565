"""Playing an episode on: the record alone says who plays and how; what would contradict it is refused."""

import shlex
from collections.abc import Callable, Mapping

import typer

from comity.agents.by_rule import again_by_rule
from comity.agents.llm import Hear
from comity.agents.protocol import Agent
from comity.cli.choose import Models
from comity.cli.output import program
from comity.world.episodes import Episode, Policy

__all__ = ["agents_again", "in_store", "nothing_against", "people", "way_on"]

_ALLOWED = {"going_on", "judge", "judge_temperature", "rubric", "store", "as_json", "seat"}
"""Parameters that do not say what the record already says; a seat is compared with it."""


def in_store(given: str | None) -> list[str]:
    """The `--store` of a command to be typed next, where this one had it."""
    return ["--store", given] if given else []


def people(episode: Episode) -> list[str]:
    """The seats that a person plays."""
    return [seat for seat, policy in episode.policies.items() if policy.agent == "human"]


def way_on(episode: Episode, store: str | None) -> str:
    """The command that plays the episode on."""
    command = "play" if people(episode) else "simulate"
    return shlex.join([program(), command, "--continue", episode.id[:8], *in_store(store)])


def nothing_against(context: typer.Context) -> None:
    """Raise `BadParameter` where the user gave what the record already says."""
    named = [
        max(parameter.opts, key=len)
        for parameter in context.command.params
        if parameter.name and parameter.name not in _ALLOWED and _typed(context, parameter.name)
    ]
    if named:
        raise typer.BadParameter(f"the record says how the episode goes on; leave out {', '.join(named)}")


def _typed(context: typer.Context, parameter: str) -> bool:
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def agents_again(
    episode: Episode, made: Models, hear: Hear | None = None, person: Callable[[], Agent] | None = None
) -> dict[str, Agent]:
    """The agents that the record names. Raises `BadParameter` where this version cannot make them as they were."""
    agents: dict[str, Agent] = {}
    for seat, policy in episode.policies.items():
        if episode.mode == "script" and agents:
            agents[seat] = next(iter(agents.values()))
        elif policy.agent == "llm" or again_by_rule(policy):
            agents[seat] = made.agent_again(policy, hear)
        elif policy.agent == "human" and person:
            agents[seat] = person()
        else:
            raise typer.BadParameter(
                f"seat {seat!r} is played by {policy.agent!r}; only the program that made it can play it on"
            )
    _same_policies(episode, agents)
    return agents


def _same_policies(episode: Episode, agents: Mapping[str, Agent]) -> None:
    for seat, then in episode.policies.items():
        if agents[seat].policy != then:
            raise typer.BadParameter(
                f"seat {seat!r} can no longer be played as it was begun, with Comity {episode.code_version}: "
                + _changed(then, agents[seat].policy)
            )


def _changed(then: Policy, now: Policy) -> str:
    if then.model != now.model:
        return f"{then.model} now leads to {now.model}; set OPENAI_BASE_URL as it was"
    if (then.style, then.prompt_hash) != (now.style, now.prompt_hash):
        return f"its prompts were {_prompts(then)} and are now {_prompts(now)}; go on with that version, or begin anew"
    return f"it was {then.model_dump_json(exclude_none=True)} and is now {now.model_dump_json(exclude_none=True)}"


def _prompts(policy: Policy) -> str:
    return f"{policy.style} ({(policy.prompt_hash or '')[:8]})"
