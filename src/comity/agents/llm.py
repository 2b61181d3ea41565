"""An agent played by a language model: render the view, ask, read the reply; after an unusable one, ask once more with the problem."""

from collections.abc import Callable, Sequence
from functools import cached_property

from comity.agents.protocol import Reply
from comity.agents.styles import Style, style_named
from comity.models.asking import ask
from comity.models.protocol import ChatModel, ContextExceeded, Message, Sampling
from comity.models.replies import UnusableReply
from comity.world.episodes import Policy
from comity.world.events import Failure
from comity.world.record import derive_seed
from comity.world.views import SeatView

__all__ = ["Hear", "LLMAgent"]

Hear = Callable[[SeatView, int, str], None]
"""Called with the view, the attempt (1 or 2) and the words of the reply as far as they have come."""


class LLMAgent:
    """Plays a seat with a model.

    Args:
        model: who answers.
        style: the prompt style, `chat`, `transcript` or `compact`.
        sampling: how replies are drawn; the seed is derived from the view's and replaces one given here.
        hear: hears replies as they come; replies are streamed only when it is given.
        adapter: the LoRA adapter that the model answers with; for the record, the model itself asks for it.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        style: str | Style = "chat",
        sampling: Sampling | None = None,
        hear: Hear | None = None,
        adapter: str | None = None,
    ) -> None:
        self._adapter = adapter
        self._model = model
        self._style = style_named(style) if isinstance(style, str) else style
        self._sampling = sampling or Sampling()
        self._hear = hear

    @cached_property
    def policy(self) -> Policy:
        """Agent, model, style with its prompt hash, and sampling."""
        template = self._style.template
        return Policy(
            agent="llm",
            model=self._model.name,
            adapter=self._adapter,
            style=template.label,
            prompt_hash=template.hash,
            sampling=self._sampling.model_dump(mode="json", exclude={"seed"}, exclude_none=True),
        )

    def prompt(self, view: SeatView) -> Sequence[Message]:
        """What the model is asked for this view."""
        return self._style.messages(view)

    async def act(self, view: SeatView) -> Reply:
        """Ask the model, twice at most. Raises `ModelError` when it cannot be asked."""
        answer = await ask(
            self._model,
            self.prompt(view),
            lambda text: self._style.parse(view, text),
            lambda problem: self._style.reask(view, problem),
            schema=self._style.schema(view) if self._sampling.constrained else None,
            sampling=lambda attempt: self._sampling.model_copy(update={"seed": derive_seed(view.seed, attempt)}),
            session=view.session,
            listen=lambda attempt: self._listener(view, attempt),
        )
        return Reply(answer.value or _failure(answer.problem), answer.calls)

    def _listener(self, view: SeatView, attempt: int) -> Callable[[str], None] | None:
        hear, pieces = self._hear, list[str]()
        if hear is None:
            return None

        def listen(piece: str) -> None:
            pieces.append(piece)
            if words := self._style.spoken("".join(pieces)):
                hear(view, attempt, words)

        return listen


def _failure(problem: UnusableReply | ContextExceeded | None) -> Failure:
    if isinstance(problem, ContextExceeded):
        return Failure(kind="context_length", detail=str(problem))
    broke_a_rule = problem is not None and not problem.legal
    return Failure(kind="illegal_action" if broke_a_rule else "unusable_reply", detail=str(problem))
