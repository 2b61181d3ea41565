"""Who stands in a text and should not: characters by name, genders of people who are cast, minors as a party, and real people.

A scenario is played by whoever is cast, so that its texts can fit no one person. The lists of names and words are in `people.toml`.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from comity.library.lint.findings import Found, Shelf, every_text, place, private_text, prose, told_texts
from comity.library.lint.words import FUNCTION_WORDS, joined, sentences, words

__all__ = [
    "brand",
    "gendered_party",
    "gendered_pronoun",
    "minor_character",
    "minor_party",
    "named_character",
    "named_party",
    "real_person",
]


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
    first_names = _listed("first_names")
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


def gendered_party(shelf: Shelf) -> Iterator[Found]:
    """A gender given to a party: in a role, by "You are a mother", "two brothers", "a man and a woman", "the other is your wife"."""
    gendered = _listed("gendered")
    for scenario in shelf.scenarios:
        for field, text in prose(scenario):
            if word := _gendered_in(field, text, gendered):
                yield Found(
                    place(scenario),
                    field,
                    f"{word!r} gives a party a gender; people of any gender are cast, so say the role",
                )


def gendered_pronoun(shelf: Shelf) -> Iterator[Found]:
    """He or she, him or her, where whoever was last spoken of is a party, or nobody was."""
    for scenario in shelf.scenarios:
        parties = frozenset(word for seat in scenario.seats for word in words(seat.role)) - FUNCTION_WORDS
        spoken_of = any(word in _listed("gendered") | _listed("animals") for word in words(scenario.setting))
        heard = {"setting": scenario.setting}
        heard |= {f"seats.{seat.id}": joined((seat.role, private_text(seat))) for seat in scenario.seats}
        for field, text in heard.items():
            pronoun = "" if spoken_of and field != "setting" else _loose_pronoun(text, parties)
            if pronoun:
                yield Found(
                    place(scenario), field, f"{pronoun!r} can only be a party; say the role, or 'they': anybody is cast"
                )


def minor_character(shelf: Shelf) -> Iterator[Found]:
    """A character who is no adult: by age, by an age in the prose, or by an occupation such as a schoolchild's."""
    for who in shelf.characters:
        told = {
            "age": f"{who.age}-year-old" if who.age is not None and who.age < 18 else "",
            "occupation": who.occupation,
        }
        told |= {"public_info": who.public_info, "personality": who.personality, "secret": who.secret}
        first = who.name.split()[0]
        for field, text in told.items():
            is_one = _MINOR_ROLE.search(text) if field in ("age", "occupation") else _is_minor(text, first)
            if is_one:
                yield Found(place(who), field, f"{is_one[0]!r} is no adult; characters are 18 or older")


def minor_party(shelf: Shelf) -> Iterator[Found]:
    """A minor in a seat: by the role, by "you are fifteen", or by parties such as two teenagers in the setting."""
    for scenario in shelf.scenarios:
        for field, text in prose(scenario):
            if field.endswith(".role"):
                found = _MINOR_ROLE.search(text)
            elif field in ("setting", "title"):
                found = next(filter(None, map(_MINORS_MEET.search, sentences(text))), None)
            else:
                found = _is_minor(text, "you")
            if found:
                yield Found(place(scenario), field, f'"{found[0].strip()}": a party is no adult; only adults are cast')


def real_person(shelf: Shelf) -> Iterator[Found]:
    """A real person of note, by full name, as a character or in any text."""
    known = _listed("real_people")
    keys = {_plain(name): name for name in known}
    longest = max(len(key.split()) for key in keys)
    for record, field, text in every_text(shelf):
        if name := _named_in(text, keys, longest):
            yield Found(record, field, f"{name} is a real person; invent somebody")


def brand(shelf: Shelf) -> Iterator[Found]:
    """A maker, a shop or a service that exists, by its name with its capital letters."""
    pattern = _brands()
    for record, field, text in every_text(shelf):
        if found := pattern.search(text):
            yield Found(record, field, f"{found[0]!r} exists; say what it is, or invent one")


_YOU_ARE = re.compile(r"\b(?:[Yy]ou are|[Yy]ou're|I am|[Yy]our name is|[Yy]ou play|called|named) ([A-Z][a-z]+)\b")
_AGE = r"(?:[5-9]|1[0-7]|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen)"
_YOUNG = (
    r"(?:child|children|kids?|teenagers?|teens?|adolescents?|minors?|toddlers?|schoolchild(?:ren)?|schoolboys?|schoolgirls?|pupils?|"
    r"(?:high|middle|primary|elementary|secondary|grammar)[- ]school(?:ers?| students?| pupils?)|"
    r"(?:sixth|seventh|eighth|ninth|tenth)[- ]graders?|boy scouts?|girl guides?)"
)
_MINOR_ROLE = re.compile(
    rf"\b(?:{_AGE}[- ]years?[- ]old\b|(?:aged?|of) {_AGE}$|{_YOUNG}$|{_YOUNG} (?:who|at|with|in|from|and)\b|teenage(?:d)?\b|underage\b)",
    re.IGNORECASE,
)
_MINORS_MEET = re.compile(
    rf"""
      ^ (?: two | three | four | five | both | a\ group\ of ) \ (?: \w+\ )?? {_YOUNG} \b
    | ^ (?: an? | the ) \ (?: \w+[ ])?? {_YOUNG} \ (?: and | who | is | are | has | have | wants | sits | stands | asks | meets ) \b
    | ^ (?: an? | the ) \ {_AGE}[- ]year[- ]old \b
    | ^ (?: two | three | four | both ) \ {_AGE}[- ]year[- ]olds \b
    | ^ (?: an? ) \ {_YOUNG} \ and \ (?: an? | the | their ) \b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_GENDERED_PAIR = re.compile(
    r"\b(?:two|three|four|five|both) ([\w']+(?: [\w']+)?)|^(?:an?|the) ([\w']+(?: [\w']+)?) and (?:an?|the|his|her|their) ([\w']+(?: [\w']+)?)"
)
_GENDERED_SEAT = re.compile(
    r"\b(?:you are|you're|you were|as) (?:an?|the|his|her|their) ([\w']+(?: [\w']+)?)"
    r"|\bthe other(?: \w+)?(?: is|,)? (?:your|an?|his|her) ([\w']+(?: [\w']+)?)"
)
_SOMEBODY_NAMED = re.compile(
    r"[a-z,;] (?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April|May|June|July|August|September|October"
    r"|November|December|Christmas|Easter|Ramadan|New|English|German|French|Spanish|Italian)([A-Z][a-z]+)"
)
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


@cache
def _lists() -> Mapping[str, str]:
    return tomllib.loads(files("comity.library.lint").joinpath("people.toml").read_text("utf-8"))


@cache
def _listed(name: str) -> frozenset[str]:
    return frozenset(entry for entry in re.split(r",\s*|\n", _lists()[name]) if entry)


@cache
def _brands() -> re.Pattern[str]:
    names = sorted(_listed("brands"), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")


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
    pattern = _GENDERED_PAIR if field in ("setting", "title") else _GENDERED_SEAT
    for sentence in sentences(text):
        for match in pattern.finditer(" ".join(words(sentence))):
            named = [word for group in match.groups() if group for word in group.split()]
            if word := next((word for word in named if word in gendered), ""):
                return word
    return ""


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
            vessel = vessel or word in _listed("vessels")
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
    if forms & (_listed("persons") | _listed("gendered") | _listed("animals") | _OFTEN_A_PARTY):
        return True
    return _OF_TRADES.search(word) is not None and not forms & (_listed("things") | FUNCTION_WORDS)


def _is_minor(text: str, who: str) -> re.Match[str] | None:
    """Where a text says of somebody that they are no adult."""
    return re.search(
        rf"\bas an? (?:{_AGE}[- ]years?[- ]old|(?!child){_YOUNG})\b"
        rf"|\b{who}(?: are|'re| is|, an?|, the) (?:only |just |still |barely )?(?:an? |the )?(?:\w+ )??"
        rf"(?:{_AGE}\b(?! (?:of|minutes?|hours?|days?|weeks?|months?|miles?|to|in|people|times?|percent|short|behind|years? (?!old)))"
        rf"(?:[- ]years?[- ]old)?|{_YOUNG}\b(?! of| psych| nurse| doctor)|underage\b)",
        text,
        re.IGNORECASE,
    )


def _named_in(text: str, keys: Mapping[str, str], longest: int) -> str:
    found = _plain(text).split()
    for size in range(2, longest + 1):
        for at in range(len(found) - size + 1):
            if name := keys.get(" ".join(found[at : at + size])):
                return name
    return ""


def _plain(text: str) -> str:
    """Words with their capitals, without accents, points and other signs."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", re.sub(r"(?:'|\u2019)s\b", "", bare)))
