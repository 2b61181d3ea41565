"""Things, numbers, sums and terms of a deal in words that fit into a sentence."""

from collections.abc import Iterable, Mapping, Sequence

from comity.world.deals import Contract, Division
from comity.world.moves import Terms

__all__ = ["amount", "joined", "named", "number", "phrase", "share_words", "terms_words", "traits"]

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_SINGULAR = {"gas", "canvas", "bus", "lens", "compass", "atlas", "iris", "cactus", "christmas"}
"""Words that end as a plural does and are none."""
_PLURAL = {"people", "children", "geese", "mice", "sheep", "men", "women", "feet", "teeth", "oxen", "dice"}
_CAPITALS = {
    word.casefold(): word
    for word in (
        *(
            "Monday",
            "Tuesday",
            "Wednesday",
            "Thursday",
            "Friday",
            "Saturday",
            "Sunday",
            "Christmas",
            "Easter",
            "Whitsun",
        ),
        *("January", "February", "April", "June", "July", "August", "September", "October", "November", "December"),
    )
}


def phrase(slug: str) -> str:
    """A slug as words: `saturday-show` is `Saturday show`. What has spaces was written as words and stays."""
    if " " in slug:
        return slug
    words = slug.replace("_", " ").replace("-", " ").split()
    return " ".join(_CAPITALS.get(word, word) for word in words) or slug


def number(count: int) -> str:
    """`two`, `12,500`; `no` for 0."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else f"{count:,}"


def amount(count: int, unit: str) -> str:
    """`$1,240`, `six coins`, `one crown`, `no coins`."""
    if not any(char.isalpha() for char in unit):
        return f"{unit}{count:,}"
    one = unit[:-1] if count == 1 and unit.endswith("s") and not unit.endswith("ss") else unit
    return f"{number(count)} {one}"


def joined(parts: Iterable[str], last: str = " and ") -> str:
    """`a, b and c`."""
    *first, final = parts
    return f"{', '.join(first)}{last}{final}" if first else final


def share_words(payoff: Division, taken: Mapping[str, int]) -> str:
    """What somebody takes: `both books and one of the hats`; `everything` and `nothing` where it is that."""
    if all(taken[item] == count for item, count in payoff.items.items()):
        return "everything"
    parts = [_some(item, taken[item], count) for item, count in payoff.items.items() if taken[item]]
    return joined(parts) if parts else "nothing"


def _some(item: str, taken: int, there: int) -> str:
    noun = phrase(item)
    if there == 1:
        return f"the {noun}"
    if not _is_plural(noun):
        whole = {2: f"both lots of {noun}"}.get(there, f"all the {noun}")
        return whole if taken == there else f"{number(taken)} of the {number(there)} lots of {noun}"
    if taken == there:
        return f"both {noun}" if there == 2 else f"all {number(there)} {noun}"
    return f"{number(taken)} of the {noun}" if taken * 2 <= there else f"{number(taken)} of the {number(there)} {noun}"


def _is_plural(noun: str) -> bool:
    head = noun.split()[-1].casefold()
    return head in _PLURAL or (head.endswith("s") and not head.endswith("ss") and head not in _SINGULAR)


def terms_words(payoff: Contract, terms: Terms, only: Sequence[str] = ()) -> str:
    """Options of a contract: `rent: $840, dog: allowed`; of some issues only where they are given."""
    return ", ".join(
        f"{phrase(issue)}: {phrase(str(terms[issue]))}" for issue in payoff.issues if not only or issue in only
    )


def named(contact: str) -> tuple[str, str]:
    """A contact's name and what is known of them: `("Ada Quill", "vet, cycles")`."""
    name, _, about = contact.partition("(")
    return name.strip(), about.rstrip().removesuffix(")").strip()


def traits(contact: str) -> tuple[str, ...]:
    """What is known of a contact, one by one: `("vet", "cycles")`."""
    return tuple(trait.strip() for trait in named(contact)[1].split(",") if trait.strip())
