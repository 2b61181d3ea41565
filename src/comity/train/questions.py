"""Multiple-choice questions: what one is, sets of them read from files, and the text in which a model meets them.

Who answers and how it is scored is in `qa`. Nothing is shipped: sets are read from where they lie, or made by rule (`quiz`).
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, Self
from zipfile import BadZipFile, ZipFile

from pydantic import Field, ValidationError, model_validator

from comity.world.record import Record, content_hash, derive_seed

__all__ = ["Form", "Question", "QuestionSet", "QuestionsError", "load_mmlu", "load_questions", "prompt", "worked"]

Form = Literal["letters", "words"]
"""How choices are put. `letters`: listed as A, B, …, and the letter is the answer (MMLU, Hendrycks et al. 2021, 2009.03300). `words`: not
listed, and the answer is the choice's own text; chosen is the likeliest by the character (`acc_norm` of lm-evaluation-harness).
"""

_LETTERS = "ABCDEFGHIJ"


class QuestionsError(ValueError):
    """A file of questions that cannot be used; the message names file, row, field and fix."""


class Question(Record):
    """One question with its choices, of which one is right."""

    id: str = Field(min_length=1)
    subject: str = Field(min_length=1)
    """What it is about; intervals are clustered by it."""
    text: str = Field(min_length=1)
    choices: tuple[str, ...] = Field(min_length=2, max_length=len(_LETTERS))
    answer: int = Field(ge=0)
    """Which choice is right, from 0."""

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if self.answer >= len(self.choices):
            raise ValueError(f"answer {self.answer} is none of the {len(self.choices)} choices, which count from 0")
        if any(not choice.strip() for choice in self.choices):
            raise ValueError("a choice is empty")
        return self


class QuestionSet(Record):
    """Questions that are asked alike, with worked examples to show before them."""

    name: str = Field(min_length=1)
    form: Form
    questions: tuple[Question, ...] = Field(min_length=1)
    examples: tuple[Question, ...] = ()
    """Shown with their answers before a question of the same subject; never asked."""
    source: str = ""
    licence: str = ""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        seen: set[str] = set()
        for question in (*self.questions, *self.examples):
            if question.id in seen:
                raise ValueError(f"two questions have the id {question.id!r}")
            seen.add(question.id)
        return self

    @property
    def hash(self) -> str:
        """SHA-256 of everything in it, in hex; results of unlike sets are not compared."""
        return content_hash(self)

    def shots(self, subject: str, most: int) -> tuple[Question, ...]:
        """The first examples of a subject."""
        return tuple(example for example in self.examples if example.subject == subject)[:most]

    def some(self, count: int, *, seed: int) -> "QuestionSet":
        """So many of the questions, drawn by hash(seed, id), subjects as evenly as they can be; all where there are no more."""
        by_subject: dict[str, list[Question]] = {}
        for question in sorted(self.questions, key=lambda each: derive_seed(seed, each.id)):
            by_subject.setdefault(question.subject, []).append(question)
        ranked = sorted(
            (rank, derive_seed(seed, subject), question.id)
            for subject, questions in by_subject.items()
            for rank, question in enumerate(questions)
        )
        drawn = {id_ for _, _, id_ in ranked[:count]}
        return self.model_copy(update={"questions": tuple(each for each in self.questions if each.id in drawn)})


def prompt(question: Question, shots: Sequence[Question], form: Form) -> str:
    """The text before an answer, examples first. The answer goes on with a blank and what `answers` gives."""
    head = f"The following are multiple choice questions (with answers) about {_plain(question.subject)}.\n\n"
    return head * (form == "letters") + "".join(worked(shot, form) + "\n" for shot in shots) + _asked(question, form)


def worked(question: Question, form: Form) -> str:
    """A question with its answer, as an example shows it and a text to learn from may."""
    return f"{_asked(question, form)}{answers(question, form)[question.answer]}\n"


def answers(question: Question, form: Form) -> tuple[str, ...]:
    """What follows the prompt for each choice."""
    said = _LETTERS[: len(question.choices)] if form == "letters" else question.choices
    return tuple(f" {each.strip()}" for each in said)


def load_mmlu(path: Path, *, split: Literal["val", "test"] = "val") -> QuestionSet:
    """MMLU from a zip of `data/<split>/<subject>_<split>.csv`; the questions of `dev` are the examples.

    Raises `QuestionsError` where the file cannot be read or a row does not fit.
    """
    try:
        with ZipFile(path) as archive:
            found = {
                part: tuple(
                    question for name in _tables(archive, part) for question in _mmlu(path, archive, name, part)
                )
                for part in (split, "dev")
            }
    except OSError as error:
        raise QuestionsError(f"{path}: cannot be read ({error.strerror}); check that it is there") from error
    except BadZipFile as error:
        raise QuestionsError(f"{path}: is no whole zip file ({error}); get it anew") from error
    if not found[split]:
        raise QuestionsError(f"{path}: holds no data/{split}/*.csv; check that it is MMLU's archive")
    return QuestionSet(
        name=f"mmlu-{split}",
        form="letters",
        questions=found[split],
        examples=found["dev"],
        source="MMLU (Hendrycks et al. 2021)",
        licence="MIT",
    )


def load_questions(
    path: Path,
    *,
    form: Form,
    fields: Mapping[str, str | tuple[str, ...]] | None = None,
    source: str = "",
    licence: str = "",
) -> QuestionSet:
    """Questions from JSON lines or, where the name ends in `.csv`, a table with a head.

    A row has `text`, `choices` (a list, or in a table the columns `A`, `B`, … that are not empty), `answer` (which one, from 0, or
    as a text its own words, its letter or its number, whichever of these comes first), and may have `id` and `subject`; without, they are the row's number and the file's name. `fields` says what
    these are called in other people's files, several being joined by a blank: `{"text": ("context", "question"), "choices": "options"}`.
    Raises `QuestionsError`.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionsError(f"{path}: cannot be read ({error}); check that it is there and UTF-8") from error
    rows = csv.DictReader(io.StringIO(text, newline="")) if path.suffix == ".csv" else _json_rows(path, text)
    found = [_question(path, number, row, fields or {}) for number, row in enumerate(rows, 1)]
    try:
        return QuestionSet(name=path.stem, form=form, questions=tuple(found), source=source, licence=licence)
    except ValidationError as error:
        raise QuestionsError(f"{path}: {error.errors()[0]['msg']}") from error


def _asked(question: Question, form: Form) -> str:
    if form == "words":
        return f"Question: {question.text.strip()}\nAnswer:"
    listed = "".join(
        f"{letter}. {choice.strip()}\n" for letter, choice in zip(_LETTERS, question.choices, strict=False)
    )
    return f"{question.text.strip()}\n{listed}Answer:"


def _plain(subject: str) -> str:
    return subject.replace("_", " ")


def _tables(archive: ZipFile, split: str) -> list[str]:
    return sorted(name for name in archive.namelist() if f"data/{split}/" in name and name.endswith(f"_{split}.csv"))


def _mmlu(path: Path, archive: ZipFile, name: str, split: str) -> Iterator[Question]:
    subject = Path(name).stem.removesuffix(f"_{split}")
    rows = csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline=""))
    for number, row in enumerate(rows, 1):
        if len(row) != 6 or row[5].strip() not in _LETTERS[:4]:
            raise QuestionsError(
                f"{path}: {name} row {number}: wants a question, four choices and a letter from A to D"
            )
        text, *choices, letter = row
        answer = _LETTERS.index(letter.strip())
        yield Question(
            id=f"{subject}.{split}.{number}", subject=subject, text=text, choices=tuple(choices), answer=answer
        )


def _json_rows(path: Path, text: str) -> Iterable[Mapping[str, object]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise QuestionsError(f"{path}: line {number}: is not JSON ({error}); correct or remove it") from error
        if not isinstance(row, dict):
            raise QuestionsError(f"{path}: line {number}: is no JSON object; correct or remove it")
        yield row


def _question(
    path: Path, number: int, row: Mapping[str, object], fields: Mapping[str, str | tuple[str, ...]]
) -> Question:
    where = f"{path}: row {number}"
    named = {field: fields.get(field, field) for field in Question.model_fields}
    text = " ".join(_said(where, row, name) for name in _each(named["text"]))
    choices = _choices(where, row, _each(named["choices"])[0])
    given = _each(named["answer"])[0]
    if given not in row:
        raise QuestionsError(f"{where}: {given}: is missing; say which choice is right")
    try:
        return Question(
            id=str(number if (said := row.get(_each(named["id"])[0])) in (None, "") else said),
            subject=str(row.get(_each(named["subject"])[0]) or path.stem),
            text=text,
            choices=choices,
            answer=_answer(where, given, row[given], choices),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise QuestionsError(f"{where}: {'.'.join(map(str, first['loc'])) or 'row'}: {first['msg']}") from error


def _each(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def _said(where: str, row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise QuestionsError(f"{where}: {name}: is missing or no text; name the field with `fields`")
    return value.strip()


def _choices(where: str, row: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = row.get(name)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    lettered = tuple(text for letter in _LETTERS if isinstance(text := row.get(letter), str) and text.strip())
    if not lettered:
        raise QuestionsError(f"{where}: {name}: wants a list of texts, or columns A, B, …")
    return lettered


def _answer(where: str, name: str, value: object, choices: Sequence[str]) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value in choices:
            return choices.index(value)
        if len(value.strip()) == 1 and value.strip() in _LETTERS[: len(choices)]:
            return _LETTERS.index(value.strip())
        if value.strip().isdecimal():
            return int(value)
    raise QuestionsError(f"{where}: {name}: {value!r} is neither a choice's number from 0, its letter nor its text")
