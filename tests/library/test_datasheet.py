"""The datasheet states what the library is: every figure is counted here, and a failure says what to write there."""

import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from statistics import median

import pytest

import comity.library
from comity.library import starter
from comity.library.sets import tasks_of
from comity.world.characters import BigFive

DATA = Path(comity.library.__file__).parent / "data"
SHEET = (DATA / "DATASHEET.md").read_text(encoding="utf-8")
CHARACTERS, TIES, SCENARIOS, TASKS = starter().characters, starter().relationships, starter().scenarios, starter().tasks
KINDS = ("stranger", "know_by_name", "acquaintance", "friend", "romantic", "family")
SPANS = ((18, 29), (30, 39), (40, 49), (50, 59), (60, 69), (70, 75))


def _flat(text: str) -> str:
    return " ".join(text.split())


def _section(title: str) -> str:
    """The text under a heading, in one line and without its code."""
    body = SHEET.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return _flat(re.sub(r"```.*?```", "", body, flags=re.DOTALL))


def _tally(values: Iterable[str], form: str = "{n} {k}", order: Iterable[str] | None = None) -> str:
    counts = Counter(values)
    keys = sorted(counts, key=lambda k: (-counts[k], k)) if order is None else order
    return ", ".join(form.format(n=counts[key], k=key) for key in keys)


def _least() -> str:
    per: dict[str, Counter[str]] = defaultdict(Counter)
    for tie in TIES:
        for who in tie.between:
            per[who][str(tie.kind)] += 1
    kinds = ("family", "friend", "romantic", "acquaintance", "know_by_name")
    return ", ".join(f"{min(per[c.id][kind] for c in CHARACTERS)} {kind}" for kind in kinds)


def _met() -> Counter[str]:
    met: Counter[str] = Counter()
    for task in TASKS:
        kinds = {frozenset(edge.between): str(edge.kind) for edge in task.edges}
        met.update(kinds.get(frozenset(pair), "stranger") for pair in combinations(task.cast, 2))
    return met


def _age_spans() -> str:
    ages = [c.age for c in CHARACTERS if c.age is not None]
    spans = ", ".join(f"{sum(low <= age <= high for age in ages)} of {low} to {high}" for low, high in SPANS)
    return f"Ages run from {min(ages)} to {max(ages)}: {spans}."


def _who() -> dict[str, str]:
    genders = Counter(c.gender for c in CHARACTERS)
    pairs = len(CHARACTERS) * (len(CHARACTERS) - 1) // 2
    women, men, others = genders["woman"], genders["man"], genders["non-binary"]
    return {
        "characters": f"| characters (`characters/<id>.toml`) | {len(CHARACTERS)} |",
        "relationships": f"| relationships (`relationships.toml`) | {len(TIES)} of {pairs} possible pairs;",
        "genders": f"{women} women, {men} men and {others} who are non-binary.",
        "pronouns": f"Pronouns: {_tally((c.pronouns for c in CHARACTERS), '{k} {n}')}.",
        "ages": _age_spans(),
        "occupations": f"Occupations: {len({c.occupation for c in CHARACTERS})} different ones,",
        "kinds": f"By kind: {_tally((str(tie.kind) for tie in TIES), '{k} {n}', KINDS)}.",
        "least": f"Everyone has at least {_least()}.",
    }


def _traits() -> dict[str, str]:
    levels = ("low", "medium", "high")
    said = {}
    for trait in BigFive.model_fields:
        counts = Counter(dict(c.big_five)[trait] for c in CHARACTERS)
        said[trait] = f"| {trait} (low, medium, high) | {', '.join(str(counts[level]) for level in levels)} |"
    said["styles"] = f"| decision style | {_tally(c.decision_style for c in CHARACTERS)} |"
    said["moral"] = f"| moral values, two each | {_tally(str(v) for c in CHARACTERS for v in c.moral_values)} |"
    said["schwartz"] = (
        f"| Schwartz values, two each | {_tally(str(v) for c in CHARACTERS for v in c.schwartz_values)} |"
    )
    return said


def _what() -> dict[str, str]:
    limits = [s.turn_limit for s in SCENARIOS]
    payoffs = [s.payoff.kind.replace("_", " ") for s in SCENARIOS if s.payoff]
    seats = [seat for s in SCENARIOS for seat in s.seats]
    lengths = [
        median(len(text.split()) for text in texts)
        for texts in ((s.setting for s in SCENARIOS), (x.goal for x in seats), (x.extra_info for x in seats))
    ]
    families = _tally((s.family for s in SCENARIOS), "{k} {n}")
    return {
        "scenarios": f"| scenarios (`scenarios/<id>.toml`) | {len(SCENARIOS)} |",
        "families": f"By family: {families}.",
        "seats": f"| seats | {_tally((f'{len(s.seats)} seats' for s in SCENARIOS), '{n} with {k}')} |",
        "private": f"| with private messages | {sum(s.private_messages for s in SCENARIOS)} |",
        "orders": f"| turn order | {_tally(str(s.turn_order) for s in SCENARIOS)} |",
        "limits": f"| turn limits | {min(limits)} to {max(limits)}, median {median(limits):g} |",
        "payoffs": f"| result computed by rules | {len(payoffs)} of {len(SCENARIOS)}: {_tally(payoffs, '{k} {n}')} |",
        "words": "| median words of a setting, a goal, a seat's private facts | "
        + ", ".join(f"{length:g}" for length in lengths)
        + " |",
    }


def _casts() -> dict[str, str]:
    per = Counter(task.scenario.id for task in TASKS)
    plays = Counter(who.id for task in TASKS for who in task.cast.values())
    met = _met()
    return {
        "tasks": f"| tasks (a scenario with a cast) | {len(TASKS)}, {min(per.values())} for each scenario |",
        "plays": f"{len(plays)} characters are cast; how often runs from {min(plays.values())} to {max(plays.values())}.",
        "met": f"In {met.total()} of the casts' pairs the two are: {', '.join(f'{kind} {met[kind]}' for kind in KINDS)}.",
    }


def _splits() -> dict[str, str]:
    halves = [tasks_of(name) for name in ("dev", "test")]
    scenarios = [{task.scenario.id: task.scenario for task in half}.values() for half in halves]
    ruled = [[s for s in half if s.payoff] for half in scenarios]
    kinds = [_tally((s.payoff.kind.replace("_", " ") for s in half if s.payoff), "{k} {n}") for half in ruled]
    families = [", ".join(sorted({s.family for s in half})) for half in ruled]
    people = [{who.id for task in half for who in task.cast.values()} for half in halves]
    met = [{frozenset(who.id for who in task.cast.values()) for task in half} for half in halves]
    rows = {
        "split sizes": ("tasks, scenarios", [f"{len(t)}, {len(s)}" for t, s in zip(halves, scenarios, strict=True)]),
        "split payoffs": ("result computed by rules", [f"{len(r)}: {k}" for r, k in zip(ruled, kinds, strict=True)]),
        "split families": ("families of these", families),
        "split seats": ("three seats or more", [str(sum(len(s.seats) > 2 for s in half)) for half in scenarios]),
    }
    said = {key: f"| {name} | {' | '.join(cells)} |" for key, (name, cells) in rows.items()}
    shared, again = len(people[0] & people[1]), len(met[0] & met[1])
    return said | {
        "split people": f"{shared} are cast in both halves, and {again} sets of people meet in both.",
    }


COUNTED = {**_who(), **_traits(), **_what(), **_casts(), **_splits()}


@pytest.mark.parametrize("figure", COUNTED)
def test_a_figure_stands_in_the_sheet_as_it_is_counted(figure: str) -> None:
    assert COUNTED[figure] in _section("What is in it"), f"write in DATASHEET.md: {COUNTED[figure]}"


def test_no_figure_stands_there_that_nobody_counts() -> None:
    rest = _section("What is in it")
    for said in sorted(COUNTED.values(), key=len, reverse=True):
        rest = rest.replace(said, "")
    assert re.findall(r"\S*\d\S*", rest) == [], "count it in this test, or take it out of DATASHEET.md"


def test_every_family_without_payoffs_is_in_both_halves_unless_it_is_of_one_scenario() -> None:
    plain = Counter(s.family for s in SCENARIOS if not s.payoff)
    halves = [{task.scenario.family for task in tasks_of(n) if not task.scenario.payoff} for n in ("dev", "test")]
    assert halves[0] ^ halves[1] == {family for family, count in plain.items() if count == 1}
    assert "every such family but that of a single scenario is in both" in _section("What is in it")


def test_its_code_counts_the_same() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", SHEET, flags=re.DOTALL)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == f"{len(CHARACTERS)} {len(TIES)} {len(SCENARIOS)} {len(TASKS)}"


def test_the_biases_that_can_be_counted_are_said_as_they_are() -> None:
    high = sum(c.big_five.conscientiousness == "high" for c in CHARACTERS)
    genders = Counter(c.gender for c in CHARACTERS)
    leads = Counter(c.gender for c in CHARACTERS if c.decision_style == "directive")
    men, women = (f"{leads[gender]} of {genders[gender]}" for gender in ("man", "woman"))
    assert f"Conscientiousness is high in {high} of {len(CHARACTERS)}," in _section("Limits and biases")
    assert f"Women are directive more often than men ({women} against {men})." in _section("Limits and biases")


def test_who_wrote_it_and_who_did_not_review_it_is_said() -> None:
    assert "AI system" in _section("How it was written")
    assert "No person has reviewed the rows one by one" in _section("How it was written")
    assert "a bias to test for" in _section("Limits and biases")


def test_every_scenario_says_its_conflict_and_way_out_where_the_sheet_says_so() -> None:
    heads = {s.id: (DATA / "scenarios" / f"{s.id}.toml").read_text(encoding="utf-8") for s in SCENARIOS}
    assert [i for i, text in heads.items() if not text.startswith("# Conflict: ")] == []
    assert [i for i, text in heads.items() if "\n# Way out: " not in text.partition("\ntitle =")[0]] == []


def test_the_ten_that_were_read_again_are_those_that_chance_drew() -> None:
    drawn = random.Random(20261123).sample(sorted(s.id for s in SCENARIOS), 10)
    assert ", ".join(f"`{i}`" for i in drawn) in _section("Read again")
    assert "random.Random(20261123).sample(sorted ids, 10)" in _section("Read again")


def test_the_canary_is_the_same_wherever_it_stands() -> None:
    canary = re.compile(r"comity-library canary ([0-9a-f-]{36})")
    texts = (SHEET, *((DATA / name).read_text(encoding="utf-8") for name in ("library.toml", "relationships.toml")))
    found = [canary.findall(text) for text in texts]
    assert [len(marks) for marks in found] == [1, 1, 1]
    assert len({marks[0] for marks in found}) == 1
