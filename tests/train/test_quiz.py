"""The quiz is made by rule: its answers are right by arithmetic and order, its parts share no question, and a seed fixes it."""

import re
from collections import Counter
from collections.abc import Sequence
from string import ascii_lowercase

import pytest

from comity.train import quiz as quiz_module
from comity.train.questions import Question
from comity.train.quiz import KINDS, as_text, quiz

PRACTICE = quiz(2500, seed=1, part="practice")
TEST = quiz(800, seed=1)
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def numbers(text: str) -> list[int]:
    return [int(each) for each in re.findall(r"\d+", text)]


def said(question: Question) -> str:
    return question.choices[question.answer]


def of_kind(kind: str) -> list[Question]:
    found = [question for question in (*PRACTICE.questions, *TEST.questions) if question.subject == kind]
    assert len(found) > 40
    return found


def test_there_are_twelve_kinds_as_evenly_as_can_be() -> None:
    assert len(KINDS) == 12
    assert set(Counter(question.subject for question in quiz(240, seed=3).questions).values()) == {20}


def test_no_question_is_in_both_parts() -> None:
    assert not {question.text for question in PRACTICE.questions} & {question.text for question in TEST.questions}
    texts = [question.text for question in PRACTICE.questions]
    assert len(set(texts)) == len(texts)


def test_choices_differ_and_the_right_one_stands_anywhere() -> None:
    for question in (*PRACTICE.questions, *TEST.questions):
        assert len(set(question.choices)) == 4
    places = Counter(question.answer for question in PRACTICE.questions)
    assert min(places.values()) > 0.22 * len(PRACTICE.questions)


def test_sums_and_differences_are_right() -> None:
    for question in of_kind("sum"):
        a, b = numbers(question.text)
        assert int(said(question)) == a + b
    for question in of_kind("difference"):
        a, b = numbers(question.text)
        assert int(said(question)) == a - b
    for question in of_kind("next number"):
        assert int(said(question)) == numbers(question.text)[0] + 1


def test_the_largest_and_the_smallest_are_right() -> None:
    for kind, best in (("largest", max), ("smallest", min)):
        for question in of_kind(kind):
            assert int(said(question)) == best(numbers(question.text)) == best(map(int, question.choices))


def test_what_comes_after_and_before_is_right() -> None:
    for question in of_kind("next letter"):
        asked = question.text.split("after ")[1][0]
        assert ascii_lowercase.index(said(question)) == ascii_lowercase.index(asked) + 1
    for question in of_kind("day"):
        word, day = re.findall(r"right (after|before) (\w+)", question.text)[0]
        assert DAYS.index(said(question)) == (DAYS.index(day) + (1 if word == "after" else -1)) % 7


def every(kind: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """What can be asked of a kind at all: the question, the right choice and those that are wrong."""
    return [(item.asked, item.right, item.wrong) for item in KINDS[kind]()]


def test_a_question_has_one_right_number_letter_or_name() -> None:
    def answers(asked: str, choices: Sequence[str]) -> list[str]:
        """Those choices that are right, worked out anew."""
        of = asked.split()
        if asked.startswith("What is "):
            a, b = numbers(asked)
            return [each for each in choices if int(each) == (a + b if "plus" in of else a - b)]
        if "number comes right after" in asked:
            return [each for each in choices if int(each) == numbers(asked)[0] + 1]
        if "letter comes right after" in asked:
            return [each for each in choices if ord(each) == ord(of[5]) + 1]
        if "largest" in of or "smallest" in of:
            best = max if "largest" in of else min
            return [each for each in choices if int(each) == best(map(int, choices))]
        ring, step = DAYS if of[1] == "day" else MONTHS, 1 if of[4] == "after" else -1
        return [each for each in choices if each == ring[(ring.index(of[5]) + step) % len(ring)]]

    for kind in ("largest", "smallest", "sum", "difference", "next number", "next letter", "day", "month"):
        for asked, right, wrong in every(kind):
            assert answers(asked, (right, *wrong)) == [right], asked


def test_an_opposite_is_never_beside_another_word_of_its_scale() -> None:
    partner = {word: other for a, b in quiz_module._OPPOSITES for word, other in ((a, b), (b, a))}
    assert len(partner) == 2 * len(quiz_module._OPPOSITES), "no word stands in two pairs"
    for asked, right, wrong in every("opposite"):
        word = asked.split()[-1]
        assert right == partner[word]
        for scale in quiz_module._RELATED:
            assert not scale & set(wrong) or not scale & {word, right}, asked
    beside = {frozenset({asked.split()[-1], each}) for asked, _, wrong in every("opposite") for each in wrong}
    for two in (
        ("loud", "soft"),
        ("sweet", "dry"),
        ("big", "short"),
        ("strong", "light"),
        ("first", "late"),
        ("low", "tall"),
    ):
        assert frozenset(two) not in beside


def test_no_word_is_of_two_groups_and_the_odd_one_is_of_another() -> None:
    group_of = {word: group for group, words in quiz_module._GROUPS.items() for word in words}
    assert len(group_of) == sum(map(len, quiz_module._GROUPS.values()))
    also = {"peach", "plum", "cherry", "lemon", "orange", "lime", "olive", "drill", "crane", "train", "kiwi", "turtle"}
    assert not also & set(group_of), "each is of two groups in plain English"
    for _, right, wrong in every("odd one out"):
        assert len({group_of[word] for word in wrong}) == 1
        assert group_of[right] not in {group_of[word] for word in wrong}
    for asked, right, wrong in every("member"):
        group = asked.split()[-1]
        assert [word for word in (right, *wrong) if group_of[word] == group] == [right]


def test_a_plural_is_the_only_one_of_its_word() -> None:
    right_of = dict(quiz_module._PLURALS)
    for asked, right, wrong in every("plural"):
        word = asked.split()[1].rstrip(",")
        assert right == right_of[word]
        assert right not in wrong
        assert len(set(wrong)) == 3
    also = {"mouse", "cactus", "index", "fish", "hoof", "scarf", "roof", "person"}
    assert not also & set(right_of), "each has two plurals"


def test_no_wrong_choice_is_right_too() -> None:
    for question in (*of_kind("opposite"), *of_kind("plural")):
        others = [
            other
            for other in (*PRACTICE.questions, *TEST.questions)
            if other.text.split(":")[0] == question.text.split(":")[0]
        ]
        assert {said(other) for other in others} == {said(question)}


def test_a_seed_fixes_the_questions_and_another_draws_others() -> None:
    assert quiz(100, seed=5) == quiz(100, seed=5)
    assert quiz(100, seed=5) != quiz(100, seed=6)


def test_a_question_as_text_is_what_is_asked_with_its_answer() -> None:
    question = TEST.questions[0]
    assert as_text(question) == f"Question: {question.text}\nAnswer: {said(question)}\n"


def test_examples_are_of_the_same_kind_and_never_asked() -> None:
    shown = quiz(24, seed=5, examples=3)
    assert shown.questions == quiz(24, seed=5).questions
    assert all(len(shown.shots(question.subject, 5)) == 3 for question in shown.questions)
    assert {example.text for example in shown.examples} <= {
        q.text for q in quiz(2686, seed=5, part="practice").questions
    }


@pytest.mark.parametrize("count", [0, 100_000])
def test_no_more_can_be_asked_than_there_are(count: int) -> None:
    with pytest.raises(ValueError, match="ask for 1 to so many"):
        quiz(count, seed=1)
