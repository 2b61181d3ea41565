"""Which family a model is of, by the name it is published or served under: a judge may favour what is written as it would write.

It knows names and nothing else: of a model that was renamed, it knows nothing.
"""

import re

__all__ = ["families_of"]

_NAMES = {
    "gpt": r"(?<![a-z])(?:chat)?gpt-?\d(?!\d*all)|gpt-oss|chatgpt|(?<![a-z])codex|^(?:ft:)?o\d(?![a-z0-9])|davinci|babbage",
    "claude": r"claude",
    "gemini": r"gemini|gemma|learnlm",
    "llama": r"(?<![a-z])(?:code|meta)?-?llama(?!\.?-?cpp|-server)|vicuna|alpaca|(?<![a-z])tulu-?(?:v?2|3)",
    "mistral": (
        r"mistral|mixtral|ministral|codestral|pixtral|magistral|devstral|mathstral|voxtral|wizardlm-?2[-:](?:7b|8x22b)"
        r"|(?<![a-z0-9-])zephyr(?![a-z]|-7b-gemma|-3b)"
    ),
    "qwen": r"qwen|(?<![a-z])q[wv]q(?![a-z])",
    "deepseek": r"deepseek",
    "phi": r"(?<![a-z])phi-?\d|(?<![a-z])phi-(?:mini|small|medium|moe)",
    "command": r"(?<![a-z])command(?:-[ra]|-light|-nightly)?(?![a-z])|c4ai|(?<![a-z])aya(?![a-z])",
    "smollm": r"smollm|smolvlm",
    "yi": r"(?<![a-z])yi[-:](?:\d|large|medium|lightning|coder|vl)",
    "glm": r"(?<![a-z])(?:chat)?glm-?\d|(?<![a-z])glm-z",
    "kimi": r"(?<![a-z])kimi|moonshot|moonlight",
    "grok": r"(?<![a-z])grok",
    "nova": r"(?<![a-z])nova-(?:micro|lite|pro|premier|sonic)",
    "nemotron": r"nemotron",
    "olmo": r"olmo",
    "granite": r"granite",
    "falcon": r"falcon",
    "internlm": r"internlm",
    "baichuan": r"baichuan",
    "minimax": r"minimax|(?<![a-z])abab\d",
    "hunyuan": r"hunyuan",
    "ernie": r"(?<![a-z])ernie",
    "doubao": r"doubao|seed-oss",
    "exaone": r"exaone",
    "jamba": r"jamba",
    "dbrx": r"dbrx",
    "stablelm": r"stablelm",
}
"""By family, the beginnings that its models' names have, in lower case; a model of another name only where all of that name are of one
family: `zephyr` is, `hermes` is not."""

_KNOWN = {family: re.compile(names) for family, names in _NAMES.items()}


def families_of(model: str, served_by: str = "") -> tuple[str, ...]:
    """Every family that the names tell of, in their order: one that was distilled or merged from two is akin to both, and so is one that
    is served under another's name. Empty where neither tells of any.

    Args:
        model: a specification or a model's own name, such as `openai:gpt-4o-2024-08-06` or `http://localhost:8000/v1#Qwen/Qwen2.5-7B-Instruct`.
        served_by: the name that the server reported.
    """
    return tuple(dict.fromkeys((*_told_by(_bare(model)), *_told_by(_bare(served_by)))))


def _told_by(name: str) -> tuple[str, ...]:
    """What the model's own name tells, else its owner's."""
    *owner, last = name.rsplit("/", 1)
    return _told(last) or _told("".join(owner))


def _told(name: str) -> tuple[str, ...]:
    places = {family: found.start() for family, names in _KNOWN.items() if (found := names.search(name))}
    return tuple(sorted(places, key=places.__getitem__))


def _bare(spec: str) -> str:
    """The model's name in a specification; empty for what is no model."""
    scheme, _, rest = spec.partition(":")
    if scheme in ("scripted", "negotiator", "trivial"):
        return ""
    if scheme in ("http", "https"):
        rest = rest.partition("#")[2].partition("&")[0]
    return (rest if scheme in ("http", "https", "openai", "azure", "local") else spec).casefold()
