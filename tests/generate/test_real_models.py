"""Real models on this machine, small and often foolish: what they write is not tested, all around it is."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from comity.generate.acceptance import Unacceptable
from comity.generate.batch import Asking, Batch
from comity.generate.candidates import Candidate
from comity.generate.characters import CharacterQuestions
from comity.generate.ideas import load_ideas
from comity.generate.journal import Journal
from comity.generate.present import folder_library, people
from comity.generate.questions import Questions
from comity.generate.relationships import RelationshipQuestions
from comity.generate.review import Review
from comity.generate.scenarios import ScenarioQuestions
from comity.library import load_library
from comity.models.download import is_pulled
from comity.models.protocol import ChatModel, Sampling
from comity.models.registry import load_registry, models_directory
from comity.models.resolve import Resolved, resolve
from comity.models.scripted import ScriptedModel
from comity.world.collection import Collection

pytestmark = [pytest.mark.anyio, pytest.mark.embedded]

EVERY: Sequence[Questions] = (
    RelationshipQuestions(people(Collection()), brief=True),
    CharacterQuestions(brief=True),
    ScenarioQuestions(brief=True),
)
SOME = EVERY[1:2]
"""For the model that answers ten times as slowly."""


async def candidates(folder: Path, model: ChatModel, sampling: Sampling, asked: Sequence[Questions]) -> list[Candidate]:
    """One of each kind, each from the first idea that ships. What was answered before is not asked again."""
    found = []
    with Journal.open(folder, create=True) as journal:
        for questions in asked:
            asking = Asking(questions, model, sampling, licence="CC0-1.0", brief=True)
            batch = Batch(asking, journal, folder_library(folder), load_ideas(questions.kind), 1)
            await batch.run(1)
            assert (batch.failed, batch.left) == ({}, [])
            found += batch.answered
    return found


def asked_again(*asked: object) -> str:
    """What the script of a model that must not be asked does."""
    raise AssertionError("asked again")


def local(alias: str, config: Path, tests_own: Path) -> Resolved:
    """The model as it ships. The small one is fetched; the large one is only used where it has been pulled."""
    environ = {"XDG_CONFIG_HOME": str(config)}
    entry = load_registry(environ)[alias]
    for directory in (tests_own, models_directory()):
        if is_pulled(entry, directory):
            return resolve(f"local:{alias}", {**environ, "COMITY_MODELS_DIR": str(directory)}, conversations=1)
    pytest.skip(f"{alias} is not here; `comity models pull {alias}` fetches its {entry.bytes / 1e9:.1f} GB")


@pytest.mark.parametrize(
    ("alias", "asked"),
    [("smollm2-135m", EVERY), ("qwen2.5-coder-1.5b", SOME)],
    ids=["smollm2-135m", "qwen2.5-coder-1.5b"],
)
async def test_a_real_model_brings_a_candidate_of_each_kind_to_a_verdict(
    alias: str, asked: Sequence[Questions], smollm2_directory: Path, tmp_path: Path
) -> None:
    found, folder = local(alias, tmp_path / "config", smollm2_directory), tmp_path / "mine"
    sampling = found.sampling.model_copy(update={"max_tokens": 400})
    try:
        made = await candidates(folder, found.model, sampling, asked)
    finally:
        await found.model.aclose()
    assert [each.kind for each in made] == [questions.kind for questions in asked]
    for each in made:
        assert each.state in ("passed", "rejected")
        assert bool(each.reasons) == (each.state == "rejected")
        assert all(call.text and call.completion_tokens for call in each.answered.calls)
    assert await candidates(folder, ScriptedModel(asked_again, name=found.model.name), sampling, asked) == made
    decide(folder, made)


def decide(folder: Path, found: Sequence[Candidate]) -> None:
    """What passed becomes a library that loads; what was rejected is refused with the reasons that were kept."""
    with Journal.open(folder) as journal:
        review = Review(journal)
        for each in found:
            if each.state == "passed":
                assert review.accept(each).state == "accepted"
                continue
            with pytest.raises(Unacceptable) as refused:
                review.accept(each)
            assert all(reason in str(refused.value) for reason in each.reasons)
    passed = [each.draft.record for each in found if each.state == "passed" and each.draft]
    library = load_library(folder) if passed else Collection()
    assert all(made in (*library.relationships, *library.characters, *library.scenarios) for made in passed)
