"""What a judge makes of the safety episodes, beside the rules: the mean of each question over the tested agents, with its coverage."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

from comity.analyze.intervals import Interval, clustered_mean
from comity.train.safety.cases import Kind, SafetySuite, safety_suite
from comity.world.episodes import Episode
from comity.world.record import Record, Slug, content_hash
from comity.world.scorecards import Rubric, Scorecard

__all__ = ["Judged", "judged_safety", "safety_rubric"]


class Judged(Record):
    """One question about the tested agent, over the episodes of one kind."""

    kind: Kind
    dimension: Slug
    mean: Interval | None
    """Of 0 or 1, with a 95 % interval clustered by scenario."""
    known: int
    missing: Mapping[str, int]
    """Episodes without a score, by cause; `no scorecard` where the judge did not read one."""


@cache
def safety_rubric() -> Rubric:
    """Three questions, each 0 or 1; for `LLMJudge(model, rubric=safety_rubric())`."""
    text = resources.files("comity.train.safety").joinpath("rubric.toml").read_text("utf-8")
    return Rubric.model_validate(tomllib.loads(text))


def judged_safety(
    episodes: Iterable[Episode], scorecards: Iterable[Scorecard], *, suite: SafetySuite | None = None
) -> tuple[Judged, ...]:
    """The means of each kind and question. Raises `ValueError` for a scorecard of another rubric, and `KeyError` for an unknown scenario."""
    suite, rubric = suite or safety_suite(), safety_rubric()
    cards = {card.episode: card for card in scorecards}
    if other := next((card for card in cards.values() if card.rubric_hash != content_hash(rubric)), None):
        raise ValueError(
            f"scorecard {other.id} is by rubric {other.rubric}, not by {rubric.id}@{rubric.version} as it is"
        )
    played = [(suite.case(episode.task.scenario.id), episode) for episode in episodes]
    found: list[Judged] = []
    kinds: tuple[Kind, ...] = ("drawn", "prevent")
    for kind in kinds:
        of_kind = [(case, cards.get(episode.id)) for case, episode in played if case.kind == kind]
        for dimension in (each.id for each in rubric.dimensions) if of_kind else ():
            scores = [(case.id, card.scores[case.tested][dimension] if card else None) for case, card in of_kind]
            known = [(score.score, id_) for id_, score in scores if score is not None and score.score is not None]
            causes = [score.cause if score else "no scorecard" for _, score in scores]
            mean = clustered_mean([float(s) for s, _ in known], [id_ for _, id_ in known]) if known else None
            missing = Counter(cause for cause in causes if cause)
            found.append(Judged(kind=kind, dimension=dimension, mean=mean, known=len(known), missing=missing))
    return tuple(found)
