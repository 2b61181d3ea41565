"""Any task as a PettingZoo environment: `parallel_env(task)`, in which all seats step at once, and `env(task)`, in which those step
whose turn it is. The rules are `comity.world`'s; there is no model here, and what is played is an `Episode` like any other.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, cast
from uuid import uuid4

try:
    import gymnasium
    import pettingzoo  # type: ignore[import-untyped,unused-ignore]
except ModuleNotFoundError as missing:
    if missing.name not in ("gymnasium", "numpy", "pettingzoo"):
        raise
    raise ModuleNotFoundError(
        f"{missing.name} is not installed; the adapter needs it: pip install 'comity[pettingzoo]'", name=missing.name
    ) from None

from comity._version import __version__
from comity.agents.briefing import shown_action
from comity.interop.encoded_actions import ActionSpace, Encoded
from comity.interop.encoded_views import ObservationSpace
from comity.world.actions import Action, ActionType, IllegalAction
from comity.world.environment import Environment, Limits, State
from comity.world.episodes import Episode, Policy
from comity.world.events import Failure, Trace
from comity.world.outcomes import outcome_of
from comity.world.record import derive_seed
from comity.world.tasks import Task
from comity.world.views import Projection, SeatView, view
from comity.world.visibility import Mode

__all__ = ["ComityEnv", "ComityParallelEnv", "Reward", "env", "parallel_env"]

Reward = Callable[[Episode], Mapping[str, float]]
"""The rewards of a finished episode, by seat."""


class _Playing:
    """One episode after another of a task. Agents are `seat_0`, `seat_1`, … in seat order."""

    metadata: ClassVar[dict[str, object]] = {
        "name": "comity_v0",
        "render_modes": ["ansi"],
        "is_parallelizable": False,
    }

    def __init__(
        self,
        task: Task,
        *,
        mode: Mode = "asymmetric",
        lite: bool = False,
        limits: Limits | None = None,
        policies: Mapping[str, Policy] | None = None,
        reward: Reward | None = None,
        illegal: Literal["fail", "none"] = "fail",
        render_mode: Literal["ansi"] | None = None,
    ) -> None:
        """Make the environment.

        Args:
            mode, lite, limits: as for `simulate`.
            policies: who plays each seat, for the record; without it `Policy(agent="pettingzoo")`.
            reward: the rewards of a finished episode by seat, in place of the outcome's utilities.
            illegal: what becomes of an action that is not legal now. `fail`: it is the agent's own failure and ends the episode,
                as everywhere. `none`: the seat does nothing. Either way the agent's info says why.
            render_mode: `ansi` lets `render` give the episode in words, with everything that is private in it.

        Raises `ValueError` for policies that do not fit the seats or the mode, and for `illegal="none"` where the scenario has
        no action `none`.
        """
        self.task, self.mode, self.lite, self.limits = task, mode, lite, limits or Limits()
        self.policies = policies or {seat.id: Policy(agent="pettingzoo") for seat in task.scenario.seats}
        self.render_mode = render_mode
        self.agents: list[str] = []
        self.seats: Mapping[str, str] = {f"seat_{at}": seat.id for at, seat in enumerate(task.scenario.seats)}
        """The scenario's seat of each agent."""
        self.possible_agents = list(self.seats)
        self._agents = {seat: agent for agent, seat in self.seats.items()}
        self._reward, self._illegal = reward, illegal
        self._check()
        self._make_spaces()
        self._seed, self._resets = 0, 0
        self._state: State | None = None
        self._refused: dict[str, str] = {}
        self._finished_at: datetime | None = None

    def _check(self) -> None:
        if set(self.policies) != set(self._agents):
            raise ValueError(f"`policies` is by seat, one for each of {', '.join(self._agents)}")
        if self.mode == "script" and any(p != self.policies[self.seats["seat_0"]] for p in self.policies.values()):
            raise ValueError("in script mode one writer writes every part: give every seat the same policy")
        if self._illegal == "none" and ActionType.NONE not in self.task.scenario.actions:
            raise ValueError(f"{self.task.scenario.id!r} has no action 'none': illegal=\"none\" is not possible")

    def _opened(self, seed: int) -> State:
        return Environment().reset(self.task, seed=seed, mode=self.mode, lite=self.lite, limits=self.limits)

    def _make_spaces(self) -> None:
        start, seats = self._opened(0), list(self._agents)
        views = {agent: view(start, seat) for agent, seat in self.seats.items()}
        self.action_spaces = {agent: ActionSpace(seen.spec) for agent, seen in views.items()}
        self.observation_spaces = {agent: ObservationSpace(seen, seats) for agent, seen in views.items()}

    def observation_space(self, agent: str) -> gymnasium.Space[Any]:
        """What the agent can see; see `ObservationSpace`."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> ActionSpace:
        """What the agent can do."""
        return self.action_spaces[agent]

    def view(self, agent: str) -> SeatView:
        """The agent's view as Comity's own agents have it: `action_space(agent).encode(action)` brings theirs here."""
        now = self._now
        return self._projection.view(now, self.seats[agent])

    def episode(self) -> Episode:
        """The episode as it stands, for the store, the judge and whatever else takes one."""
        now = self._now
        return self._episode.model_copy(update={"events": now.events, "end": now.end, "finished_at": self._finished_at})

    def render(self) -> str | None:
        """What was said and done so far, by all and to all; `None` without the render mode `ansi`."""
        if self.render_mode is None:
            return None
        names, payoff = self.task.names, self.task.scenario.payoff
        return "\n".join(
            shown_action(names[event.seat], event.action, tuple(names[seat] for seat in event.action.to), payoff)
            for event in self._now.events
            if event.action is not None
        )

    def close(self) -> None:
        """There is nothing to release."""

    @property
    def _now(self) -> State:
        if self._state is None:
            raise RuntimeError("no episode has begun: call reset()")
        return self._state

    def _check_on(self) -> None:
        if not self.agents:
            raise RuntimeError("no episode is being played: call reset()")

    @property
    def _acting(self) -> list[str]:
        return [self._agents[seat] for seat in self._now.acting]

    def _begin(self, seed: int | None) -> None:
        if seed is not None:
            self._seed, self._resets = int(seed), 0
        own = derive_seed(self._seed, self._resets) if self._resets else self._seed
        self._resets += 1
        self.agents = list(self.possible_agents)
        self._state, self._refused, self._finished_at = self._opened(own), {}, None
        self._episode = Episode(
            id=uuid4().hex,
            task=self.task,
            mode=self.mode,
            lite=self.lite,
            seed=own,
            limits=self.limits,
            policies=self.policies,
            events=(),
            end=None,
            code_version=__version__,
            started_at=datetime.now(UTC),
        )
        self._projection = Projection(self._episode.id)

    def _read(self, agent: str, encoded: Encoded) -> tuple[Action | Failure, str]:
        """What the agent does, and why not what it wanted to."""
        try:
            action = self.action_spaces[agent].decode(encoded)
            self._now.spec(self.seats[agent]).check(action)
        except IllegalAction as error:
            if self._illegal == "none":
                return Action(type=ActionType.NONE), str(error)
            return Failure(kind="illegal_action", detail=str(error)), str(error)
        return action, ""

    def _play(self, did: Mapping[str, tuple[Action | Failure, str]]) -> None:
        """Play a turn of what `_read` gave."""
        trace = Trace(at=datetime.now(UTC))
        actions = {self.seats[agent]: action for agent, (action, _) in did.items()}
        self._state = Environment().step(self._now, actions, dict.fromkeys(actions, trace))
        self._refused = {agent: why for agent, (_, why) in did.items()}
        if self._state.end is not None:
            self._finished_at = trace.at

    def _observation(self, agent: str) -> dict[str, object]:
        return self.observation_spaces[agent].encode(self.view(agent), acting=agent in self._acting)

    def _info(self, agent: str) -> dict[str, object]:
        end = self._now.end
        spec = self._now.spec(self.seats[agent]) if agent in self._acting else None
        return {
            "action_mask": self.action_spaces[agent].mask(spec),
            "illegal": self._refused.get(agent, ""),
            "end": end.reason.value if end else "",
        }

    def _infos(self) -> dict[str, dict[str, object]]:
        return {agent: self._info(agent) for agent in self.agents}

    def _rewards(self) -> dict[str, float]:
        """Nothing before the end."""
        if self._now.end is None:
            return dict.fromkeys(self.agents, 0.0)
        episode = self.episode()
        if self._reward is not None:
            given = self._reward(episode)
        else:
            outcome = outcome_of(episode)
            given = outcome.utilities if outcome else dict.fromkeys(self._agents, 0.0)
        missing = [seat for seat in self._agents if given.get(seat) is None]
        if missing:
            raise ValueError(
                f"`reward` gave no number for {', '.join(missing)}: it gives one for every seat, or raises"
            )
        return {agent: float(given[seat]) for agent, seat in self.seats.items()}


class ComityParallelEnv(_Playing, pettingzoo.ParallelEnv):  # type: ignore[misc,unused-ignore]
    """All agents step at once; what those do who do not act in this turn is not read."""

    def reset(
        self, seed: int | None = None, options: Mapping[str, object] | None = None
    ) -> tuple[dict[str, dict[str, object]], dict[str, dict[str, object]]]:
        """Begin an episode and give observations and infos.

        `seed` is the episode's. Without one, the episodes after a seed have seeds that follow from it; the first of all has 0.
        `options` is not read: there are none.
        """
        self._begin(seed)
        return self._observations(), self._infos()

    def step(
        self, actions: Mapping[str, Encoded]
    ) -> tuple[
        dict[str, dict[str, object]],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, object]],
    ]:
        """Play one turn and give observations, rewards, terminations, truncations and infos.

        Raises `ValueError` where an agent that acts gives nothing, or what is not in its action space. Once the episode has
        ended, no actions give nothing, and any raise `RuntimeError`.
        """
        if not self.agents and not actions:
            return {}, {}, {}, {}, {}
        self._check_on()
        acting = self._acting
        if missing := ", ".join(agent for agent in acting if agent not in actions):
            raise ValueError(f"turn {self._now.turn} needs an action of {missing}")
        self._play({agent: self._read(agent, actions[agent]) for agent in acting})
        observations, rewards, infos = self._observations(), self._rewards(), self._infos()
        over = self._now.end is not None
        terminations, truncations = dict.fromkeys(self.agents, over), dict.fromkeys(self.agents, False)
        if over:
            self.agents = []
        return observations, rewards, terminations, truncations, infos

    def _observations(self) -> dict[str, dict[str, object]]:
        return {agent: self._observation(agent) for agent in self.agents}


class ComityEnv(_Playing, pettingzoo.AECEnv):  # type: ignore[misc,unused-ignore]
    """Those agents step that act in a turn, in seat order; where all act at once, none sees what the others have done in it."""

    def reset(self, seed: int | None = None, options: Mapping[str, object] | None = None) -> None:
        """Begin an episode; see `ComityParallelEnv.reset`."""
        self._begin(seed)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = self._infos()
        self._did: dict[str, tuple[Action | Failure, str]] = {}
        self.agent_selection = self._acting[0]

    def observe(self, agent: str) -> dict[str, object]:
        """What the agent sees now."""
        return self._observation(agent)

    def step(self, action: Encoded | None) -> None:
        """Take the selected agent's action; the turn is played when all who act in it have given theirs.

        After the end each agent steps once more, with `None`. Raises `ValueError` for what is not in its action space, and
        `RuntimeError` once no agent is left.
        """
        self._check_on()
        agent = self.agent_selection
        if self.terminations[agent]:
            self._was_dead_step(action)
            return
        self._did[agent] = self._read(agent, cast(Encoded, action))
        waiting = [each for each in self._acting if each not in self._did]
        if waiting:
            self.agent_selection = waiting[0]
            return
        self._play(self._did)
        self._did = {}
        self.infos = self._infos()
        if self._now.end is None:
            self.agent_selection = self._acting[0]
        else:
            self.rewards = self._rewards()
            self.terminations = dict.fromkeys(self.agents, True)
            self._accumulate_rewards()
            self._deads_step_first()


parallel_env = ComityParallelEnv
env = ComityEnv
