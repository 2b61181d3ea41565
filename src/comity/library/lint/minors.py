"""Minors who would sit in a seat, or who are characters: by age, by school, by what only a child is told."""

import re
from collections.abc import Iterator

from comity.library.lint.findings import Found, Shelf, place, prose
from comity.library.lint.words import sentences

__all__ = ["minor_character", "minor_hint", "minor_party"]


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


def minor_hint(shelf: Shelf) -> Iterator[Found]:
    """What is said of no adult: homework, detention, a sixth form, parents who forbid, classmates at school; and "mum" or "dad", a child's words."""
    for scenario in shelf.scenarios:
        for field, text in prose(scenario):
            if found := _OF_SCHOOL.search(text):
                yield Found(
                    place(scenario),
                    field,
                    f'"{found[0]}" sounds like a minor; say that they are adults, or leave it out',
                )


_AGE = r"(?:[5-9]|1[0-7]|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen)"
_YOUNG = (
    r"(?:child|children|kids?|teenagers?|teens?|adolescents?|minors?|toddlers?|schoolchild(?:ren)?|schoolboys?|schoolgirls?|pupils?|"
    r"(?:high|middle|primary|elementary|secondary|grammar)[- ]school(?:ers?| students?| pupils?)|"
    r"(?:fifth|sixth|seventh|eighth|ninth|tenth|eleventh)[- ]graders?|(?:sixth|fifth|lower|upper)[- ]form(?:er)?s?|schoolmates?|tweens?|preteens?|"
    r"youngsters?|year[- ](?:[7-9]|1[0-3]|seven|eight|nine|ten|eleven|twelve|thirteen)s?|boy scouts?|girl guides?)"
)
_YEAR = r"(?:[1-9]|1[0-3]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen)"
_MINOR_ROLE = re.compile(
    rf"\b(?:{_AGE}[- ]years?[- ]old\b|(?:aged?|of) {_AGE}$|{_YOUNG}$|{_YOUNG} (?:who|at|with|in|from|and)\b|teenage(?:d)?\b|underage\b)",
    re.IGNORECASE,
)
_OF_SCHOOL = re.compile(
    rf"""
      \b (?: classmates? | friends? | \w+s ) \ (?: at | from | in ) \ (?: the\ same\ | the\ | your\ | their\ | high\ )? school \b (?! \ (?:fair|gate|run) )
    | \b classmates? \b | \b schoolmates? \b | \b school \ (?: uniform | cafeteria | canteen | prom | bus | friends? | crush | locker | report | days? ) \b
    | \b sixth[- ]form(?:ers?)? \b | \b (?:in|of|from|a|the) \ year[- ]{_YEAR} \b (?!\ of) | \b {_YEAR}(?:th|st|nd|rd)[- ]grade \b
    | \b your \ (?: \w+\ )? (?: homework | class\ teacher | form\ tutor | headteacher | report\ card | pocket\ money | bedtime | detention ) \b
    | \b (?: homework | GCSEs? | A-levels? | prom\ (?:night|date) | fake\ ID | underage | learner's\ permit ) \b
    | \b (?: in | get | got | have | given ) \ detention \b | \b you \ (?: are | were | will\ be | have\ been ) \ grounded \b
    | \b (?: not\ old\ enough | too\ young ) \ to \b | \b when\ you \ (?: grow\ up | are\ grown | turn\ eighteen | are\ eighteen ) \b
    | \b your \ (?: parents? | mother | father ) \ (?: won't | will\ not | would\ not | do\ not | don't | doesn't | does\ not )\ (?: let | allow | permit ) \b
    | \b your \ (?: parents? | mother | father ) \ (?: lets? | allows? | forbids? | forbade | grounded | picks?\ you\ up ) \b
    | \b (?: tell | ask | call | ring | phone ) \ your \ parents \b
    | \b (?: mums? | moms? | mummy | mommy | dads? | daddy ) \b
    """,
    re.VERBOSE | re.IGNORECASE,
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


def _is_minor(text: str, who: str) -> re.Match[str] | None:
    """Where a text says of somebody that they are no adult."""
    return re.search(
        rf"\bas an? (?:{_AGE}[- ]years?[- ]old|(?!child){_YOUNG})\b"
        rf"|\b{who}(?: have| has|'ve)?(?: just| only)? turn(?:ed|s)? {_AGE}\b(?! [a-z]+s\b)"
        rf"|\b{who}(?: are|'re| is|, an?|, the) (?:only |just |still |barely )?(?:an? |the )?(?:\w+ )??"
        rf"(?:{_AGE}\b(?! (?:of|minutes?|hours?|days?|weeks?|months?|miles?|to|in|people|times?|percent|short|behind|years? (?!old)))"
        rf"(?:[- ]years?[- ]old)?|{_YOUNG}\b(?! of| psych| nurse| doctor)|underage\b)",
        text,
        re.IGNORECASE,
    )
