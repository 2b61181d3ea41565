"""Asking for candidates, many at a time, until every idea of one asking is answered; then the same asking has nothing left to do.

A reply is in the journal before anything else is done with it. Candidates are checked in the order of their ideas and not in that of
their replies, so that what is a duplicate of what does not depend on who was faster, nor on where a kill fell. What a server does
wrong is nobody's answer: its idea stays unasked. A prompt that a server refuses keeps no other from being asked.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import anyio
from anyio import to_thread

from comity._version import code_version
from comity.generate.candidates import Answered, Candidate, Checked, Draft, Licensed, Replied
from comity.generate.checks import check
from comity.generate.ideas import Idea, IdeasError, Kind, next_ideas
from comity.generate.journal import Journal, JournalError
from comity.generate.present import present
from comity.generate.questions import Questions
from comity.library.lint import Embedder
from comity.models.asking import Answer, ask
from comity.models.budget import BudgetExhausted
from comity.models.conversation import Prompt
from comity.models.endpoints import GaveUp
from comity.models.protocol import (
    AuthenticationFailed,
    BadRequest,
    ChatModel,
    Completion,
    ContextExceeded,
    Message,
    ModelError,
    ModelNotFound,
    Sampling,
    Schema,
)
from comity.world.collection import Collection
from comity.world.episodes import Policy
from comity.world.record import derive_seed

__all__ = ["Asking", "Batch", "check_waiting"]

_FOR_ALL = (AuthenticationFailed, ModelNotFound, BudgetExhausted, GaveUp)
"""Errors that every other idea would meet too."""
_REFUSED = 8
"""So many prompts refused in the same words, before anything was answered, say that the server takes none of this asking."""

_NUMBER = re.compile(r"[\d,.]+")


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked of whom. Two askings of one kind, model and seed are one."""

    questions: Questions
    model: ChatModel
    sampling: Sampling
    seed: int = 0
    licence: str = ""
    """What the user says of what the model writes, as an SPDX expression."""
    brief: bool = False
    """Whether the questions hold each text to two sentences; for the record."""

    @property
    def kind(self) -> Kind:
        """What is asked for."""
        return self.questions.kind

    @property
    def policy(self) -> Policy:
        """Model, prompt with its hash, and sampling."""
        template = self.questions.template
        return Policy(
            agent="writer",
            model=self.model.name,
            style=template.label + ("/brief" if self.brief else ""),
            prompt_hash=template.hash,
            sampling=self.sampling.model_dump(mode="json", exclude={"seed"}, exclude_none=True),
        )

    def is_of(self, candidate: Candidate) -> bool:
        """Whether this asking, or an earlier start of it, brought the candidate forth."""
        answered = candidate.answered
        return (answered.kind, answered.seed, answered.policy.model) == (self.kind, self.seed, self.model.name)


@dataclass
class Batch:
    """The ideas of one asking, up to a number of them, and how they stand.

    Raises `IdeasError` where there are not as many ideas.

    Args:
        own: the library in the journal's folder.
        ideas: all there are to choose from.
        count: how many of them are to be answered, those of earlier starts included.
    """

    asking: Asking
    journal: Journal
    own: Collection
    ideas: Sequence[Idea]
    count: int
    embed: Embedder | None = None
    in_flight: int = 0
    """Ideas that are asked about now."""
    failed: Counter[str] = field(default_factory=Counter)
    """What kept ideas from being answered in this start, in words."""
    stopped: str = ""
    """Why no more ideas are taken up; empty while they are."""

    def __post_init__(self) -> None:
        kind = self.asking.kind
        used = {each.id: self.asking.is_of(each) for each in self.journal.candidates if each.kind == kind}
        self.wanted, free = next_ideas(self.ideas, kind, self.asking.seed, self.count, used)
        if len(self.wanted) < self.count:
            gone = len(self.ideas) - free
            others = f", and {gone} more that other askings have used here" if gone else ""
            raise IdeasError(
                f"{self.count:,} {kind} are wanted and there are {free:,} ideas{others}; ask for fewer, or bring your own with --ideas"
            )
        self.before = len(self.answered)
        self._checking, self._checked = anyio.Lock(), 0
        self._refused: Counter[str] = Counter()
        self._broken: JournalError | None = None

    @property
    def answered(self) -> list[Candidate]:
        """The candidates that there are of the ideas, in the ideas' order."""
        found = (self.journal.candidate(idea.candidate(self.asking.kind)) for idea in self.wanted)
        return [each for each in found if each is not None]

    @property
    def left(self) -> list[Idea]:
        """The ideas that are not answered."""
        kind = self.asking.kind
        return [idea for idea in self.wanted if self.journal.candidate(idea.candidate(kind)) is None]

    @property
    def unlicensed(self) -> list[Candidate]:
        """What this asking brought forth without a licence and nobody has accepted yet; none where it has none now either."""
        ours = [each for each in self.journal.candidates if self.asking.is_of(each) and each.state != "accepted"]
        return [each for each in ours if self.asking.licence and each.draft and not each.draft.record.licence]

    async def run(self, in_flight: int) -> None:
        """Ask about every idea that is left, so many at a time. Raises `JournalError` where nothing more can be kept.

        What was answered without a licence is under that of the asking from then on.
        """
        for candidate in self.unlicensed:
            self.journal.append(
                Licensed(
                    candidate=candidate.id,
                    at=datetime.now(UTC),
                    licence=self.asking.licence,
                    code_version=code_version(),
                )
            )
        room = anyio.Semaphore(in_flight)
        async with anyio.create_task_group() as group:
            for idea in self.left:
                await room.acquire()
                if self.stopped:
                    break
                self.in_flight += 1
                group.start_soon(self._take, idea, room)
        if self._broken:
            raise self._broken
        for candidate in self.answered:
            await self._check(candidate)

    async def _take(self, idea: Idea, room: anyio.Semaphore) -> None:
        try:
            await self._answer(idea)
            await self._check_in_order()
        except ModelError as error:
            said = " ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
            self.failed[said] += 1
            if isinstance(error, _FOR_ALL) or (isinstance(error, BadRequest) and self._refuses_all(said)):
                self.stopped = self.stopped or said
        except JournalError as error:
            self._broken, self.stopped = error, str(error)
        finally:
            self.in_flight -= 1
            room.release()

    def _refuses_all(self, said: str) -> bool:
        """Whether it is the asking that is refused and not this prompt alone. Servers count in their words."""
        words = _NUMBER.sub("", said)
        self._refused[words] += 1
        return self._refused[words] >= _REFUSED and not self.answered

    async def _answer(self, idea: Idea) -> None:
        asking, id_ = self.asking, idea.candidate(self.asking.kind)
        question = asking.questions.about(idea, asking.seed)
        answer = await ask(
            _Kept(asking.model, self.journal, id_),
            question.messages,
            question.read,
            question.reask,
            schema=question.schema,
            sampling=lambda attempt: asking.sampling.model_copy(
                update={"seed": derive_seed(asking.seed, id_, attempt)}
            ),
            session=f"generate/{id_}",
        )
        self.journal.append(
            Answered(
                candidate=id_,
                at=datetime.now(UTC),
                kind=asking.kind,
                idea=idea,
                seed=asking.seed,
                policy=asking.policy,
                examples=question.examples,
                people=question.people,
                licence=asking.licence,
                calls=answer.calls,
                draft=answer.value and _sourced(answer.value, asking),
                problem=_problem(answer),
                code_version=code_version(),
            )
        )

    async def _check_in_order(self) -> None:
        """Check the candidates whose turn it is: those before which none is missing."""
        async with self._checking:
            while self._checked < len(self.wanted):
                candidate = self.journal.candidate(self.wanted[self._checked].candidate(self.asking.kind))
                if candidate is None:
                    return
                await self._check(candidate)
                self._checked += 1

    async def _check(self, candidate: Candidate) -> None:
        if candidate.state == "waiting":
            against = present(self.own, self.journal.candidates, but=candidate.id)
            self.journal.append(await to_thread.run_sync(_checked, candidate, against, self.embed))


def check_waiting(journal: Journal, own: Collection, embed: Embedder | None = None) -> None:
    """Check the candidates that a kill left unchecked."""
    for candidate in journal.candidates:
        if candidate.state == "waiting":
            journal.append(_checked(candidate, present(own, journal.candidates, but=candidate.id), embed))


def _checked(candidate: Candidate, against: Collection, embed: Embedder | None) -> Checked:
    draft = candidate.draft
    found = check(draft.record, against, candidate.answered.seed, embed) if draft else ()
    passed = draft is not None and not any(each.level == "error" for each in found)
    now = datetime.now(UTC)
    return Checked(candidate=candidate.id, at=now, passed=passed, findings=found, code_version=code_version())


def _problem(answer: Answer[Draft]) -> str:
    """Why nothing could be read; empty where something was. Raises `ContextExceeded` where the question itself does not fit."""
    if not isinstance(answer.problem, ContextExceeded):
        return str(answer.problem or "")
    if answer.calls:
        return f"{answer.calls[-1].problem}; with that said the prompt does not fit the model's context"
    answer.problem.add_note("Show it fewer examples (--examples 1), or take a model with more room.")
    raise answer.problem


def _sourced(draft: Draft, asking: Asking) -> Draft:
    """The draft with where it comes from, without the address of the server."""
    _, _, asked = asking.model.name.partition("#")
    name = asked.partition("&")[0] or asking.model.name
    record = draft.record.model_copy(update={"source": f"generated by {name}", "licence": asking.licence})
    return draft.model_copy(update={"record": record})


@dataclass
class _Kept:
    """A model whose replies to one candidate's question are kept: what was answered before a kill is not asked again.

    A reply that is read well goes into the candidate's own row. Another is kept before the next is asked for.
    """

    model: ChatModel
    journal: Journal
    candidate: str
    last: Replied | None = None

    @property
    def name(self) -> str:
        return self.model.name

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None,
        sampling: Sampling,
        session: str,
        stream: Callable[[str], None] | None = None,
    ) -> Completion:
        if self.last is not None:
            self.journal.append(self.last)
            self.last = None
        asked, before = Prompt.of(messages).hash, self.journal.replied(self.candidate)
        known = next((each for each in reversed(before) if each.prompt_hash == asked), None)
        if known is not None:
            return _completion(known.completion)
        completion = await self.model.complete(
            messages, schema=schema, sampling=sampling, session=session, stream=stream
        )
        self.last = Replied(
            candidate=self.candidate, at=datetime.now(UTC), prompt_hash=asked, completion=asdict(completion)
        )
        return completion

    async def aclose(self) -> None:
        """The model is its maker's to close."""


def _completion(kept: Mapping[str, object]) -> Completion:
    return Completion(**kept)  # type: ignore[arg-type]
