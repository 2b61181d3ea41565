"""Episodes from SOTOPIA's files as our own: events that our rules accept, policies by model names, and the judge's scorecards.

Nothing of a row is kept but typed fields. What was rendered from them, such as the agents' first prompts, is rendered again by
`comity.interop.episode_files`; the report says of each row which of its fields will then come out otherwise.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue, ValidationError

from comity.interop.casts import Known, Told, task_of
from comity.interop.contexts import read_context
from comity.interop.episode_files import Judged, row_of
from comity.interop.episode_rows import AnyRow, EvaluationRow, Form, NativeRow, ReleasedRow, TextRow, rows_of
from comity.interop.licences import licence_of, named_source
from comity.interop.playing import play
from comity.interop.remarks import Problem, Remark, Report
from comity.interop.texts import SEATS
from comity.interop.transcripts import Matrix, Unreadable, names_of, read_matrix, read_transcript
from comity.interop.verdicts import Scores, read_end, read_evaluation, read_scores, sotopia_eval, split_reasoning
from comity.world.collection import Collection
from comity.world.episodes import Episode, Policy
from comity.world.record import content_hash
from comity.world.scorecards import Scorecard

__all__ = ["EpisodesRead", "ReadCard", "ReadEpisode", "read_episodes"]

_PLAYED_BY = "SOTOPIA"
"""The agent, judge and code of imported episodes: SOTOPIA's own."""


@dataclass(frozen=True, slots=True)
class ReadEpisode:
    """An episode with the place of its row."""

    where: str
    episode: Episode


@dataclass(frozen=True, slots=True)
class ReadCard:
    """A scorecard by SOTOPIA's rubric with the place of its row."""

    where: str
    card: Scorecard


@dataclass(frozen=True, slots=True)
class EpisodesRead:
    """What was read, and what there is to say of it."""

    episodes: tuple[ReadEpisode, ...]
    cards: tuple[ReadCard, ...]
    """Of these episodes and of others that are stored; all by `sotopia_eval`."""
    report: tuple[Remark, ...]
    problems: tuple[Problem, ...]
    """The rows that were left out, and why; empty where everything was read."""


def read_episodes(
    paths: Iterable[Path],
    known: Collection,
    *,
    stored: Callable[[str], Episode | None] = lambda _: None,
    licence: str = "",
) -> EpisodesRead:
    """Read files of episodes in any of SOTOPIA's forms, which may be mixed; see `comity.interop.episode_rows.Form`.

    Args:
        paths: JSON lines, or files ending in `.json` with one object or a list of them.
        known: what was imported before. Scenarios and characters are found in it by id, or by name and text where the row
            has no ids; those that are not there are made of what the row tells.
        stored: the stored episode of an id, for second judges' scores of it.
        licence: the licence of all of it, as an SPDX expression, where the rows do not say or say it wrongly.
    """
    reading = _Reading(known=Known(known), licence=licence)
    evaluations: list[tuple[str, EvaluationRow]] = []
    for where, fields, row in (row for path in paths for row in rows_of(reading, path)):
        if isinstance(row, EvaluationRow):
            evaluations.append((where, row))
        else:
            reading.episode(where, fields, row)
    for where, evaluation in evaluations:
        reading.evaluation(where, evaluation, stored)
    episodes = tuple(reading.episodes.values())
    return EpisodesRead(episodes, tuple(reading.cards), tuple(reading.remarks), tuple(reading.problems))


_EpisodeRow = ReleasedRow | TextRow | NativeRow


@dataclass
class _Reading(Report):
    """One import of episodes under way."""

    known: Known = field(default_factory=lambda: Known(Collection()))
    licence: str = ""
    episodes: dict[str, ReadEpisode] = field(default_factory=dict)
    cards: list[ReadCard] = field(default_factory=list)

    def episode(self, where: str, fields: Mapping[str, JsonValue], row: _EpisodeRow) -> None:
        """Take in an episode with its scorecard, or say why not."""
        id_ = row.pk if isinstance(row, NativeRow) else row.episode_id
        if id_ in self.episodes:
            self.problem(where, f"id: {id_} is already in {self.episodes[id_].where}; remove one of the two")
            return
        try:
            episode, card = self._taken_in(where, id_, row)
        except Unreadable as error:
            self.problem(where, f"{error}; correct it, or remove the line")
        except ValidationError as error:
            self.invalid(where, error)
        else:
            if episode is not None:
                self.episodes[id_] = ReadEpisode(where, episode)
                self.cards += [ReadCard(where, card)] if card else []
                self._compare(where, fields, Judged(episode, card, sotopia_eval()), row)

    def evaluation(self, where: str, row: EvaluationRow, stored: Callable[[str], Episode | None]) -> None:
        """Take in a second judge's scores, or say why not."""
        read = self.episodes.get(row.episode_id)
        episode = read.episode if read else stored(row.episode_id)
        if episode is None:
            self.problem(
                where, f"episode_id: {row.episode_id} is neither in these files nor in the store; import it first"
            )
            return
        if names_of(episode) != [row.agent_1_name, row.agent_2_name]:
            self.problem(where, "agent_1_name, agent_2_name: not the names of that episode's cast, in their order")
            return
        try:
            evaluations = (row.agent_1_evaluation, row.agent_2_evaluation)
            scores = [read_evaluation(each, f"agent_{i}_evaluation") for i, each in enumerate(evaluations, 1)]
        except Unreadable as error:
            self.problem(where, f"{error}; correct it, or remove the line")
            return
        judge = Policy(agent="judge", model=row.evaluator_model)
        card = _card(episode, judge, scores, datetime.now(UTC), self._provenance(where, row))
        self.cards.append(ReadCard(where, card))

    def _taken_in(self, where: str, id_: str, row: _EpisodeRow) -> tuple[Episode | None, Scorecard | None]:
        names = _names(row)
        comment, reasons = split_reasoning(row.reasoning, SEATS)
        provenance = self._provenance(where, row)
        told = _told(row, names, provenance)
        task = task_of(self, where, told, self.known)
        if task is None:
            return None, None
        turns = (
            read_transcript(row.social_interactions, names)
            if isinstance(row, TextRow)
            else read_matrix(_matrix(row), names)
        )
        played = play(self, where, task, told.mode, turns, read_end(comment, SEATS))
        at, models = _time_of(id_), _models(row)
        episode = Episode(
            id=id_,
            task=played.task,
            mode=told.mode,
            lite=False,
            seed=0,
            limits=played.limits,
            policies={seat: _policy(model) for seat, model in zip(SEATS, models[1:], strict=True)},
            events=played.events,
            end=played.end,
            code_version=_PLAYED_BY,
            started_at=at,
            finished_at=at if played.end else None,
            tag=_tag(row),
            **provenance,
        )
        scores = [
            read_scores(reward, words, f"rewards.{i}") for i, (reward, words) in enumerate(_rewards(row, reasons))
        ]
        return episode, _card(episode, _policy(models[0]), scores, at, provenance) if scores else None

    def _provenance(self, where: str, row: AnyRow) -> dict[str, str]:
        licence = self.licence or row.licence or (licence_of(row.origins) if row.origins else "")
        if not licence:
            self.remark(
                "licence_unknown", where, "the row does not say under which licence it comes; say it with --licence"
            )
        return {"source": named_source(row.origins) or "SOTOPIA format", "licence": licence}

    def _compare(self, where: str, fields: Mapping[str, JsonValue], judged: Judged, row: _EpisodeRow) -> None:
        """Say which fields of the row cannot be written again as they are."""
        form: Form = "native" if isinstance(row, NativeRow) else "text" if isinstance(row, TextRow) else "released"
        again = row_of(judged, form)
        other = [
            name for name, value in fields.items() if name not in _OURS and (name not in again or again[name] != value)
        ]
        if other:
            self.remark("written_otherwise", where, ", ".join(other))


_OURS = ("_source", "licence")


def _names(row: _EpisodeRow) -> tuple[str, str]:
    """The participants' names, in their order."""
    if isinstance(row, NativeRow):
        names = [
            receiver for sender, receiver, _ in (row.messages[0] if row.messages else ()) if sender == "Environment"
        ]
        if len(names) != len(SEATS):
            raise Unreadable("messages.0: there is not one message to each of two agents")
    else:
        names = [*row.agents_background]
        if [*row.social_goals] != names:
            raise Unreadable("social_goals: not the names of agents_background, in their order")
    return names[0], names[1]


def _matrix(row: ReleasedRow | NativeRow) -> Matrix:
    return row.messages if isinstance(row, NativeRow) else row.raw_messages


def _told(row: _EpisodeRow, names: tuple[str, str], provenance: Mapping[str, str]) -> Told:
    openings = () if isinstance(row, TextRow) else _openings(_matrix(row))
    read = [read_context(text, names) for text in openings]
    contexts = tuple(each for each in read if each is not None)
    if isinstance(row, NativeRow):
        if len(contexts) != len(SEATS):
            raise Unreadable("messages.0: what the agents are told is not in SOTOPIA's words")
        one, other = contexts
        return Told(
            scenario=one.scenario,
            goals=(one.goals[0], other.goals[1]),
            names=names,
            backgrounds=(one.backgrounds[0], other.backgrounds[1]),
            scenario_id=row.environment,
            agent_ids=row.agents,
            contexts=contexts,
            openings=openings,
            source=provenance["source"],
            licence=provenance["licence"],
        )
    one_name, other_name = names
    return Told(
        scenario=row.scenario,
        goals=(row.social_goals[one_name], row.social_goals[other_name]),
        names=names,
        backgrounds=(row.agents_background[one_name], row.agents_background[other_name]),
        title=row.codename,
        scenario_id=row.environment_id if isinstance(row, ReleasedRow) else "",
        agent_ids=row.agent_ids if isinstance(row, ReleasedRow) else (),
        contexts=contexts if len(contexts) == len(SEATS) else (),
        source=provenance["source"],
        licence=provenance["licence"],
    )


def _openings(matrix: Matrix) -> tuple[str, ...]:
    return tuple(text for sender, _, text in (matrix[0] if matrix else ()) if sender == "Environment")


def _models(row: _EpisodeRow) -> tuple[str, str, str]:
    """The judge's, then each agent's; empty where the row does not say."""
    if isinstance(row, ReleasedRow):
        return row.experiment_model_name_pairs
    return (row.models if isinstance(row, NativeRow) else None) or ("", "", "")


def _policy(model: str) -> Policy:
    return Policy(agent=_PLAYED_BY, model=model) if model else Policy(agent="unknown")


def _tag(row: _EpisodeRow) -> str:
    if isinstance(row, ReleasedRow):
        return row.experiment_tag
    return (row.tag or "") if isinstance(row, NativeRow) else ""


def _rewards(row: _EpisodeRow, reasons: Sequence[Mapping[str, str]]) -> list[tuple[JsonValue, Mapping[str, str]]]:
    """Each seat's scores with their reasons; none where nobody has judged."""
    if not row.rewards:
        return []
    rewards = [reward[1] if isinstance(reward, list) and len(reward) == 2 else reward for reward in row.rewards]
    if len(rewards) != len(SEATS):
        raise Unreadable("rewards: not one for each of two agents")
    return list(zip(rewards, reasons, strict=True))


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


_LATEST = int(datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp())
"""In seconds; an id can tell of later times than a date can."""


def _time_of(id_: str) -> datetime:
    """When an id was made, which a ULID tells in its first ten characters; now, for another id."""
    if len(id_) != 26 or not set(id_) <= set(_CROCKFORD) or id_[0] > "7":
        return datetime.now(UTC)
    milliseconds = 0
    for letter in id_[:10]:
        milliseconds = milliseconds * 32 + _CROCKFORD.index(letter)
    if milliseconds // 1000 > _LATEST:
        return datetime.now(UTC)
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


def _card(
    episode: Episode, judge: Policy, scores: Sequence[Scores], at: datetime, provenance: Mapping[str, str]
) -> Scorecard:
    rubric, seats = sotopia_eval(), [seat.id for seat in episode.task.scenario.seats]
    return Scorecard(
        id=f"{episode.id[:100]}-{content_hash(judge)[:8]}",
        episode=episode.id,
        mode=episode.mode,
        rubric=rubric.id,
        rubric_version=rubric.version,
        rubric_hash=content_hash(rubric),
        judge=judge,
        scores={seat: dict(each) for seat, each in zip(seats, scores, strict=True)},
        calls=dict.fromkeys(seats, ()),
        code_version=judge.agent,
        judged_at=at,
        **provenance,
    )
