"""Renderings that grow with a seat's history: what a style has once made of it is continued, not made again.

They are kept with the view that they were made of, and are disposable: a rendering is continued only by a view that shows all
that it shows, and what is made afresh is the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from comity.world.views import SeatView, Seen

__all__ = ["rendered"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Rendering(Generic[T]):
    frame: tuple[object, ...]
    history: tuple[Seen, ...]
    made: T


def rendered(
    view: SeatView, by: object, begin: Callable[[SeatView], T], tell: Callable[[SeatView, T, Sequence[Seen]], T]
) -> T:
    """What `tell` makes of the history, part by part, after what `begin` makes of everything else.

    Args:
        by: whose rendering it is; nobody else continues it.
        begin: may use what stays in all views of a seat of an episode, and neither history nor turn.
        tell: from what was made so far to what is made of that and of the turns that came after.
    """
    frame = _frame(view)
    last = cast("_Rendering[T] | None", view.notes.get(by))
    if last is None or last.frame != frame or view.history[: len(last.history)] != last.history:
        last = _Rendering(frame, (), begin(view))
    news = view.history[len(last.history) :]
    made = tell(view, last.made, news) if news else last.made
    view.notes[by] = _Rendering(frame, view.history, made)
    return made


def _frame(view: SeatView) -> tuple[object, ...]:
    """All that a prompt may show from the first turn on."""
    spec = view.spec
    return (
        view.session,
        view.mode,
        view.setting,
        view.me,
        view.others,
        view.turn_limit,
        spec.types,
        bool(spec.recipients),
    )
