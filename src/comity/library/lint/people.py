"""Who stands in a text and should not: people who are cast, by name or by gender.

A scenario is played by whoever is cast, so that its texts can fit no one person. The lists of names and words are in `people.toml`.
Minors are in `minors`, real people in `renown`.
"""

import re
from collections.abc import Iterator
from itertools import combinations

from comity.library.lint.findings import Found, Shelf, place, private_text, prose, told_texts
from comity.library.lint.lists import listed
from comity.library.lint.words import FUNCTION_WORDS, joined, sentences, words
from comity.world.relationships import RelationshipKind

__all__ = ["gendered_party", "gendered_pronoun", "gendered_tie", "named_by_two", "named_character", "named_party"]


def named_character(shelf: Shelf) -> Iterator[Found]:
    """The name of a character, or a part of it, in a scenario: others are cast in that seat too.

    A part that is a word as well counts only where no sentence begins with it.
    """
    names = {part: who for who in shelf.people for part in who.name.split() if len(part) > 2 and part[0].isupper()}
    for scenario in shelf.scenarios:
        for field, text in told_texts(scenario):
            for name in sorted({name for name in _capitals(text) if name in names}):
                yield Found(
                    place(scenario),
                    field,
                    f"{name!r} is of the name of character {names[name].id!r}; call the parties by their roles",
                )


def named_party(shelf: Shelf) -> Iterator[Found]:
    """A party with a name of its own: "You are Maria", or a first name in the setting, in a role or at the head of a goal's sentence."""
    first_names = listed("first_names")
    for scenario in shelf.scenarios:
        for field, text in prose(scenario):
            named = [found[1] for found in _YOU_ARE.finditer(text) if found[1] in first_names]
            if field == "setting" or field.endswith(".role"):
                named += [name for name in _parties_named(text) if name in first_names]
            elif field.endswith(".goal"):
                named += [name for sentence in sentences(text) for name in _heads(sentence) if name in first_names]
            if named:
                yield Found(
                    place(scenario), field, f"{named[0]!r} is a party's name; anybody may be cast, so say the role"
                )


def named_by_two(shelf: Shelf) -> Iterator[Found]:
    """Somebody's name that two seats are told in private: of a seat that is cast, or of one whom all know and whom the setting can tell of."""
    first_names = listed("first_names") | {part for who in shelf.people for part in who.name.split()}
    for scenario in shelf.scenarios:
        named = {seat.id: _names_in(private_text(seat), first_names) for seat in scenario.seats}
        for one, other in combinations(named, 2):
            for name in sorted(named[one] & named[other] - _names_in(scenario.setting, first_names)):
                yield Found(
                    place(scenario),
                    f"seats.{one}",
                    f"{name!r} stands in the texts of this seat and of {other!r}; if it is a party's name, say the role",
                )


def gendered_party(shelf: Shelf) -> Iterator[Found]:
    """A gender given to a party: in a role, by "You are a mother", "two brothers", "a man and a woman", "the other is your wife"."""
    gendered = listed("gendered")
    for scenario in shelf.scenarios:
        for field, text in prose(scenario):
            if word := _gendered_in(field, text, gendered):
                yield Found(
                    place(scenario),
                    field,
                    f"{word!r} gives a party a gender; people of any gender are cast, so say the role",
                )


def gendered_tie(shelf: Shelf) -> Iterator[Found]:
    """A gendered word for one who may be a party: an ex-husband, a woman who opens a setting, "your wife" where couples or kin are cast."""
    for scenario in shelf.scenarios:
        for field, text in prose(scenario):
            if word := _tie_in(
                field, text, close=set(scenario.relationships) <= _CLOSE and bool(scenario.relationships)
            ):
                yield Found(
                    place(scenario), field, f"{word!r} may be a party; people of any gender are cast, so say the role"
                )


def gendered_pronoun(shelf: Shelf) -> Iterator[Found]:
    """He or she, him or her, where whoever was last spoken of is a party, or nobody was."""
    for scenario in shelf.scenarios:
        parties = frozenset(word for seat in scenario.seats for word in words(seat.role)) - FUNCTION_WORDS
        spoken_of = any(word in listed("gendered") | listed("animals") for word in words(scenario.setting))
        heard = {"setting": scenario.setting}
        heard |= {f"seats.{seat.id}": joined((seat.role, private_text(seat))) for seat in scenario.seats}
        for field, text in heard.items():
            pronoun = "" if spoken_of and field != "setting" else _loose_pronoun(text, parties)
            if pronoun:
                yield Found(
                    place(scenario), field, f"{pronoun!r} can only be a party; say the role, or 'they': anybody is cast"
                )


_YOU_ARE = re.compile(r"\b(?:[Yy]ou are|[Yy]ou're|I am|[Yy]our name is|[Yy]ou play|called|named) ([A-Z][a-z]+)\b")
_BRINGS = "convince|persuade|get|make|ask|tell|urge|bring|talk|remind|help|let|win|stop|keep|have|warn|reassure|press|push|beg|induce|move|prevent"
_GENDERED_PAIR = re.compile(
    r"\b(?:two|three|four|five|both) ([\w']+(?: [\w']+)?)|^(?:an?|the) ([\w']+(?: [\w']+)?) and (?:an?|the|his|her|their) ([\w']+(?: [\w']+)?)"
)
_GENDERED_SEAT = re.compile(
    r"\b(?:you are|you're|you were|as|being) (?:an?|the|his|her|their) ([\w']+(?: [\w']+)?)"
    r"|\bthe other(?: \w+)?(?: is|,)? (?:your|an?|his|her) ([\w']+(?: [\w']+)?)"
    r"|\b(?:the other|fellow) (\w+)"
)
_GENDERED_AIM = re.compile(
    rf"(?:^|\b(?:and|but|or|to) )(?:{_BRINGS}) (?:your|the|his|her|their) ([\w']+(?: [\w']+)?) (?:to|into|that|out of|from|why|how|off|give|let)\b"
)
"""Whom a goal wants to bring to something is the other seat."""

_EX = re.compile(r"\b(?:ex|former|estranged|divorced|separated) ([\w']+)")
_OPENS = re.compile(r"^(?:an?|the|two|one|another|this) (?:\w+ )??([\w']+) (?:and|has|have|is|are|who|with|[a-z]+s)\b")
_CLOSE = {RelationshipKind.ROMANTIC, RelationshipKind.FAMILY}
_SOMEBODY_NAMED = re.compile(
    r"[a-z,;] (?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April|May|June|July|August|September|October"
    r"|November|December|Christmas|Easter|Ramadan|New|English|German|French|Spanish|Italian)([A-Z][a-z]+)"
)
_SETTLES_WITH = re.compile(
    r"\b(?:reconcile|reconciled|peace|up|terms|settle|agree|together|deal|divorce|quarrel|speak|talk|even|part) (?:with|to|from) your"
    r" ([\w']+(?: [\w']+)?)"
)
_ONES_OWN = re.compile(r"\byour ([\w']+(?: [\w']+)?)")
_TREATED_AS_ONE = re.compile(
    r"\b(?:[Tt]ell|[Aa]sk|[Pp]ersuade|[Cc]onvince|[Oo]we|[Rr]emind|[Tt]hank|[Ff]orgive|[Tt]rust|[Ww]arn|[Hh]elp|[Mm]arry|Have|Let|Get|Bring|Make) ([A-Z][a-z]+)\b"
    r"|\b([A-Z][a-z]+) (?:wants|says|said|knows|thinks|owes|told|asked|promised|believes|hopes|refuses|trusts|fears)\b"
)
_NO_NAMES = {
    "All", "Anybody", "Anyone", "Each", "Everybody", "Everyone", "He", "It", "Neither", "Nobody", "None", "One", "She", "Somebody", "Someone",
    "That", "This", "What", "Who", "Whoever",
}  # fmt: skip
_FEMININE = {"she", "her", "hers", "herself"}
_PRONOUNS = {"he", "him", "his", "himself", *_FEMININE}
_OF_TRADES = re.compile(
    r"(?:[^aeiou]er|[tsr]or|eer|ist|ian|ant|ent|man|woman|men|ess|lord|lady|keeper|wright|smith)s?$"
)
_OFTEN_A_PARTY = {
    "friend",
    "partner",
    "neighbour",
    "neighbor",
    "colleague",
    "roommate",
    "flatmate",
    "housemate",
    "stranger",
}


def _capitals(text: str) -> Iterator[str]:
    """Words with a capital letter; at the head of a sentence only those that are no ordinary word in small letters."""
    for sentence in sentences(text):
        found = re.findall(r"[^\W\d_]+", sentence)
        yield from (
            word for place, word in enumerate(found) if word[0].isupper() and (place or word not in _ORDINARY_TOO)
        )


_ORDINARY_TOO = {
    "Grace",
    "Will",
    "May",
    "Mark",
    "Rose",
    "Hope",
    "Faith",
    "Joy",
    "Bill",
    "Frank",
    "Robin",
    "Wren",
    "Hale",
    "Jack",
    "Art",
}
"""Names that are words, which may head a sentence as such."""


def _parties_named(text: str) -> Iterator[str]:
    """Capitalised words that do something or are joined with another: a sentence's subject, not whose house or street it is."""
    for sentence in sentences(text):
        yield from _heads(sentence)
        yield from (found[1] for found in re.finditer(r"\b([A-Z][a-z]+) and [A-Z][a-z]+\b", sentence))
        yield from (
            found[1] for found in re.finditer(r"\b(?:and|to|with|from|meets|by) ([A-Z][a-z]+)\b(?!'s)", sentence)
        )


def _heads(sentence: str) -> Iterator[str]:
    if found := re.match(r"\W*([A-Z][a-z]+)\b(?!'s|\s+[A-Z])", sentence):
        yield found[1]


def _gendered_in(field: str, text: str, gendered: frozenset[str]) -> str:
    """The word that gives a party a gender, or nothing."""
    if field.endswith(".role"):
        found = words(text)
        return next((word for at, word in enumerate(found) if word in gendered and "whose" not in found[:at]), "")
    patterns = [_GENDERED_PAIR if field in ("setting", "title") else _GENDERED_SEAT]
    patterns += [_GENDERED_AIM] if field.endswith(".goal") else []
    return next(filter(None, (_caught(pattern, text, gendered) for pattern in patterns)), "")


def _tie_in(field: str, text: str, *, close: bool) -> str:
    """A gendered word that may be a party's. `close`: only couples or kin are cast, so that whoever is one's own is likely to be."""
    if word := _caught(_EX, text, listed("gendered")):
        return f"ex {word}"
    if field == "setting":
        return _caught(_OPENS, text, listed("gendered"))
    pattern = _ONES_OWN if close else _SETTLES_WITH
    return _caught(pattern, text, listed("ties")) if close or field.endswith(".goal") else ""


def _caught(pattern: re.Pattern[str], text: str, gendered: frozenset[str]) -> str:
    for sentence in sentences(text):
        for match in pattern.finditer(" ".join(words(sentence))):
            named = [word for group in match.groups() if group for word in group.split()]
            if word := next((word for word in named if word in gendered), ""):
                return word
    return ""


def _names_in(text: str, first_names: frozenset[str]) -> set[str]:
    """First names within a sentence, and whoever else is told, asked, owed or thought to do something there."""
    inside = {word for word in re.findall(r"(?<=[a-z,;:] )([A-Z][^\W\d_]+)", text) if word in first_names}
    return inside | {found[1] or found[2] for found in _TREATED_AS_ONE.finditer(text)} - _NO_NAMES


def _loose_pronoun(text: str, parties: frozenset[str]) -> str:
    """A pronoun with a gender where whoever was last spoken of is a party, or nobody was."""
    third = vessel = False
    for sentence in sentences(text):
        found = words(sentence)
        named = {name.casefold() for name in _SOMEBODY_NAMED.findall(sentence)}
        for index, word in enumerate(found):
            if word in _PRONOUNS and not third and not (vessel and word in _FEMININE):
                return word
            if word in named or word in ("other", "others") or _is_person(word):
                third = word in named or not _is_party(found, index, parties)
            vessel = vessel or word in listed("vessels")
    return ""


def _is_party(found: tuple[str, ...], index: int, parties: frozenset[str]) -> bool:
    """Whether a word for somebody means one of the parties, as far as the words before it tell."""
    word = found[index]
    if word in _OFTEN_A_PARTY:
        return not {"a", "an", "another", "some", "old", "third"} & set(found[max(0, index - 2) : index])
    return word in parties or word in ("other", "others")


def _is_person(word: str) -> bool:
    word = word.removesuffix("'s").removesuffix("s'")
    forms = {word, word.removesuffix("s")}
    if forms & (listed("persons") | listed("gendered") | listed("animals") | _OFTEN_A_PARTY):
        return True
    return _OF_TRADES.search(word) is not None and not forms & (listed("things") | FUNCTION_WORDS)
