"""Multiple choice by log-likelihood: what is chosen and by how much, how many examples fit, what is kept of a killed call, and what is
refused.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.models.protocol import ContextExceeded, Unreachable
from comity.train.qa import Answer, QAResult, ask
from comity.train.questions import (
    Form,
    Question,
    QuestionsError,
    QuestionSet,
    load_mmlu,
    load_questions,
    prompt,
    worked,
)
from comity.train.rows import RowsError

DATA = Path(__file__).parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the released data is not in shared/data beside the repository"
)


class Model:
    """Says how likely a continuation is by a rule of its own."""

    def __init__(self, rule: Callable[[str, str], float], *, name: str = "model", window: int = 10**9) -> None:
        self._rule, self.name, self._window = rule, name, window
        self.asked: list[tuple[str, str]] = []

    def log_likelihoods(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, int]]:
        if any(len(before) + len(after) > self._window for before, after in pairs):
            raise ContextExceeded("too long")
        self.asked += pairs
        return [(self._rule(before, after), 1) for before, after in pairs]


def question(number: int, *, subject: str = "birds", answer: int = 0, size: int = 4) -> Question:
    choices = tuple(f"choice {number}.{at}" for at in range(size))
    return Question(
        id=f"{subject}.{number}", subject=subject, text=f"What is {number}?", choices=choices, answer=answer
    )


def a_set(*questions: Question, form: Form = "letters", examples: int = 0) -> QuestionSet:
    subjects = {each.subject for each in questions}
    shown = [question(100 + at, subject=subject) for subject in sorted(subjects) for at in range(examples)]
    return QuestionSet(name="set", form=form, questions=questions, examples=tuple(shown))


def only(result: QAResult) -> Answer:
    (answer,) = result.answers
    return answer


def letters(**likelihoods: float) -> Model:
    return Model(lambda before, after: likelihoods[after.strip()])


def knows(right: Callable[[int], bool], name: str = "model") -> Model:
    """Answers rightly (with A) where `right(number)`, else with B."""

    def rule(before: str, after: str) -> float:
        number = int(before.rsplit("What is ", 1)[1].split("?")[0])
        return -1.0 if after.strip() == ("A" if right(number) else "B") else -3.0

    return Model(rule, name=name)


def test_the_likeliest_letter_is_chosen_and_the_margin_is_to_the_best_wrong_one() -> None:
    answer = only(ask(letters(A=-2.0, B=-0.5, C=-4.0, D=-9.0), a_set(question(1, answer=1))))
    assert (answer.chosen, answer.right, answer.margin) == (1, True, 1.5)
    weights = [math.exp(x) for x in (-2.0, -0.5, -4.0, -9.0)]
    assert answer.probability == pytest.approx(weights[1] / sum(weights))
    wrong = only(ask(letters(A=-2.0, B=-0.5, C=-4.0, D=-9.0), a_set(question(1, answer=2))))
    assert (wrong.right, wrong.margin) == (False, -3.5)


def test_choices_in_words_are_weighed_by_the_character_and_are_as_likely_as_they_are() -> None:
    long_one = Question(id="q", subject="s", text="Which?", choices=("né", "a much longer answer"), answer=1)
    rule = Model(lambda before, after: -4.0 if after == " né" else -6.0)
    answer = only(ask(rule, a_set(long_one, form="words")))
    assert answer.right
    assert answer.margin == pytest.approx(-6.0 / len("a much longer answer") + 4.0 / len("né"))
    assert answer.probability == pytest.approx(math.exp(-6.0) / (math.exp(-6.0) + math.exp(-4.0)))


@given(
    st.lists(st.floats(-50, 0), min_size=4, max_size=4, unique=True),
    st.integers(0, 3),
    st.floats(-20, 20),
)
def test_what_all_choices_have_in_common_does_not_matter(scores: list[float], right: int, more: float) -> None:
    of = a_set(question(1, answer=right))
    plain = only(ask(letters(**dict(zip("ABCD", scores, strict=True))), of))
    moved = only(ask(letters(**dict(zip("ABCD", (each + more for each in scores), strict=True))), of))
    assert plain.margin == pytest.approx(moved.margin, abs=1e-9)
    assert plain.probability == pytest.approx(moved.probability, abs=1e-9)
    assert plain.right == (scores[right] == max(scores)) == (plain.margin is not None and plain.margin > 0)


def test_examples_of_its_own_subject_stand_before_a_question() -> None:
    of = a_set(question(1), question(2, subject="rivers"), examples=5)
    model = letters(A=-1.0, B=-2.0, C=-2.0, D=-2.0)
    result = ask(model, of)
    assert result.shots == {5: 2}
    text, after = model.asked[0]
    assert text.startswith(
        "The following are multiple choice questions (with answers) about birds.\n\nWhat is 100?\nA. "
    )
    assert text.count("\nAnswer: A\n") == 5
    assert text.endswith("What is 1?\nA. choice 1.0\nB. choice 1.1\nC. choice 1.2\nD. choice 1.3\nAnswer:")
    assert after == " A"
    assert "rivers" not in text


def test_as_many_examples_are_shown_as_fit_and_they_are_counted() -> None:
    of = a_set(question(1), examples=5)
    two = len(prompt(of.questions[0], of.examples[:2], "letters")) + 2
    assert ask(Model(lambda b, a: -1.0, window=two), of).shots == {2: 1}
    assert ask(Model(lambda b, a: -1.0, window=two - 1), of).shots == {1: 1}


def test_what_never_fits_has_no_value_and_is_not_wrong() -> None:
    of = a_set(question(1), question(2).model_copy(update={"text": "What is 2?" + "?" * 500}))
    result = ask(Model(knows(lambda n: True)._rule, window=400), of)
    assert (result.asked, result.answered) == (2, 1)
    assert result.missing == {"longer than the model's window": 1}
    assert result.accuracy is not None
    assert result.accuracy.value == 1.0


@pytest.mark.parametrize("broken", [math.nan, -math.inf])
def test_a_likelihood_that_is_no_number_has_no_value(broken: float) -> None:
    answer = only(ask(letters(A=-1.0, B=broken, C=-1.0, D=-1.0), a_set(question(1))))
    assert answer.right is None
    assert answer.margin is None
    assert "no number" in answer.missing


def test_a_killed_call_goes_on_where_it_stood(tmp_path: Path) -> None:
    of = a_set(*(question(n, subject=f"s{n % 3}") for n in range(20)))
    whole = knows(lambda n: n % 2 == 0)
    kept = tmp_path / "answers.jsonl"
    left = [2]

    def breaks(before: str, after: str) -> float:
        if "What is 13?" in before and left:
            left.pop()
            raise Unreachable("gone")
        return whole._rule(before, after)

    with pytest.raises(Unreachable):
        ask(Model(breaks), of, kept=kept)
    rows = kept.read_text().count("\n") - 1
    assert 0 < rows < 20
    with kept.open("ab") as file:
        file.write(b'{"question": "s1.1", "sub')  # what a kill leaves
    model = Model(whole._rule)
    again = ask(model, of, kept=kept)
    assert len(model.asked) == 4 * (20 - rows)
    assert again == ask(whole, of)
    assert ask(Model(breaks), of, kept=kept) == again  # nothing is asked


def test_what_is_kept_of_another_model_is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "answers.jsonl"
    of = a_set(question(1))
    ask(knows(bool, name="one"), of, kept=kept)
    with pytest.raises(RowsError, match=r"model is 'one' there and 'two' now.*; use another file"):
        ask(knows(bool, name="two"), of, kept=kept)
    with pytest.raises(RowsError, match="shots"):
        ask(knows(bool, name="one"), of, shots=0, kept=kept)
    kept.write_text("hello\n")
    with pytest.raises(RowsError, match="line 1"):
        ask(knows(bool, name="one"), of, kept=kept)


def test_a_broken_row_is_named(tmp_path: Path) -> None:
    kept = tmp_path / "answers.jsonl"
    of = a_set(question(1))
    ask(knows(bool), of, kept=kept)
    with kept.open("a") as file:
        file.write('{"question": 3}\n')
    with pytest.raises(RowsError, match=r"answers\.jsonl: line 3: is no row"):
        ask(knows(bool), of, kept=kept)


def test_accuracy_is_clustered_by_subject_and_knows_chance() -> None:
    of = a_set(*(question(n, subject=f"s{n % 10}") for n in range(40)))
    result = ask(knows(lambda n: n % 4 > 0), of)
    assert result.chance == 0.25
    assert result.accuracy is not None
    assert (result.accuracy.value, result.accuracy.n, result.accuracy.clusters) == (0.75, 40, 10)
    assert result.can_move is True
    assert ask(knows(lambda n: True), of).can_move is False
    assert ask(knows(lambda n: n % 4 == 0), of).can_move is False
    assert QAResult.model_validate_json(result.model_dump_json()) == result


def test_a_draw_takes_subjects_evenly_and_keeps_to_its_seed() -> None:
    of = a_set(*(question(n, subject=f"s{n % 4}") for n in range(80)))
    drawn = of.some(10, seed=1)
    counts = [sum(each.subject == f"s{at}" for each in drawn.questions) for at in range(4)]
    assert sorted(counts) == [2, 2, 3, 3]
    assert of.some(10, seed=1) == drawn
    assert of.some(10, seed=2) != drawn
    assert of.some(500, seed=1).questions == of.questions


def test_a_worked_question_is_the_prompt_and_its_answer() -> None:
    one = question(1, answer=2)
    assert worked(one, "letters").endswith("\nAnswer: C\n")
    assert worked(one, "words") == prompt(one, (), "words") + " choice 1.2\n"


ROWS = """{"id": "a", "subject": "s", "text": "Which?", "choices": ["x", "y"], "answer": 1}
{"text": "And?", "choices": ["x", "y"], "answer": "B"}
{"text": "Then?", "choices": ["left", "right"], "answer": "right"}
"""


def test_questions_are_read_from_json_lines_and_tables(tmp_path: Path) -> None:
    lines, table = tmp_path / "own.jsonl", tmp_path / "own.csv"
    lines.write_text(ROWS)
    read = load_questions(lines, form="words")
    assert [(q.id, q.subject, q.answer) for q in read.questions] == [("a", "s", 1), ("2", "own", 1), ("3", "own", 1)]
    table.write_text("text,A,B,C,answer\nWhich?,x,y,,1\n")
    (only_one,) = load_questions(table, form="letters").questions
    assert (only_one.choices, only_one.answer) == (("x", "y"), 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1: is not JSON"),
        ("[]", "line 1: is no JSON object"),
        ('{"choices": ["x", "y"], "answer": 0}', "row 1: text: is missing"),
        ('{"text": "?", "answer": 0}', "row 1: choices: wants a list"),
        ('{"text": "?", "choices": ["x", "y"]}', "row 1: answer: is missing"),
        ('{"text": "?", "choices": ["x", "y"], "answer": 2}', "row 1: row: .*none of the 2 choices"),
        ('{"text": "?", "choices": ["x", "y"], "answer": "z"}', "row 1: answer: 'z' is neither"),
        ('{"text": "?", "choices": ["x"], "answer": 0}', "row 1: choices"),
        ('{"text": "?", "choices": ["x", " "], "answer": 0}', "a choice is empty"),
        ('{"id": "a", "text": "?", "choices": ["x", "y"], "answer": 0}\n' * 2, "two questions have the id 'a'"),
        ("", "at least 1"),
    ],
)
def test_a_file_that_does_not_fit_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(QuestionsError, match=said) as caught:
        load_questions(path, form="words")
    assert str(path) in str(caught.value)


def test_files_that_are_not_there_or_no_archive_are_said(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match="check that it is there"):
        load_questions(tmp_path / "none.jsonl", form="words")
    with pytest.raises(QuestionsError, match="cannot be read"):
        load_mmlu(tmp_path / "none.zip")
    (tmp_path / "no.zip").write_text("hello")
    with pytest.raises(QuestionsError, match="no whole zip"):
        load_mmlu(tmp_path / "no.zip")


@needs_data
def test_mmlu_is_read_whole() -> None:
    mmlu = load_mmlu(DATA / "qa" / "mmlu_dev_val.zip")
    assert (len(mmlu.questions), len(mmlu.examples), len({q.subject for q in mmlu.questions})) == (1531, 285, 57)
    assert all(len(mmlu.shots(q.subject, 5)) == 5 for q in mmlu.questions)
    always_a = ask(letters(A=-1.0, B=-2.0, C=-2.0, D=-2.0), mmlu)
    assert always_a.accuracy is not None
    assert always_a.accuracy.value == sum(q.answer == 0 for q in mmlu.questions) / 1531
    assert always_a.can_move is False


@needs_data
def test_other_sets_are_read_by_naming_their_fields() -> None:
    fields: dict[str, str | tuple[str, ...]] = {"text": ("context", "question"), "choices": "options"}
    social = load_questions(DATA / "tom" / "socialiqa_dev.jsonl", form="words", fields=fields)
    assert len(social.questions) == 1954
    assert social.questions[0].text.endswith("What does Tracy need to do before this?")
    assert social.questions[0].choices[social.questions[0].answer] == "Find somewhere to go"


def test_where_there_is_one_subject_each_question_stands_for_itself() -> None:
    result = ask(knows(lambda n: n % 2 == 0), a_set(*(question(n) for n in range(8))))
    assert result.accuracy is not None
    assert result.accuracy.clusters == 8
