"""An agent played by a language model: render the view, ask, read the reply; after an unusable one, ask once more with the problem."""

from collections.abc import Callable

from comity.agents.protocol import Reply
from comity.agents.styles import Style, style_named
from comity.models.calls import recorded
from comity.models.prompts import inert
from comity.models.protocol import ChatModel, Completion, ContextExceeded, Message, Sampling
from comity.models.replies import UnusableReply
from comity.world.episodes import Policy
from comity.world.events import Call, Failure
from comity.world.record import derive_seed
from comity.world.views import SeatView

__all__ = ["Hear", "LLMAgent"]

Hear = Callable[[SeatView, int, str], None]
"""Called with the view, the attempt (1 or 2) and the words of the reply as far as they have come."""


class LLMAgent:
    """Plays a seat with a model.

    Args:
        model: who answers.
        style: the prompt style, `chat` or `transcript`.
        sampling: how replies are drawn; the seed is derived from the view's and replaces one given here.
        hear: hears replies as they come; replies are streamed only when it is given.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        style: str | Style = "chat",
        sampling: Sampling | None = None,
        hear: Hear | None = None,
    ) -> None:
        self._model = model
        self._style = style_named(style) if isinstance(style, str) else style
        self._sampling = sampling or Sampling()
        self._hear = hear

    @property
    def policy(self) -> Policy:
        """Agent, model, style with its prompt hash, and sampling."""
        template = self._style.template
        return Policy(
            agent="llm",
            model=self._model.name,
            style=template.label,
            prompt_hash=template.hash,
            sampling=self._sampling.model_dump(mode="json", exclude={"seed"}, exclude_none=True),
        )

    async def act(self, view: SeatView) -> Reply:
        """Ask the model, twice at most. Raises `ModelError` when it cannot be asked."""
        messages = self._style.messages(view)
        calls: list[Call] = []
        while True:
            try:
                completion = await self._complete(view, messages, len(calls) + 1)
            except ContextExceeded as error:
                return Reply(Failure(kind="context_length", detail=str(error)), tuple(calls))
            try:
                parsed = self._style.parse(view, completion.text)
            except UnusableReply as error:
                calls.append(recorded(self._model, messages, completion, len(calls) + 1, "unusable", str(error)))
                if len(calls) == 2:
                    kind = "unusable_reply" if error.legal else "illegal_action"
                    return Reply(Failure(kind=kind, detail=str(error)), tuple(calls))
                # a side branch: later prompts are rendered from the log, which never holds it
                messages = [
                    *messages,
                    Message("assistant", inert(completion.text) if completion.text.strip() else "(nothing)"),
                    Message("user", self._style.reask(view, str(error))),
                ]
                continue
            calls.append(recorded(self._model, messages, completion, len(calls) + 1, "ok", parsed.repaired))
            return Reply(parsed.action, tuple(calls))

    async def _complete(self, view: SeatView, messages: list[Message], attempt: int) -> Completion:
        return await self._model.complete(
            messages,
            schema=self._style.schema(view),
            sampling=self._sampling.model_copy(update={"seed": derive_seed(view.seed, attempt)}),
            session=view.session,
            stream=self._listener(view, attempt),
        )

    def _listener(self, view: SeatView, attempt: int) -> Callable[[str], None] | None:
        hear, pieces = self._hear, list[str]()
        if hear is None:
            return None

        def listen(piece: str) -> None:
            pieces.append(piece)
            if words := self._style.spoken("".join(pieces)):
                hear(view, attempt, words)

        return listen
