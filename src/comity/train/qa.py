"""General question answering before and after training: each choice's log-likelihood after the question, no reply being drawn.

So a model that has forgotten how to put an answer can still be seen to know it. A question that cannot be asked has no value, with the
reason; it is never wrong. What accuracy cannot show near chance, the margin between right and wrong may.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from pydantic import JsonValue

from comity.analyze.intervals import Interval, clustered_mean
from comity.models.protocol import ContextExceeded
from comity.train.questions import Form, Question, QuestionSet, answers, prompt
from comity.train.rows import Rows
from comity.world.record import Record

__all__ = ["Answer", "LikelihoodModel", "Measure", "QAResult", "ask"]

Measure = Literal["accuracy", "probability", "margin"]

_AT_ONCE = 8
"""Questions that are given to the model together; they are in the order of subjects, whose examples they begin with."""


class LikelihoodModel(Protocol):
    """A model that can say how likely a text is to follow another."""

    @property
    def name(self) -> str:
        """Its specification, with a hash of its weights."""
        ...

    def log_likelihoods(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, int]]:
        """For each pair of a text and what follows: the sum of log p of what follows, and its tokens. Raises `ContextExceeded`."""
        ...


class Answer(Record):
    """What a model made of one question; `chosen`, `right`, `margin` and `probability` are `None` together, and `missing` says why."""

    question: str
    subject: str
    chosen: int | None = None
    """The likeliest choice, from 0; the first of equals."""
    right: bool | None = None
    margin: float | None = None
    """How much likelier the right choice is than the likeliest wrong one, in nats; in the form `words` nats a character."""
    probability: float | None = None
    """Of the right choice, were one of the choices drawn as likely as the model holds it, length and all: from 0 to 1."""
    shots: int = 0
    """Examples shown before it: fewer than wanted where no more fit."""
    missing: str = ""


class QAResult(Record):
    """A model on a set of questions. Means are over the answered ones, with 95 % intervals clustered by subject where
    there is more than one."""

    name: str
    questions_hash: str
    form: Form
    model: str
    shots_wanted: int
    asked: int
    answered: int
    missing: Mapping[str, int]
    """Questions without a value, by reason."""
    shots: Mapping[int, int]
    """Questions by how many examples were shown before them."""
    chance: float
    """The accuracy of blind guessing."""
    accuracy: Interval | None
    probability: Interval | None
    margin: Interval | None
    answers: tuple[Answer, ...]

    @property
    def can_move(self) -> bool | None:
        """Whether accuracy is off its floor (chance) and its ceiling, so that a loss or a gain could be seen; `None` if not known."""
        if self.accuracy is None or self.accuracy.low is None or self.accuracy.high is None:
            return None
        return self.accuracy.low > self.chance and self.accuracy.high < 1

    @property
    def clusters(self) -> dict[str, str]:
        """What each question belongs with, by its id: its subject, or where all are of one subject itself."""
        return _clusters(self.answers)

    def values(self, measure: Measure) -> dict[str, float | None]:
        """The measure of each question by its id."""
        return {answer.question: _value(answer, measure) for answer in self.answers}


def ask(model: LikelihoodModel, of: QuestionSet, *, shots: int = 5, kept: Path | None = None) -> QAResult:
    """Ask every question that `kept` has no row of yet, after as many as `shots` examples of its subject as fit.

    Args:
        kept: a JSONL file to which each answer is appended as it comes, and from which a killed call goes on.

    Raises:
        ModelError: the model could not be asked. What is kept stays.
        RowsError: `kept` holds the results of another model, set or number of shots.
        ValueError: `shots` below 0.
    """
    if shots < 0:
        raise ValueError(f"shots must be 0 or more, not {shots}")
    about: dict[str, JsonValue] = {
        "measure": "qa",
        "model": model.name,
        "set": of.name,
        "questions": of.hash,
        "shots": shots,
    }
    if of.form == "words":
        about["by"] = "character"
    with Rows.open(kept, Answer, about) as rows:
        done = {row.question for row in rows.found}
        open_ = sorted((q for q in of.questions if q.id not in done), key=lambda question: question.subject)
        for start in range(0, len(open_), _AT_ONCE):
            for answer in _answers(model, of, open_[start : start + _AT_ONCE], shots):
                rows.append(answer)
        return _result(model.name, of, shots, rows.found)


def _answers(model: LikelihoodModel, of: QuestionSet, group: Sequence[Question], shots: int) -> Iterable[Answer]:
    try:
        return _asked_together(model, of, group, shots)
    except ContextExceeded:
        return [_asked_alone(model, of, question, shots) for question in group]


def _asked_together(model: LikelihoodModel, of: QuestionSet, group: Sequence[Question], shots: int) -> list[Answer]:
    shown = [of.shots(question.subject, shots) for question in group]
    pairs = [
        (prompt(question, examples, of.form), answer)
        for question, examples in zip(group, shown, strict=True)
        for answer in answers(question, of.form)
    ]
    likelihoods = iter(model.log_likelihoods(pairs))
    found: list[Answer] = []
    for question, examples in zip(group, shown, strict=True):
        scores = [next(likelihoods)[0] for _ in question.choices]
        found.append(_read(question, scores, len(examples), of.form))
    return found


def _asked_alone(model: LikelihoodModel, of: QuestionSet, question: Question, shots: int) -> Answer:
    for fewer in range(len(of.shots(question.subject, shots)), -1, -1):
        try:
            return _asked_together(model, of, [question], fewer)[0]
        except ContextExceeded:
            continue
    return Answer(question=question.id, subject=question.subject, missing="longer than the model's window")


def _read(question: Question, likelihoods: Sequence[float], shots: int, form: Form) -> Answer:
    common = {"question": question.id, "subject": question.subject, "shots": shots}
    if not all(math.isfinite(each) for each in likelihoods):
        return Answer(**common, missing="the model gave a log-likelihood that is no number")
    sizes = [len(choice.strip()) if form == "words" else 1 for choice in question.choices]
    scores = [likelihood / size for likelihood, size in zip(likelihoods, sizes, strict=True)]
    chosen = max(range(len(scores)), key=scores.__getitem__)
    best_wrong = max(score for at, score in enumerate(scores) if at != question.answer)
    top = max(likelihoods)
    weights = [math.exp(likelihood - top) for likelihood in likelihoods]
    return Answer(
        **common,
        chosen=chosen,
        right=chosen == question.answer,
        margin=scores[question.answer] - best_wrong,
        probability=weights[question.answer] / sum(weights),
    )


def _result(model: str, of: QuestionSet, shots: int, rows: Sequence[Answer]) -> QAResult:
    wanted = {question.id for question in of.questions}
    found = sorted((row for row in rows if row.question in wanted), key=lambda row: row.question)
    known = [row for row in found if not row.missing]
    return QAResult(
        name=of.name,
        questions_hash=of.hash,
        form=of.form,
        model=model,
        shots_wanted=shots,
        asked=len(found),
        answered=len(known),
        missing=Counter(row.missing for row in found if row.missing),
        shots=Counter(row.shots for row in known),
        chance=sum(1 / len(question.choices) for question in of.questions) / len(of.questions),
        accuracy=_mean(known, "accuracy"),
        probability=_mean(known, "probability"),
        margin=_mean(known, "margin"),
        answers=tuple(found),
    )


def _mean(known: Sequence[Answer], measure: Measure) -> Interval | None:
    values = [value for answer in known if (value := _value(answer, measure)) is not None]
    clusters = _clusters(known)
    return clustered_mean(values, [clusters[answer.question] for answer in known]) if values else None


def _clusters(found: Sequence[Answer]) -> dict[str, str]:
    alone = len({answer.subject for answer in found}) == 1
    return {answer.question: answer.question if alone else answer.subject for answer in found}


def _value(answer: Answer, measure: Measure) -> float | None:
    match measure:
        case "accuracy":
            return None if answer.right is None else float(answer.right)
        case "probability":
            return answer.probability
        case "margin":
            return answer.margin
