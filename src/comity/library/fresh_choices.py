"""Fresh dilemmas, common pots, searches for a mutual friend, secrets and gifts."""

from collections.abc import Mapping, Sequence
from typing import cast

from comity.library.drawing import Draw, World, scenario, seat, worlds

__all__ = ["dilemma", "gift", "mutual_friend", "public_goods", "secret"]

Made = dict[str, object]


def dilemma(draw: Draw) -> Made:
    """One to six rounds, with points that make a dilemma: T > R > P > S and 2R > T + S."""
    world, words = draw.world, draw.words()
    sucker = draw.below(3, "sucker")
    punishment = sucker + draw.between(1, 3, "punishment")
    reward = punishment + draw.between(2, 4, "reward")
    temptation = reward + draw.between(1, reward - sucker - 1, "temptation")
    rounds = draw.one((1, 1, 2, 3, 4, 6), "rounds")
    payoff: Made = {
        "kind": "dilemma",
        "cooperate": world["cooperate"],
        "defect": world["defect"],
        "temptation": temptation,
        "reward": reward,
        "punishment": punishment,
        "sucker": sucker,
        "rounds": rounds,
    }
    seats = [seat(draw, table, words) for table in _tables(world, "seats")]
    return scenario(draw, words, seats, payoff, 2 * rounds + draw.one((4, 6, 8), "turns"))


_POT_GOALS = (
    "See that something comes of it for all of you, and for yourself.",
    "Come out of it with as much as you can. You have to live with these people afterwards.",
    "Give what seems right to you, once you have heard what the others mean to do.",
    "Get the others to give. What you give yourself is your own affair.",
)


def public_goods(draw: Draw) -> Made:
    """Two to five seats and one to four rounds; what is given grows by a factor between 1 and their number."""
    world, words = draw.world, draw.words()
    words["one"] = words["unit"].removesuffix("s")
    tables = _tables(world, "seats")
    tables = tables[: draw.between(2, len(tables), "seats")]
    rounds = draw.one((1, 1, 2, 3, 4), "rounds")
    most = min(len(tables) - 0.2, 2.5)
    payoff: Made = {
        "kind": "public_goods",
        "endowment": draw.one((8, 10, 12, 20, 50), "endowment"),
        "factor": round(1.2 + (most - 1.2) * draw.below(11, "factor") / 10, 2),
        "rounds": rounds,
        "unit": words["unit"],
    }
    goals = draw.some(_POT_GOALS, len(_POT_GOALS), "goals")
    seats = [seat(draw, {**table, "goals": [goals[at % len(goals)]]}, words) for at, table in enumerate(tables)]
    return scenario(draw, words, seats, payoff, len(tables) * (rounds + draw.one((1, 2), "turns")))


def mutual_friend(draw: Draw) -> Made:
    """Two or three lists of four to eight people, each with a trade, a pastime and a home; one of them is on all lists."""
    world, words = draw.world, draw.words()
    count, length = draw.one((2, 2, 3), "seats"), draw.between(4, 8, "length")
    pools = worlds(draw.kind).pools
    size = count * (length - 1) + 1
    names = [
        f"{first} {last}"
        for first, last in zip(
            _repeated(draw, pools["first"], size, "first"), _repeated(draw, pools["last"], size, "last"), strict=True
        )
    ]
    people = [f"{name} ({_traits(draw, pools, at)})" for at, name in enumerate(names)]
    ids = ("first", "second", "third")[:count]
    contacts = {
        id_: draw.some([people[0], *people[1 + at * (length - 1) : 1 + (at + 1) * (length - 1)]], length, "list", id_)
        for at, id_ in enumerate(ids)
    }
    payoff: Made = {"kind": "mutual_friend", "contacts": contacts, "points": 10}
    tables = [{**world, "id": id_, "role": f"the {id_} to come"} for id_ in ids]
    seats = [seat(draw, table, words, at) for at, table in enumerate(tables)]
    return scenario(draw, words, seats, payoff, count * draw.between(4, 6, "turns"))


def _repeated(draw: Draw, pool: Sequence[str], size: int, what: str) -> list[str]:
    """So many from the pool; first names come round again, and each time with other last names."""
    rounds = -(-size // len(pool))
    return [name for time in range(rounds) for name in draw.some(pool, len(pool), what, time)][:size]


def _traits(draw: Draw, pools: Mapping[str, Sequence[str]], at: int) -> str:
    return ", ".join(draw.one(pools[pool], pool, at) for pool in ("work", "pastime", "home"))


def secret(draw: Draw) -> Made:
    """A keeper and one to three who would like to know which of four to six answers it is."""
    world, words = draw.world, draw.words()
    options = sorted(draw.some(cast("Sequence[str]", world["options"]), draw.between(4, 6, "how many"), "options"))
    keeper = cast("World", world["keeper"])
    seeker = cast("World", world["seeker"])
    ids = ("listener", "neighbour", "latecomer")[: draw.one((1, 1, 2, 3), "seekers")]
    payoff: Made = {
        "kind": "secret",
        "keeper": keeper["id"],
        "question": world["question"],
        "options": options,
        "answer": draw.one(options, "answer"),
        "points": 10,
    }
    others = [{**seeker, "id": id_, "role": _SEEKERS[id_]} for id_ in ids]
    seats = [seat(draw, keeper, words), *(seat(draw, table, words, at) for at, table in enumerate(others))]
    return scenario(draw, words, seats, payoff, len(seats) * draw.between(4, 6, "turns"))


_SEEKERS = {
    "listener": "the one across the table",
    "neighbour": "the one in the next seat",
    "latecomer": "the one who came late",
}


def gift(draw: Draw) -> Made:
    """A limit within what one gives at such an occasion."""
    world, words = draw.world, draw.words()
    low, high = cast("Sequence[int]", world["limit"])
    asker, giver = cast("World", world["asker"]), cast("World", world["giver"])
    payoff: Made = {
        "kind": "gift",
        "giver": giver["id"],
        "asker": asker["id"],
        "limit": 5 * (draw.between(low, high, "limit") // 5),
        "unit": words["unit"],
    }
    return scenario(draw, words, [seat(draw, t, words) for t in (asker, giver)], payoff, draw.one((8, 10, 12), "turns"))


def _tables(world: World, name: str) -> list[World]:
    return cast("list[World]", world[name])
