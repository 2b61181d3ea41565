"""Ten thousand generated divisions between scripted negotiators: what they cost in CPU, and that each came to what it should.

    python benchmarks/negotiators.py [GAMES]

plays them through the real environment and views in this process, prints JSON and ends with 1 where a game is wrong. What is
right is worked out here by arithmetic of its own, from the numbers of the game and the log alone; the tests use it too.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from children import ChildFailed
from figures import Figure

from comity.agents.negotiators import Negotiator, named_styles
from comity.library import starter
from comity.library.fresh import fresh_one
from comity.world.environment import Environment, Limits, State
from comity.world.episodes import Episode
from comity.world.outcomes import Outcome, outcome_of
from comity.world.tasks import Task
from comity.world.views import Projection

__all__ = ["game", "main", "mistakes", "negotiators", "played", "result"]

GAMES = 10_000
_SEED = 2026

Json = Mapping[str, Any]
Share = tuple[int, ...]


def negotiators() -> list[Figure]:
    """`cpu_s_10000_divisions`. Raises `ChildFailed` where one of them is wrong."""
    command = [sys.executable, str(Path(__file__)), str(GAMES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ChildFailed(f"negotiators: {(done.stderr or done.stdout).strip()}")
    found: dict[str, float] = json.loads(done.stdout)
    return [
        Figure(
            "cpu_s_10000_divisions",
            found.pop("cpu_s"),
            "s",
            f"{GAMES:,} generated divisions of every sort, each between two of the {len(named_styles())} scripted negotiators: drawing the"
            " scenario, views, decisions in words, rules, and the outcome, which replays the log and looks at every deal. Process CPU time of"
            " a child process, without asyncio and without a store. All of them were then checked: agreements legal, points and Pareto"
            " efficiency by arithmetic of the benchmark's own.",
            limit=60.0,
            details=found,
        )
    ]


def game(number: int, seed: int = _SEED) -> tuple[Task, dict[str, Negotiator]]:
    """A generated division with its players: every pair of styles in turn."""
    scenario = fresh_one("division", number, seed)
    people = starter().characters[:2]
    seats = [seat.id for seat in scenario.seats]
    task = Task(id=scenario.id, scenario=scenario, cast=dict(zip(seats, people, strict=True)))
    each = _players()
    pair = each[number % len(each)], each[number // len(each) % len(each)]
    return task, dict(zip(seats, pair, strict=True))


@cache
def _players() -> list[Negotiator]:
    return [Negotiator(style) for style in named_styles().values()]


def played(task: Task, players: Mapping[str, Negotiator], seed: int) -> State:
    """The last state of the game."""
    environment, projection = Environment(), Projection()
    state = environment.reset(task, seed=seed)
    while state.acting:
        state = environment.step(
            state, {seat: players[seat].decide(projection.view(state, seat)) for seat in state.acting}
        )
    return state


def result(state: State, players: Mapping[str, Negotiator]) -> Outcome:
    """What the library says that it came to."""
    episode = Episode(
        id=state.task.id,
        task=state.task,
        mode=state.mode,
        lite=state.lite,
        seed=state.seed,
        limits=Limits(),
        policies={seat: player.policy for seat, player in players.items()},
        events=state.events,
        end=state.end,
        code_version="benchmark",
        started_at=datetime.now(UTC),
    )
    found = outcome_of(episode)
    assert found is not None
    return found


def mistakes(state: State, found: Outcome) -> Iterator[str]:
    """What is wrong with a game or with what the library says of it; nothing where all is right."""
    seats = [seat.id for seat in state.task.scenario.seats]
    assert state.task.scenario.payoff is not None
    numbers = state.task.scenario.payoff.model_dump(mode="json")
    log = [event.model_dump(mode="json") for event in state.events]
    try:
        deal = _agreement(log, numbers, seats)
    except _Illegal as error:
        yield f"{state.task.id}: {error}"
        return
    had = tuple(_points(numbers, seat, deal[seat]) if deal else _without(numbers, seat) for seat in seats)
    right = {
        "status": "agreed" if deal else "no_deal",
        "utilities": dict(zip(seats, map(float, had), strict=True)),
        "pareto_efficient": not _could_be_better(numbers, seats, had),
    }
    said = found.model_dump(include=set(right))
    yield from (
        f"{state.task.id}: {field} is {said[field]}, not {value}"
        for field, value in right.items()
        if said[field] != value
    )


class _Illegal(ValueError):
    """Something was done that the rules do not allow."""


def _agreement(log: Sequence[Json], numbers: Json, seats: Sequence[str]) -> dict[str, Share] | None:
    """What each seat takes in the end, by the log alone; `None` without a deal."""
    table: tuple[str, Share] | None = None
    written: dict[str, Share] = {}
    for event in log:
        seat, move = event["seat"], event["action"]["move"]
        if event["action"]["type"] == "leave":
            return None
        match move and move["kind"]:
            case None | "claim":
                continue
            case "propose" if numbers["settled_by"] == "acceptance":
                table = (seat, _share(move["terms"], numbers))
            case "choose" if numbers["settled_by"] == "selection" and seat not in written:
                written[seat] = _share(move["terms"], numbers)
            case "accept" | "reject" if table is not None and table[0] != seat:
                if move["kind"] == "accept":
                    return {table[0]: table[1], seat: _rest(numbers, table[1])}
                table = None
            case kind:
                raise _Illegal(f"event {event['index']}: {kind} is not possible there")
    adds_up = len(written) == 2 and _rest(numbers, written[seats[0]]) == written[seats[1]]
    return written if adds_up else None


def _share(terms: Mapping[str, int], numbers: Json) -> Share:
    if set(terms) != set(numbers["items"]) or any(not 0 <= terms[item] <= n for item, n in numbers["items"].items()):
        raise _Illegal(f"{dict(terms)} is no share of {numbers['items']}")
    return tuple(terms[item] for item in numbers["items"])


def _rest(numbers: Json, share: Share) -> Share:
    return tuple(count - taken for count, taken in zip(numbers["items"].values(), share, strict=True))


def _points(numbers: Json, seat: str, share: Share) -> int:
    return sum(taken * int(numbers["values"][seat][item]) for item, taken in zip(numbers["items"], share, strict=True))


def _without(numbers: Json, seat: str) -> int:
    return int(numbers["disagreement"].get(seat, 0))


def _could_be_better(numbers: Json, seats: Sequence[str], had: tuple[int, ...]) -> bool:
    """By looking at every split there is, and at none."""
    one, other = seats
    results = [(_without(numbers, one), _without(numbers, other))]
    for share in product(*(range(count + 1) for count in numbers["items"].values())):
        results.append((_points(numbers, one, share), _points(numbers, other, _rest(numbers, share))))
    return any(mine >= had[0] and theirs >= had[1] and (mine, theirs) != had for mine, theirs in results)


def main(games: int) -> int:
    """Play so many, print what they cost, and end with 1 where one is wrong."""
    draw = play = tell = 0.0
    turns = agreed = efficient = 0
    wrong: list[str] = []
    for number in range(games):
        at = [time.process_time()]
        task, players = game(number)
        at.append(time.process_time())
        state = played(task, players, number)
        at.append(time.process_time())
        found = result(state, players)
        at.append(time.process_time())
        draw, play, tell = draw + at[1] - at[0], play + at[2] - at[1], tell + at[3] - at[2]
        turns, agreed, efficient = (
            turns + state.turn - 1,
            agreed + (found.status == "agreed"),
            efficient + (found.pareto_efficient is True),
        )
        wrong += mistakes(state, found)
    parts = {"draw_ms_a_game": draw, "play_ms_a_game": play, "outcome_ms_a_game": tell}
    print(
        json.dumps(
            {
                "cpu_s": round(draw + play + tell, 2),
                "games": games,
                **{name: round(seconds * 1000 / games, 3) for name, seconds in parts.items()},
                "turns_a_game": round(turns / games, 2),
                "agreed": round(agreed / games, 3),
                "pareto_efficient": round(efficient / games, 3),
                "wrong": len(wrong),
            }
        )
    )
    print("\n".join(wrong[:20]), file=sys.stderr, end="")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else GAMES))
