"""Records for the tests of the store: small ones by hand, and hypothesis strategies for odd ones."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from comity.world.actions import Action, ActionType
from comity.world.characters import Character
from comity.world.environment import End, EndReason, Limits
from comity.world.episodes import Episode, Interruption, Policy
from comity.world.events import Call, Event, Failure, Trace
from comity.world.record import content_hash
from comity.world.relationships import RelationshipKind
from comity.world.scenarios import Scenario, Seat
from comity.world.scorecards import Dimension, DimensionScore, Rubric, Scorecard
from comity.world.tasks import Edge, Task

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
END = End(reason=EndReason.TURN_LIMIT)
GONE = Interruption(kind="infrastructure", error="Unreachable", detail="the server is gone \0 é")
RUBRIC = Rubric(
    id="sotopia",
    version=1,
    dimensions=(
        Dimension(id="GOAL", name="Goal", low=0, high=10, description="Reached?"),
        Dimension(id="BEL", name="Believability", low=0, high=10, description="Ça va? 👍 <b>"),
    ),
)


def character(id_: str = "ann", name: str = "Ann", **fields: str) -> Character:
    return Character(id=id_, name=name, age=30, gender="woman", pronouns="she/her", occupation="baker", **fields)


def scenario(id_: str = "sale", title: str = "A sale", goal: str = "Sell it") -> Scenario:
    return Scenario(
        id=id_, title=title, setting="A market", seats=(Seat(id="a", goal=goal), Seat(id="b", goal="Buy it"))
    )


def task(id_: str = "sale-1", title: str = "A sale", goal: str = "Sell it", secret: str = "") -> Task:
    cast = {"a": character("ann", "Ann", secret=secret), "b": character("bob", "Bob")}
    return Task(id=id_, scenario=scenario(title=title, goal=goal), cast=cast)


def event(index: int, words: str = "hello") -> Event:
    action = Action(type=ActionType.SPEAK, argument=words)
    return Event(index=index, turn=index + 1, seat="ab"[index % 2], action=action, audience=("a", "b"))


def failed(index: int) -> Event:
    failure = Failure(kind="context_length", detail="too long")
    return Event(index=index, turn=index + 1, seat="ab"[index % 2], failure=failure, audience=())


def episode(id_: str = "e1", *, events: tuple[Event, ...] = (), of: Task | None = None, minute: int = 0) -> Episode:
    return Episode(
        id=id_,
        task=of or task(),
        mode="asymmetric",
        lite=False,
        seed=7,
        limits=Limits(),
        policies={"a": Policy(agent="llm", model="m1"), "b": Policy(agent="human")},
        events=events,
        end=None,
        code_version="0.1.0",
        started_at=START + timedelta(minutes=minute),
    )


def scorecard(
    id_: str = "c1",
    episode_id: str = "e1",
    reason: str = "It sold",
    minute: int = 0,
    by: Rubric = RUBRIC,
    repeat: int = 0,
) -> Scorecard:
    return Scorecard(
        id=id_,
        episode=episode_id,
        mode="asymmetric",
        rubric=by.id,
        rubric_version=by.version,
        rubric_hash=content_hash(by),
        judge=Policy(agent="judge", model="m2"),
        repeat=repeat,
        scores={
            "b": {"GOAL": DimensionScore(score=8, reason=reason), "BEL": DimensionScore(score=None, cause="timeout")}
        },
        calls={},
        code_version="0.1.0",
        judged_at=START + timedelta(minutes=minute),
    )


slugs = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
names = st.sampled_from(["Ann", "Ann (2)", "Ólafur", "محمد", "王小明", "Zoë 🎷", "קרן"])
words = st.text(max_size=80) | st.sampled_from(
    ["\0", "a\0b", "<3 <b>x</b>", "👩‍👩‍👧‍👦", "\u202eABC\u202c", "é" * 10_000, "\\u0000", '"', "\x1b[2J", "\ud800"]
)
# A task's text must be encodable, since its snapshot is named by a hash of its bytes.
encodable = words.filter(lambda text: "\ud800" not in text)
times = st.datetimes(
    min_value=datetime(1971, 1, 1),
    max_value=datetime(2200, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-11)), None]),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
policies = st.builds(
    Policy,
    agent=words,
    model=st.none() | words,
    style=st.none() | words,
    sampling=st.dictionaries(words, json_values, max_size=3),
)
calls = st.builds(
    Call,
    model=words,
    attempt=st.integers(1, 2),
    outcome=st.sampled_from(["ok", "repaired", "unusable"]),
    text=words,
    problem=words,
    prompt_hash=st.just("0" * 64),
    prompt_chars=st.integers(0, 10**6),
    constrained=st.booleans(),
    finish_reason=words,
    seconds=st.floats(0, allow_nan=False),
    prompt_tokens=st.none() | st.integers(),
)
traces = st.builds(Trace, calls=st.lists(calls, max_size=2).map(tuple), at=st.none() | times)
actions = st.one_of(
    st.just(Action(type=ActionType.NONE)),
    st.builds(Action, type=st.just(ActionType.LEAVE), argument=words),
    st.builds(
        Action,
        type=st.sampled_from([ActionType.SPEAK, ActionType.NON_VERBAL, ActionType.ACTION]),
        argument=words.filter(lambda text: bool(text.strip())),
        to=st.lists(slugs, max_size=2).map(tuple),
    ),
)
failures = st.builds(
    Failure, kind=st.sampled_from(["unusable_reply", "illegal_action", "context_length"]), detail=words
)


interruptions = st.builds(
    Interruption, kind=st.sampled_from(["infrastructure", "judge", "budget", "cancelled"]), error=words, detail=words
)


@st.composite
def logs(draw: st.DrawFn) -> tuple[Event, ...]:
    found = []
    for index in range(draw(st.integers(0, 4))):
        did = draw(actions | failures)
        found.append(
            Event(
                index=index,
                turn=draw(st.integers(1, 10**6)),
                seat=draw(slugs),
                action=did if isinstance(did, Action) else None,
                failure=did if isinstance(did, Failure) else None,
                audience=draw(st.lists(slugs, max_size=2).map(tuple)),
                trace=draw(traces),
            )
        )
    return tuple(found)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    seats = draw(st.lists(slugs, min_size=2, max_size=3, unique=True))
    goals = st.text(min_size=1, max_size=50)
    where = Scenario(
        id=draw(slugs),
        title=draw(names),
        setting=draw(goals),
        seats=tuple(Seat(id=seat, goal=draw(goals), extra_info=draw(encodable)) for seat in seats),
    )
    cast = {seat: character(draw(slugs), draw(names), secret=draw(encodable)) for seat in reversed(seats)}
    edge = Edge(between=(seats[0], seats[1]), kind=draw(st.sampled_from(RelationshipKind)), background=draw(encodable))
    return Task(id=draw(slugs), scenario=where, cast=cast, edges=draw(st.sampled_from([(), (edge,)])))


@st.composite
def episodes(draw: st.DrawFn) -> Episode:
    return Episode(
        id="drawn",
        task=draw(tasks()),
        mode=draw(st.sampled_from(["asymmetric", "omniscient", "script"])),
        lite=draw(st.booleans()),
        seed=draw(st.integers()),
        limits=Limits(turns=draw(st.none() | st.integers(1, 50))),
        policies=draw(st.dictionaries(slugs, policies, max_size=3)),
        events=draw(logs()),
        end=draw(st.none() | st.builds(End, reason=st.sampled_from(EndReason), seat=st.none() | words)),
        code_version=draw(words),
        started_at=draw(times),
        finished_at=draw(st.none() | times),
        interrupted=draw(st.none() | interruptions),
    )


scores = st.builds(DimensionScore, score=st.integers(), reason=words) | st.builds(
    DimensionScore, score=st.none(), reason=words, cause=words.filter(bool)
)


@st.composite
def scorecards(draw: st.DrawFn) -> Scorecard:
    fields: dict[str, object] = {
        "scores": draw(st.dictionaries(slugs, st.dictionaries(slugs, scores, max_size=3), max_size=3)),
        "calls": draw(st.dictionaries(slugs, st.lists(calls, max_size=1).map(tuple), max_size=2)),
        "judge": draw(policies),
        "judged_at": draw(times),
        "repeat": draw(st.integers(0, 3)),
    }
    return scorecard().model_copy(update=fields)
