"""`comity list`: episodes and tasks, for people and as JSON."""

from cli.command import FIRST, LIMIT, SALE, SECOND, Comity
from cli.model_server import ModelServer
from comity.library import starter


def test_an_empty_store_says_how_to_fill_it(comity: Comity) -> None:
    assert comity("list").ok().out == "No episodes in comity.db yet. Play one: comity simulate\n"
    assert comity("list", "--json").ok().json == []


def test_episodes_are_listed_newest_first(comity: Comity) -> None:
    ids = [
        comity("simulate", "--models", model, "--judge", "scripted:demo", "--json").ok().json["id"]
        for model in ("scripted:leaver", "scripted:demo")
    ]
    listed = comity("list", "episodes", "--json").ok().json
    assert [episode["id"] for episode in listed] == ids[::-1]
    assert [(e["turns"], e["status"], e["end"], e["scorecards"]) for e in listed] == [
        (LIMIT, "finished", "turn_limit", 1),
        (1, "finished", "too_few_left", 1),
    ]
    assert listed[0]["models"] == {FIRST: "scripted:demo", SECOND: "scripted:demo"}
    assert [episode["id"] for episode in comity("list", "--limit", "1", "--json").ok().json] == ids[1:]
    out = comity("list").ok().out
    assert out.index(ids[1][:8]) < out.index(ids[0][:8])
    assert "turn limit" in out


def test_who_played_is_listed_once_each_without_the_address(comity: Comity) -> None:
    comity("simulate", "--models", "scripted:leaver", "--json").ok()
    with ModelServer() as server:
        comity("simulate", "--models", f"scripted:demo,{server.spec}", "--turns", "2", "--json").ok()
    comity("play", "--models", "scripted:demo", "--turns", "2", "--json", stdin="Hi.\n")
    rows = comity("list").ok().out.splitlines()
    assert rows[1].split() == ["episode", "scenario", "who", "played", "by", "turns", "state", "cards"]
    at, to = rows[1].index("played by"), rows[1].index("turns")
    played_by = "".join(row[at:to].strip() for row in rows[3:])  # a name may be folded
    assert played_by == "no model,scripted:demoscripted:demo,tinyscripted:leaver"


def test_a_listing_tells_nothing_private(comity: Comity) -> None:
    comity("simulate", "--models", "scripted:demo", "--json").ok()
    listed = "".join(
        comity("list", what, form).ok().out for what in ("episodes", "tasks") for form in ("--json", "--limit=50")
    )
    for seat in SALE.scenario.seats:
        assert seat.goal not in listed
        assert SALE.cast[seat.id].secret not in listed


def test_every_task_of_the_library_is_listed_by_its_whole_id(comity: Comity) -> None:
    listed = comity("list", "tasks", "--json").ok().json
    assert [task["id"] for task in listed] == [task.id for task in starter().tasks]
    out = comity("list", "tasks", "--limit", str(len(listed))).ok().out
    for task in listed:
        assert task["id"] in out
    assert (
        f"{len(listed) - 1} more; see them with --limit {len(listed)}"
        in comity("list", "tasks", "--limit", "1").ok().out
    )


def test_there_are_episodes_and_tasks_and_nothing_else(comity: Comity) -> None:
    assert "there are episodes, runs and tasks, not 'dogs'" in comity("list", "dogs").complaint(code=2)
