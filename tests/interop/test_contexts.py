"""What SOTOPIA told its agents, by relationship; and no more of it to an agent than that."""

from collections.abc import Sequence

import pytest

from comity.interop.contexts import (
    Context,
    background,
    context,
    kind_shown,
    read_background,
    read_context,
)
from comity.world.relationships import RelationshipKind
from comity.world.tasks import Task
from interop.episodes import people, task

ANN = "Ann Hart is a 30-year-old female ship's cook. She/her pronouns. Ann cooks. "
ALL_OF_ANN = f"{ANN} Personality and values description: Ann is calm. Ann's secrets: Ann hates food."
BO = "Bo O'Hara is a 30-year-old nonbinary ship's cook. They/them pronouns. Bo sings."


def test_a_whole_background_is_one_sentence_and_is_read_back() -> None:
    ann, _ = people()
    assert background(ann) == ALL_OF_ANN
    fields = read_background(ALL_OF_ANN, "Ann Hart")
    assert fields is not None
    assert background(ann.model_copy(update=dict(fields))) == ALL_OF_ANN
    assert (fields["age"], fields["public_info"], fields["secret"]) == (30, "Ann cooks. ", "Ann hates food.")
    assert read_background("Ann Hart. Country: ENGLAND.", "Ann Hart") is None


def test_an_age_that_is_not_known_is_left_out_and_read_back_as_that() -> None:
    ann, _ = people()
    ageless = ann.model_copy(update={"age": None})
    assert background(ageless) == ALL_OF_ANN.replace("30-year-old ", "")
    fields = read_background(background(ageless), "Ann Hart")
    assert fields is not None
    assert (fields["age"], fields["gender"], fields["occupation"]) == (None, "female", "ship's cook")
    assert background(ann.model_copy(update=dict(fields))) == background(ageless)


def test_an_age_is_never_taken_for_a_gender() -> None:
    assert read_background(ALL_OF_ANN.replace("female ship's cook", "cook"), "Ann Hart") is None


@pytest.mark.parametrize(
    ("kind", "of_bo"),
    [
        (RelationshipKind.STRANGER, ""),
        (RelationshipKind.KNOW_BY_NAME, "Bo O'Hara "),
        (RelationshipKind.ACQUAINTANCE, f"{BO} "),
        (RelationshipKind.FRIEND, f"{BO} Personality and values description: Bo is loud. "),
        (RelationshipKind.FAMILY, f"{BO} Personality and values description: Bo is loud. "),
    ],
)
def test_what_an_agent_is_told_of_the_other(kind: RelationshipKind, of_bo: str) -> None:
    told = context(task(kind), "agent_1", "asymmetric")
    assert told == (
        "\nHere is the context of this interaction:\nScenario: Two people on a ship. \nParticipants: Ann Hart and Bo O'Hara\n"
        f"Ann Hart's background: {ALL_OF_ANN}\nBo O'Hara's background: {of_bo}\n"
        "Ann Hart's goal: Stay dry (Extra information: you saw a hole. Hint: be quick)\nBo O'Hara's goal: Unknown\n"
        "Conversation Starts:\n"
    )
    read = read_context(told, ("Ann Hart", "Bo O'Hara"))
    assert read is not None
    assert (read.backgrounds, read.goals[1]) == ((ALL_OF_ANN, of_bo), "Unknown")
    shown = {RelationshipKind.FAMILY: RelationshipKind.FRIEND}.get(kind, kind)
    assert kind_shown(read.backgrounds[1], "Bo O'Hara") is shown


@pytest.mark.parametrize("kind", list(RelationshipKind))
def test_no_agent_is_told_the_others_secret_or_goal_or_what_only_the_judge_knows(kind: RelationshipKind) -> None:
    of: Task = task(kind)
    for viewer, hidden in (
        ("agent_1", ["Bo cannot swim", "Sing\n", "sinking"]),
        ("agent_2", ["Ann hates food", "Stay dry", "you saw a hole", "be quick", "sinking"]),
    ):
        told = context(of, viewer, "asymmetric")
        assert [words for words in hidden if words in told] == []


def test_in_omniscient_mode_all_are_told_all_but_the_judges_note() -> None:
    for viewer in ("agent_1", "agent_2"):
        told = context(task(), viewer, "omniscient")
        assert all(words in told for words in ("Bo cannot swim", "Ann hates food", "Stay dry", "goal: Sing"))
        assert "sinking" not in told


def test_blanks_after_a_line_break_and_at_the_end_go_as_sotopia_let_them_go() -> None:
    of = task()
    one, other = of.scenario.seats
    seats = (one, other.model_copy(update={"goal": "Sing:\n   la\n  la  \n"}))
    of = of.model_copy(update={"scenario": of.scenario.model_copy(update={"seats": seats})})
    assert "goal: Sing:\nla\nla\nConversation Starts:\n" in context(of, "agent_2", "asymmetric")


@pytest.mark.parametrize("names", [("Ann Hart", "Cy"), ("Bo O'Hara", "Ann Hart")])
def test_a_text_about_others_is_not_read(names: Sequence[str]) -> None:
    assert read_context(context(task(), "agent_1", "asymmetric"), names) is None


def test_a_context_taken_apart() -> None:
    text = (
        "\nHere is the context of this interaction:\nScenario: \nA ship.\nParticipants: A and B\nA's background: a\n"
        "B's background: b\nA's goal: x\ny\n\nB's goal: z\nConversation Starts:\n"
    )
    assert read_context(text, ("A", "B")) == Context("\nA ship.", ("a", "b"), ("x\ny\n", "z"))
