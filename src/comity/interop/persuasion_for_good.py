"""Persuasion for Good (Wang et al. 2019, arXiv 1906.06725): one asks another to give part of a payment to Save the Children.

`full_dialog.csv` has the utterances, `full_info.csv` what each then gave, in US dollars, and what was measured of them. The gift of the
one who is persuaded is the choice that counts, in cents, up to the payment of $2. Where another amount is recorded, which was not
possible, the episode has the words, and no end and no outcome, and says why. The time of a dialogue is in its id, whose zone is not said; it is read as UTC.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path

from comity.interop.corpora import (
    Annotation,
    Corpus,
    DoesNotFit,
    Entry,
    HumanEpisode,
    Traits,
    acted,
    check_points,
    human_episode,
    level,
    moved,
    or_reported,
    participant,
    said,
)
from comity.interop.corpus_files import csv_rows
from comity.interop.remarks import ImportFailed, Report
from comity.world.actions import ActionType
from comity.world.characters import BigFive, Level, MoralValue, SchwartzValue
from comity.world.choices import Gift
from comity.world.environment import Limits
from comity.world.episodes import Interruption
from comity.world.moves import MoveKind
from comity.world.scenarios import Scenario, Seat
from comity.world.tasks import Task

__all__ = ["PERSUASION", "read_persuasion_for_good"]

PERSUASION = Corpus("persuasion-for-good", "Persuasion for Good (Wang et al. 2019, arXiv 1906.06725)", "Apache-2.0")

_DIALOGUES, _PEOPLE = "full_dialog.csv", "full_info.csv"
_SEATS = ("persuader", "persuadee")
"""`B4`: 0 and 1."""
_PAYMENT = 200
"""In cents."""
_MOST_DOLLARS = 1_000_000
"""What is recorded beyond that is no amount of money, but something else."""
_TRAITS = {
    "openness": "open.x",
    "conscientiousness": "conscientious.x",
    "extraversion": "extrovert.x",
    "agreeableness": "agreeable.x",
    "neuroticism": "neurotic.x",
}
"""1 to 5."""
_MORALS = {value: f"{value.value}.x" for value in MoralValue} | {MoralValue.LIBERTY: "freedom.x"}
_VALUES = {value: f"{value.value.replace('-', '_')}.x" for value in SchwartzValue} | {
    SchwartzValue.CONFORMITY: "conform.x"
}
"""Like the morals, 1 to 6."""
_STYLES = {"rational": "rational.x", "intuitive": "intuitive.x"}
"""1 to 5."""
_MEASURED = (*_TRAITS.values(), *_MORALS.values(), *_VALUES.values(), *_STYLES.values())

_SCENARIO = Scenario(
    id=PERSUASION.id,
    title="A gift for Save the Children",
    setting=(
        "Two people who have never met write to each other in a study, for which each is paid $2. They may speak of whatever they like "
        "for some ten turns each. Afterwards one of them can give a part of that payment to Save the Children, which helps children "
        "in poverty and war."
    ),
    seats=(
        Seat(
            id="persuader",
            role="the one who asks",
            goal="Bring the other to give a part of their payment for this conversation to Save the Children, the more the better.",
        ),
        Seat(
            id="persuadee",
            role="the one who is asked",
            goal="Talk with the other about giving to charity, and decide at the end how much of your payment, if anything, to give.",
        ),
    ),
    family="persuasion",
    turn_limit=40,
    actions=(ActionType.NONE, ActionType.SPEAK, ActionType.ACTION, ActionType.LEAVE),
    payoff=Gift(giver="persuadee", asker="persuader", limit=_PAYMENT, unit="cents"),
    **PERSUASION.provenance,
)


@dataclass
class _Dialogue:
    """The rows of one dialogue in both files."""

    where: str
    words: list[tuple[str, str]] = field(default_factory=list)
    """(seat, utterance)."""
    people: dict[str, Mapping[str, str]] = field(default_factory=dict)


def read_persuasion_for_good(folder: Path, report: Report) -> Iterator[HumanEpisode]:
    """The dialogues of a folder's two files; what does not fit is reported. Raises `ImportFailed`."""
    if missing := [name for name in (_DIALOGUES, _PEOPLE) if not (folder / name).is_file()]:
        raise ImportFailed(f"{folder}: holds no {' and no '.join(missing)}; give the folder of Persuasion for Good")
    for id_, dialogue in _dialogues(folder, report).items():
        if (told := or_reported(report, dialogue.where, partial(_told, report, id_, dialogue))) is not None:
            yield told


def _dialogues(folder: Path, report: Report) -> dict[str, _Dialogue]:
    """By id, in the order of the file."""
    found: dict[str, _Dialogue] = {}
    for line, row in csv_rows(report, folder / _DIALOGUES, ("B2", "B4", "Unit")):
        where = f"{_DIALOGUES}:{line}"
        if (seat := _seat(report, where, row)) is not None:
            found.setdefault(row["B2"], _Dialogue(where)).words.append((seat, row["Unit"]))
    for line, row in csv_rows(report, folder / _PEOPLE, ("B2", "B4", "B6", *_MEASURED)):
        where = f"{_PEOPLE}:{line}"
        if (seat := _seat(report, where, row)) is None:
            continue
        if row["B2"] not in found or seat in found[row["B2"]].people:
            what = "is here a second time" if row["B2"] in found else f"is not in {_DIALOGUES}"
            report.problem(where, f"B2, B4: the {seat} of {row['B2']} {what}; remove the line")
            continue
        found[row["B2"]].people[seat] = row
    return found


def _seat(report: Report, where: str, row: Mapping[str, str]) -> str | None:
    if row["B2"] and row["B4"] in ("0", "1"):
        return _SEATS[int(row["B4"])]
    report.problem(where, "B2, B4: not the id of a dialogue and 0 or 1; correct it, or remove the line")
    return None


def _told(report: Report, id_: str, dialogue: _Dialogue) -> HumanEpisode:
    if missing := [seat for seat in _SEATS if seat not in dialogue.people]:
        raise DoesNotFit(f"{_PEOPLE} has no line for the {' and the '.join(missing)} of {id_}")
    own, recorded = (_dollars(dialogue.people[seat]["B6"]) for seat in _SEATS)
    gift = _gift(recorded)
    limits, tag = Limits(), _DIALOGUES.partition(".")[0]
    state = acted(_task(id_, dialogue), _entries(dialogue, gift), limits)
    if gift is not None:
        check_points(state, {"persuader": gift, "persuadee": _PAYMENT - gift})
    unfit = _not_possible(recorded) if gift is None else None
    episode = human_episode(PERSUASION, id_, state, limits, tag=tag, at=_time_of(id_), interrupted=unfit)
    if unfit is not None:
        report.remark("outcome_unknown", dialogue.where, f"{id_} has no outcome: {unfit.detail}")
    given = {"persuader": own} if gift is not None else {"persuader": own, "persuadee": recorded}
    notes = [Annotation(episode.id, seat, "own_gift_in_cents", f"{amount * 100:.0f}") for seat, amount in given.items()]
    return HumanEpisode(dialogue.where, episode, tuple(notes))


def _task(id_: str, dialogue: _Dialogue) -> Task:
    cast = {
        seat: participant(PERSUASION, f"{id_}_{seat}", number, _traits(dialogue.people[seat]))
        for number, seat in enumerate(_SEATS, 1)
    }
    return Task(id=f"{PERSUASION.id}_{id_}", scenario=_SCENARIO, cast=cast)


def _entries(dialogue: _Dialogue, gift: int | None) -> Iterator[Entry]:
    for seat, words in dialogue.words:
        yield said(seat, words)
    if gift is not None:
        yield moved("persuadee", "writes down what to give", MoveKind.CHOOSE, {"amount": gift})


def _dollars(amount: str) -> Decimal:
    try:
        dollars = Decimal(amount)
    except InvalidOperation:
        dollars = Decimal("NaN")
    if not dollars.is_finite() or abs(dollars) > _MOST_DOLLARS:
        raise DoesNotFit(f"B6 in {_PEOPLE}: is no amount in dollars, up to {_MOST_DOLLARS:,}")
    return dollars


def _gift(dollars: Decimal) -> int | None:
    """In cents; `None` for what could not be given."""
    cents = dollars * 100
    return int(cents) if 0 <= cents <= _PAYMENT and cents == int(cents) else None


def _not_possible(dollars: Decimal) -> Interruption:
    """Why the talk has no end."""
    detail = f"a gift of ${dollars:f} is recorded, and what could be given is whole cents of a payment of ${_PAYMENT / 100:.2f}"
    return Interruption(kind="infrastructure", error="GiftNotPossible", detail=detail)


def _traits(of: Mapping[str, str]) -> Traits:
    """A trait by the third of its scale that it is in; of the values, and of the two ways to decide, those in the highest."""
    traits = {trait: _level(of, column, 5) for trait, column in _TRAITS.items()}
    return Traits(
        BigFive.model_validate(traits),
        tuple(value for value, column in _MORALS.items() if _level(of, column, 6) == "high"),
        tuple(value for value, column in _VALUES.items() if _level(of, column, 6) == "high"),
        " and ".join(style for style, column in _STYLES.items() if _level(of, column, 5) == "high"),
    )


def _level(of: Mapping[str, str], column: str, highest: int) -> Level | None:
    """`None` where nothing was measured."""
    if not of[column]:
        return None
    try:
        score = float(of[column])
    except ValueError:
        score = 0
    if not 1 <= score <= highest:
        raise DoesNotFit(f"{column} in {_PEOPLE}: is not a number from 1 to {highest}")
    return level(score, 1, highest)


_WHEN = re.compile(r"(?:BAD_)?(\d{8}-\d{6})_\d+_live")


def _time_of(id_: str) -> datetime | None:
    found = _WHEN.fullmatch(id_)
    try:
        return datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None  # it looks like a time and is none, such as 20189904
