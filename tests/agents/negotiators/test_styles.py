"""Styles: how they are named and recorded, that held-out ones share nothing with experts, and that a pool stays as it is."""

import hashlib

import pytest
from negotiating import ALL, FIXED, fixed, playing, seated

from comity.agents.negotiators import EXPERTS, HELD_OUT, HeldOutPartner, named_styles, negotiator, refuse_held_out
from comity.agents.negotiators.speech import load_book
from comity.models.protocol import ModelNotFound
from comity.world.episodes import Policy

POOL = HELD_OUT["held-out@1"]


def test_a_policy_names_style_version_sentences_and_parameters() -> None:
    policy = negotiator("negotiator:boulware").policy
    assert (policy.agent, policy.model, policy.style) == ("negotiator", None, "boulware@1")
    assert policy.prompt_hash == load_book("plain").hash
    assert policy.sampling["beta"] == 0.25
    assert policy.sampling["concedes"] == "time"
    held = negotiator("negotiator:held-out@1/grim").policy
    assert (held.style, held.sampling["pool"]) == ("held-out@1/grim@1", "held-out@1")


@pytest.mark.parametrize("spec", named_styles())
def test_a_specification_and_a_policys_label_lead_to_the_same_style(spec: str) -> None:
    label = negotiator(spec).policy.style
    assert label is not None
    assert negotiator(f"negotiator:{label}").policy == negotiator(label).policy == negotiator(spec).policy


@pytest.mark.parametrize(
    "spec", ["negotiator:liner", "negotiator:", "negotiator:grim", "negotiator:linear@2", "openai:linear"]
)
def test_an_unknown_style_is_refused_with_those_that_there_are(spec: str) -> None:
    with pytest.raises(
        ModelNotFound, match=r"names no negotiator of this version; there are: negotiator:linear, .*held-out@1/grim"
    ):
        negotiator(spec)


def test_no_two_policies_are_the_same() -> None:
    policies = [agent.policy for agent in ALL.values()]
    assert len(policies) == len(EXPERTS) + len(POOL)
    assert all(a != b for at, a in enumerate(policies) for b in policies[at + 1 :])


def test_the_held_out_pool_shares_neither_rules_nor_sentences_with_the_experts() -> None:
    assert len(POOL) >= 4
    conceding = {style.concedes for style in EXPERTS.values()}
    answering = {style.answers for style in EXPERTS.values()}
    assert not {style.concedes for style in POOL.values()} & conceding
    assert not {style.answers for style in POOL.values()} & answering
    assert len({style.concedes for style in POOL.values()}) == len(POOL)
    books = {style.book for style in EXPERTS.values()}, {style.book for style in POOL.values()}
    ours, theirs = (
        {f.text for book in of for frames in load_book(book).frames.values() for f in frames} for of in books
    )
    assert not ours & theirs


def test_training_may_not_learn_from_the_pool() -> None:
    mine = Policy(agent="llm", model="openai:gpt-4o", style="chat@1")
    refuse_held_out(
        [mine, "openai:gpt-4o", *EXPERTS["linear"].spec.split(), *(ALL[s.spec].policy for s in EXPERTS.values())]
    )
    for held in POOL.values():
        for named in (held.spec, ALL[held.spec].policy, f"{held.spec}@{held.version}"):
            with pytest.raises(
                HeldOutPartner, match=r"held out for evaluation, so that nothing .*train with: negotiator:linear"
            ):
                refuse_held_out([mine, named])


def test_the_guard_judges_a_recorded_policy_by_what_it_is_and_not_by_another_agents_label() -> None:
    refuse_held_out([Policy(agent="llm", style="held-out@1/grim@1")])
    with pytest.raises(HeldOutPartner, match="held-out@1/gone"):
        refuse_held_out([Policy(agent="negotiator", style="held-out@1/gone@7")])


def played_by(spec: str) -> str:
    """A digest of everything that a style says and does with its own kind, in a game of every kind of payoff."""
    said: list[str] = []
    for kind in FIXED:
        for seed in range(3):
            end = playing(fixed(kind), seated(fixed(kind), spec), seed=seed)
            said += [f"{e.seat} {e.action.model_dump_json(exclude_defaults=True)}" for e in end.events if e.action]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


PINNED: dict[str, str] = {
    "negotiator:held-out@1/splitter": "7aabaaf39bdf9bf0",
    "negotiator:held-out@1/late-folder": "20dccfe5937183ad",
    "negotiator:held-out@1/logroller": "b3f9b12845c8c454",
    "negotiator:held-out@1/grim": "b346e0a4fcaf8e1a",
}


@pytest.mark.parametrize("spec", [style.spec for style in POOL.values()])
def test_a_pool_never_changes(spec: str) -> None:
    """Results against it must stay comparable: where this fails, leave held-out@1 as it was and make held-out@2."""
    assert played_by(spec) == PINNED[spec]
