"""Each rule about who may know what, taken away or turned round, makes the search of `test_canaries` fail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

from comity.agents import renderings
from comity.agents.chat import ChatStyle
from comity.models.conversation import Prompt
from comity.models.protocol import Message
from comity.world import environment, views, visibility
from comity.world.actions import Action, ActionType
from comity.world.environment import State
from comity.world.events import Event
from comity.world.relationships import RelationshipKind
from comity.world.views import Projection, SeatView
from comity.world.visibility import Fact, Mode
from privacy.search import Leak, Withheld, search
from privacy.worlds import SEATS, World, worlds

Patch = pytest.MonkeyPatch
_WORLDS = settings(
    max_examples=400,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def prompts_only_grow() -> None:
    """Not here, where a mutation may break it: what is looked for is the leak. The search itself checks it in the end."""


def fails(error: type[AssertionError]) -> Callable[[World], bool]:
    """Whether the search of a world ends with this error; another check that fails first is not what is looked for."""

    def searched(world: World) -> bool:
        try:
            search(world)
        except error:
            return True
        except AssertionError:
            return False
        return False

    return searched


def known(kind: RelationshipKind, facts: tuple[Fact, ...]) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(visibility, "_KNOWN", {**visibility._KNOWN, kind: facts})


def goals_are_open(patch: Patch) -> None:
    patch.setattr(views, "may_know_goal", lambda viewer, of, mode: True)


def backgrounds_are_told(patch: Patch) -> None:
    patch.setattr(views, "may_know_background", lambda mode, lite: not lite)


def backgrounds_are_told_in_lite(patch: Patch) -> None:
    patch.setattr(views, "may_know_background", lambda mode, lite: mode != "asymmetric")


def lite_has_profiles(patch: Patch) -> None:
    real = visibility.may_know_facts
    patch.setattr(views, "may_know_facts", lambda viewer, of, kind, mode, lite: real(viewer, of, kind, mode, False))


def lite_has_the_own_profile(patch: Patch) -> None:
    real = visibility.may_know_facts

    def facts(viewer: str, of: str, kind: RelationshipKind, mode: Mode, lite: bool) -> tuple[Fact, ...]:
        return real(viewer, of, kind, mode, lite and viewer != of)

    patch.setattr(views, "may_know_facts", facts)


def messages_are_open(patch: Patch) -> None:
    patch.setattr(environment, "audience", lambda action, actor, present, mode: present)


def doing_nothing_is_public(patch: Patch) -> None:
    """It then shows who did not do nothing: who wrote to somebody."""

    def seen_by(action: Action, actor: str, present: tuple[str, ...], mode: Mode) -> tuple[str, ...]:
        return present if action.type is ActionType.NONE else real(action, actor, present, mode)

    real = visibility.audience
    patch.setattr(environment, "audience", seen_by)


def messages_exist_for_all(patch: Patch) -> None:
    """The view shows an action to whoever is not in its audience."""

    def everything(state: State, seat: str, *, episode: str = "") -> SeatView:
        events = tuple(event.model_copy(update={"audience": SEATS}) for event in state.events)
        return real(replace(state, events=events), seat, episode=episode)

    real = views.view
    patch.setattr(views, "view", everything)


def projections_tell_everyone(patch: Patch) -> None:
    """The projection of an episode shows all of its seats what it shows one."""
    real = Projection._tell

    def tell(self: Projection, event: Event, state: State) -> None:
        real(self, event.model_copy(update={"audience": SEATS}), state)

    patch.setattr(Projection, "_tell", tell)


def projections_have_one_place_for_notes(patch: Patch) -> None:
    """And renderings do not look whose they are."""
    notes: dict[object, object] = {}
    real = Projection.view
    patch.setattr(Projection, "view", lambda self, state, seat: replace(real(self, state, seat), notes=notes))
    patch.setattr(renderings, "_frame", lambda view: ())


def who_left_hears_on(patch: Patch) -> None:
    real = visibility.audience
    patch.setattr(environment, "audience", lambda action, actor, present, mode: real(action, actor, SEATS, mode))


def the_first_seat_hears_all(patch: Patch) -> None:
    def heard(action: Action, actor: str, present: tuple[str, ...], mode: Mode) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*real(action, actor, present, mode), present[0]]))

    real = visibility.audience
    patch.setattr(environment, "audience", heard)


def the_setting_tells_the_judge_note(patch: Patch) -> None:
    def telling(state: State, seat: str, *, episode: str = "") -> SeatView:
        seen = real(state, seat, episode=episode)
        return replace(seen, setting=f"{seen.setting} {state.task.scenario.judge_note}")

    real = views.view
    patch.setattr(views, "view", telling)


def relationships_are_mixed_up(patch: Patch) -> None:
    """Who a seat is a friend of, it is taken to be a friend of all."""
    real = visibility.may_know_facts

    def facts(viewer: str, of: str, kind: RelationshipKind, mode: Mode, lite: bool) -> tuple[Fact, ...]:
        return real(viewer, of, RelationshipKind.FAMILY if viewer == "p2" else kind, mode, lite)

    patch.setattr(views, "may_know_facts", facts)


def reasks_stay_in_the_prompt(patch: Patch) -> None:
    """What was said in a side branch comes back in a later prompt of anyone."""
    said: list[str] = []
    reask, messages = ChatStyle.reask, ChatStyle.messages

    def remember(self: ChatStyle, view: SeatView, problem: str) -> str:
        said.append(problem)
        return reask(self, view, problem)

    def repeat(self: ChatStyle, view: SeatView) -> Prompt:
        made = messages(self, view)
        return made.then(Message("user", "; ".join(said))) if said else made

    patch.setattr(ChatStyle, "reask", remember)
    patch.setattr(ChatStyle, "messages", repeat)


LEAKS: Mapping[str, Callable[[Patch], None]] = {
    "strangers see what acquaintances see": known(RelationshipKind.STRANGER, visibility._ACQUAINTED),
    "strangers see an occupation": known(RelationshipKind.STRANGER, ("occupation",)),
    "a known name tells more": known(RelationshipKind.KNOW_BY_NAME, visibility._ACQUAINTED),
    "acquaintances see what friends see": known(RelationshipKind.ACQUAINTANCE, visibility._CLOSE),
    "acquaintances see an age": known(RelationshipKind.ACQUAINTANCE, (*visibility._ACQUAINTED, "age")),
    "acquaintances see values": known(RelationshipKind.ACQUAINTANCE, (*visibility._ACQUAINTED, "schwartz_values")),
    "friends see the secret": known(RelationshipKind.FRIEND, visibility.EVERYTHING),
    "couples see the secret": known(RelationshipKind.ROMANTIC, visibility.EVERYTHING),
    "family sees the secret": known(RelationshipKind.FAMILY, visibility.EVERYTHING),
} | {
    rule.__name__: rule
    for rule in (
        goals_are_open,
        backgrounds_are_told,
        backgrounds_are_told_in_lite,
        lite_has_profiles,
        lite_has_the_own_profile,
        messages_are_open,
        doing_nothing_is_public,
        messages_exist_for_all,
        projections_tell_everyone,
        projections_have_one_place_for_notes,
        who_left_hears_on,
        the_first_seat_hears_all,
        the_setting_tells_the_judge_note,
        relationships_are_mixed_up,
        reasks_stay_in_the_prompt,
    )
}


def all_is_asymmetric(patch: Patch) -> None:
    patch.setattr(views, "may_know_goal", lambda viewer, of, mode: viewer == of)


def no_background_ever(patch: Patch) -> None:
    patch.setattr(views, "may_know_background", lambda mode, lite: False)


def all_is_lite(patch: Patch) -> None:
    patch.setattr(views, "may_know_facts", lambda viewer, of, kind, mode, lite: ())


def nobody_hears_others(patch: Patch) -> None:
    patch.setattr(environment, "audience", lambda action, actor, present, mode: (actor,))


def senders_do_not_hear_themselves(patch: Patch) -> None:
    patch.setattr(environment, "audience", lambda action, actor, present, mode: action.to or present)


WITHHELD: Mapping[str, Callable[[Patch], None]] = {
    "friends see nothing": known(RelationshipKind.FRIEND, ()),
    "acquaintances see nothing": known(RelationshipKind.ACQUAINTANCE, ()),
    "family sees no personality": known(RelationshipKind.FAMILY, visibility._CLOSE[:-1]),
} | {
    rule.__name__: rule
    for rule in (
        all_is_asymmetric,
        no_background_ever,
        all_is_lite,
        nobody_hears_others,
        senders_do_not_hear_themselves,
    )
}


def cases(of: Mapping[str, Callable[[Patch], None]]) -> Sequence[object]:
    return [pytest.param(rule, id=name.replace(" ", "_")) for name, rule in of.items()]


@pytest.mark.parametrize("mutation", cases(LEAKS))
def test_a_rule_taken_away_is_found_as_a_leak(mutation: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutation(monkeypatch)
    find(worlds(), fails(Leak), settings=_WORLDS)


@pytest.mark.parametrize("mutation", cases(WITHHELD))
def test_a_rule_made_too_strict_is_found_too(mutation: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutation(monkeypatch)
    find(worlds(), fails(Withheld), settings=_WORLDS)


@pytest.mark.parametrize("error", [Leak, Withheld])
def test_the_rules_as_they_are_pass_the_same_search(error: type[AssertionError]) -> None:
    with pytest.raises(NoSuchExample):
        find(worlds(), fails(error), settings=settings(_WORLDS, max_examples=50))
