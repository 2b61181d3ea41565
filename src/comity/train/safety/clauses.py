"""What somebody says, cut into the clauses within which a denial or a warning counts, and what the words of denial and warning are.

A word governs its own clause and no other: "Do not argue and chain the exit" tells to chain it, "If anybody asks, lock it" to lock it. Where a
second verb has no subject of its own, the word governs it too: "I will not go in and light it". This is a reading by rule of thumb, without
grammar; tests/train/safety_sentences.toml shows what it is held to.
"""

import re

__all__ = ["DENIALS", "DENIED", "SPURNED", "WARNED", "clauses", "words_of"]

_REACH = 6
"""So many words before a phrase in which a denial counts for it."""

DENIALS = frozenset({"not", "never", "no", "nobody", "none", "nothing", "neither", "nor"})
"""What makes a mention the opposite of what it says."""

_DENIAL = rf"\b(?:{'|'.join(sorted(DENIALS))})\b"
_WARNING = (
    r"\b(?:if|unless|before|without|against|avoid|refuse|refusing|stop|stopping|instead of|rather than|wanted|meant|almost|nearly)\b"
    r"|\b(?:was|were|been|had) (?:\w+ )?(?:going|about|planning|thinking|tempted|meaning|supposed|ready|half a mind|the one who)\b"
    r"|^(?:\w+ )?(?:why|who|how could|did (?:you|he|she|we|they|any\w+|some\w+))\b(?! cares\b)"
    r"|\brather\b.*\bthan\b"
)
DENIED = re.compile(rf"{_DENIAL} (?:\S+ ){{0,{_REACH - 1}}}$")
"""A denial before a phrase."""
WARNED = re.compile(rf"{DENIED.pattern}|{_WARNING}")
"""What makes a mention of harm none: it is denied, warned of, asked about, turned down or was once meant."""
SPURNED = re.compile(
    rf"{DENIED.pattern}|\b(?:forget|forgetting|never mind|skip|without|instead of|rather than|to hell with|who needs|enough of|so much for|had enough)\b|^why\b"
)
"""What makes a mention of help none: it is denied, waved away or gone without."""

_SPELT = (
    (r"[\u2018\u2019\u02bc`]", "'"),
    (r"\bwon't\b", "will not"),
    (r"\b(ca|sha)n't\b", "can not"),
    (r"\bcannot\b", "can not"),
    (r"n't\b", " not"),
    (r"\blet's\b", "let us"),
    (r"'ll\b", " will"),
    (r"'m\b", " am"),
    (r"'re\b", " are"),
    (r"'ve\b", " have"),
    (r"'d\b", " would"),
    (r"\b(it|he|she|that|there|what|here|who|where)'s\b", r"\1 is"),
    (r"\bgonna\b", "going to"),
    (r"\bwanna\b", "want to"),
    (r"\bwhy (do|does|can|could) not (you|we|i)\b", "let us"),
    (r"\bwhy do (you|we) not\b", "let us"),
    (r"\bwhy not\b", "let us"),
    (r"\bwhy (wait|stop|bother|ask|stand)\b", r"do not \1"),
    (r"\b(do not|never) (forget|hesitate|be afraid|be shy) to\b", "please"),
)
_BREAK = re.compile(r"[.!?;:,\n()\u2013\u2014\"*]+|\b(?:but|because|although|though)\b")
_WORD = re.compile(r"[a-z0-9]+")
_EXCLAIMED = re.compile(
    r"^no (?=(?:i|you|he|she|it|we|they|that|this|let|please|do|stop|wait|just|never|not|call|take|give|put|leave|keep|go|come|stay)\b)"
)
"""A no that is said to somebody, of which a comma was left out; "no taxi" is none."""

_SUBJECT = "i|you|he|she|it|we|they|there|nobody|somebody|someone|everybody|everyone|what|that|this"
_OWNED = "the|a|an|my|your|his|her|our|their|some"
_FINITE = "is|are|was|were|will|would|can|could|has|have|had|gets|goes|stays|remains|comes|needs|should|must|may|might"
_THING = rf"(?:me|him|her|them|us|two|three|four|(?:{_OWNED}) \w+(?: (?!(?:{_FINITE})\b)|$))"
"""What after "and" is one more thing and no new clause, as in "the coals and the grill"."""
_JOIN = re.compile(
    rf"(?<!\bgo)(?<!\bcome)(?<!\btry) (?:and then|or else|and|or|nor) (?!{_THING})|(?<=\w) then (?=\w)"
    rf"| so (?=(?:{_SUBJECT}|let|please|just|go)\b)"
)
_AHEAD = re.compile(
    rf"^((?:if|unless|when|before|once|without|as long as) \w+ \w+.*?) (?=(?:{_SUBJECT}) (?:{_FINITE}|do|am)\b)"
)
"""A clause that goes before the main one without a comma."""
_OWN = re.compile(rf"(?:{_SUBJECT}|{_OWNED}|please|just|now|let|do|if|then)\b")
_OF_A_NOUN = re.compile("without|against|avoid|refuse|refusing|stop|stopping|instead of|rather than")
_HUSHES = re.compile(
    r"\b(?:do not|never|stop|no more) (?:just |even |you |all |so )*"
    r"(?:arg|ask|talk|worry|fuss|wait|dawdl|hesitat|stand|complain|listen|think|bother|cry|whin|moan|panic|lie|lying|make (?:a|such)|mind)\w*"
)
"""What tells somebody to be still and not to leave undone what comes next."""


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case, short forms written out."""
    return [word for part in _sentences(text) for word in part.split()]


def clauses(text: str) -> list[str]:
    """The parts of a text within which a denial counts: words in lower case between single blanks.

    A part that is governed by a word in the one before begins with that word.
    """
    return [clause for part in _sentences(text) for ahead in _main(part) for clause in _coordinated(ahead)]


def _sentences(text: str) -> list[str]:
    text = text.lower()
    for spelt, whole in _SPELT:
        text = re.sub(spelt, whole, text)
    found = (" ".join(_WORD.findall(part)) for part in _BREAK.split(text))
    return [_EXCLAIMED.sub("", part) for part in found if part]


def _main(part: str) -> list[str]:
    ahead = _AHEAD.match(part)
    return [ahead[1], part[ahead.end() :]] if ahead else [part]


def _coordinated(part: str) -> list[str]:
    found: list[str] = []
    for clause in filter(None, _JOIN.split(part)):
        governed = _governor(found[-1], clause) if found else ""
        found.append(f"{governed} {clause}".strip())
    return found


def _governor(clause: str, following: str) -> str:
    """The last word of denial or warning in a clause, where it governs the following one too."""
    if _OWN.match(following) or _HUSHES.search(clause):
        return ""
    found = [each[0] for each in re.finditer(f"{_DENIAL}|{_WARNING}", clause)]
    return found[-1] if found and (following.split()[0].endswith("ing") or not _OF_A_NOUN.fullmatch(found[-1])) else ""
