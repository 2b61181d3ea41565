"""GGUF files: llama.cpp itself cuts text as the tokenizer does and says what the model in process says; what it could not know is refused."""

import json
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio
import mistral_common
import numpy as np
import pytest
import torch
from models.in_process.small import TEMPLATE, save_lora, save_model, write_note
from peft import LoraConfig, get_peft_model
from safetensors.numpy import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.models.llama import LlamaTokenizer
from typer.testing import CliRunner

from comity.cli.app import app
from comity.models.in_process.folder import find, read_note, weights_hash
from comity.models.in_process.loading import load
from comity.models.in_process.model import InProcessModel
from comity.models.merged import merged_model
from comity.models.protocol import Message, ModelNotFound, Sampling
from comity.models.registry import LocalModelEntry
from comity.models.resolve import resolve
from comity.train.gguf import GgufError, write_adapter, write_merged
from comity.train.gguf_tokens import _LLAMA3, _SPLITS

TEXTS = (
    'You\'ll take {"books":2,"hats":10345} and I\'ve 3.50€, don\'t I?\n\n  Two  blanks,\ttabs; naïve Ünïcode 王小明 🦊 e\u0301.',
    "  begins with blanks",
    "CAN'T we'RE 1234567 a1b2\r\n\r\nx",
    "",
)
ASKED = tuple(
    [{"role": "system", "content": "You keep the book."}, {"role": "user", "content": said}]
    for said in ("Deal?", "2 hats", "Rome and Paris")
)
MOST = 24
FEW = 3000
"""Tokens of Mistral's that tests make do with, beside all single characters."""
SMOLLM2 = LlamaConfig(
    hidden_size=576,
    intermediate_size=1536,
    num_hidden_layers=30,
    num_attention_heads=9,
    num_key_value_heads=3,
    vocab_size=49152,
)
"""Its shape, which an adapter must have."""
MARK = "\u2581"
"""SentencePiece's of a blank."""
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)


def llama_cpp(
    model: Path, lora: Path | None = None, texts: Sequence[str] = (), asked: Sequence[object] = ()
) -> Mapping[str, list]:  # type: ignore[type-arg]
    """What llama.cpp makes of it."""
    words = {"model": str(model), "lora": str(lora or ""), "texts": texts, "asked": asked, "most": MOST}
    program = Path(__file__).with_name("in_llama_cpp.py")
    done = subprocess.run(
        [sys.executable, str(program), json.dumps(words)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: Mapping[str, list] = json.loads(done.stdout.splitlines()[-1])  # type: ignore[type-arg]
    return found


def in_process(spec: str) -> list[str]:
    """What the model says in this process."""
    return with_tokens(spec)[0]


def with_tokens(spec: str, texts: Sequence[str] = ()) -> tuple[list[str], list[list[int]]]:
    """What the model says in this process, and how its tokenizer cuts texts; it is loaded once for both."""

    async def run() -> tuple[list[str], list[list[int]]]:
        model, greedy = InProcessModel(find(spec), device="cpu"), Sampling(temperature=0, max_tokens=MOST)
        try:
            asked = [[Message(said["role"], said["content"]) for said in one] for one in ASKED]  # type: ignore[arg-type]
            said = [(await model.complete(one, schema=None, sampling=greedy, session="s")).text for one in asked]
            tokenizer = model._load().loaded.tokenizer
            return said, [tokenizer(text, add_special_tokens=False).input_ids for text in texts]
        finally:
            await model.aclose()

    return anyio.run(run)


def readable(said: Sequence[str]) -> list[str]:
    """Bytes that are no text look otherwise in either."""
    return [one.replace("\ufffd", "") for one in said]


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gguf")
    return save_lora(folder / "adapter", save_model(folder / "base"))


def whole(folder: Path, base: Path) -> Path:
    """A model's folder as training all weights leaves it."""
    shutil.copytree(base, folder)
    write_note(folder, kind="full", base=f"hf:{base}", base_sha256=weights_hash(base))
    return folder


def test_merged_weights_say_in_llama_cpp_what_the_adapter_says_here(adapter: Path) -> None:
    file = write_merged(adapter, weights="f32")
    found = llama_cpp(file, texts=TEXTS, asked=ASKED)
    said = in_process(f"adapter:{adapter}")
    assert readable(found["said"]) == readable(said)
    assert len(set(said)) > 1
    base = in_process(read_note(adapter).base)
    assert base != said


def test_an_adapter_alone_says_on_its_base_what_it_says_here(adapter: Path, tmp_path: Path) -> None:
    base = find(f"adapter:{adapter}").base
    assert base is not None
    lora = write_adapter(adapter)
    plain = write_merged(whole(tmp_path / "base", base.path), weights="f32")
    assert readable(llama_cpp(plain, lora, asked=ASKED)["said"]) == readable(in_process(f"adapter:{adapter}"))
    assert readable(llama_cpp(plain, asked=ASKED)["said"]) == readable(in_process(f"hf:{base.path}"))


def test_smaller_numbers_make_smaller_files_of_the_same_model(adapter: Path, tmp_path: Path) -> None:
    files = {
        weights: write_merged(adapter, weights=weights, into=tmp_path / weights) for weights in ("f32", "f16", "q8_0")
    }
    sizes = [file.stat().st_size for file in files.values()]
    assert sizes == sorted(sizes, reverse=True)
    assert llama_cpp(files["q8_0"], texts=TEXTS)["tokens"] == llama_cpp(files["f32"], texts=TEXTS)["tokens"]


# Tokenizers


def byte_level(*steps: pre_tokenizers.PreTokenizer, prefix: bool = False) -> PreTrainedTokenizerFast:
    """Byte-level BPE that splits so before it merges."""
    made = Tokenizer(models.BPE())
    own = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=not any(map(is_split, steps)))
    made.pre_tokenizer = pre_tokenizers.Sequence([*steps, own]) if steps else own
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=["<|end|>"], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator([*TEXTS, "I've 12345 hats, you'll take 3. " * 3, "  many   blanks\n\n\n"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|end|>")  # type: ignore[no-untyped-call]


def is_split(step: pre_tokenizers.PreTokenizer) -> bool:
    return isinstance(step, pre_tokenizers.Split)


def split(expression: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Split(Regex(expression), behavior="isolated")


def sentencepiece(folder: Path, scheme: str = "") -> PreTrainedTokenizerFast:
    """Mistral's own, of its first models, that puts a blank before text in one of three ways, or as `transformers` has it."""
    file = Path(mistral_common.__file__).parent / "data" / "tokenizer.model.v1"
    shutil.copy(file, folder / "tokenizer.model")
    own: PreTrainedTokenizerFast = LlamaTokenizer.from_pretrained(folder)
    (folder / "tokenizer.model").unlink()
    if not scheme:
        return own
    whole = json.loads(own.backend_tokenizer.to_str())
    few = [token for token, at in whole["model"]["vocab"].items() if at < FEW or len(token) == 1]
    kept = {token: at for at, token in enumerate(few)}
    merges = [(a, b) for a, b in whole["model"]["merges"] if {a, b, a + b} <= kept.keys()]
    whole["model"] |= {"vocab": kept, "merges": merges}
    if scheme == "prepend":
        whole["pre_tokenizer"] = None
        marks = {"type": "Replace", "pattern": {"String": " "}, "content": MARK}
        whole["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": MARK}, marks]}
    else:
        whole["pre_tokenizer"]["prepend_scheme"] = scheme
    made = Tokenizer.from_str(json.dumps(whole))
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


QWEN2 = _LLAMA3.replace("{1,3}", "")
TOKENIZERS: Mapping[str, Callable[[Path], PreTrainedTokenizerFast]] = {
    "gpt-2": lambda folder: byte_level(),
    "smollm": lambda folder: byte_level(pre_tokenizers.Digits(individual_digits=True)),
    "llama-3": lambda folder: byte_level(split(_LLAMA3)),
    "qwen2": lambda folder: byte_level(split(QWEN2)),
    "mistral": sentencepiece,
    "mistral-first": partial(sentencepiece, scheme="first"),
    "mistral-always": partial(sentencepiece, scheme="always"),
    "mistral-prepend": partial(sentencepiece, scheme="prepend"),
}


def of_tokenizer(folder: Path, tokenizer: PreTrainedTokenizerFast, kind: str = "llama") -> Path:
    """A tiny model with this tokenizer, as training all weights leaves it."""
    tokenizer.chat_template = tokenizer.chat_template or (MISTRAL if tokenizer.bos_token else TEMPLATE)
    tokenizer.save_pretrained(folder)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    more = {"num_key_value_heads": 1, "max_position_embeddings": 256, "tie_word_embeddings": kind != "qwen2"}
    torch.manual_seed(3)
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **shape, **more)
    model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    for weights in model.parameters():
        weights.data.normal_(0, 0.2)
    model.save_pretrained(folder)
    write_note(folder, kind="full", base="hf:gone", base_sha256="0" * 64)
    return folder


@pytest.mark.parametrize("name", TOKENIZERS)
def test_llama_cpp_cuts_text_as_the_tokenizer_does(name: str, tmp_path: Path) -> None:
    tokenizer = TOKENIZERS[name](tmp_path)
    file = write_merged(of_tokenizer(tmp_path, tokenizer))
    texts = [f"<s>[INST] {text.strip()}</s>[INST]" for text in TEXTS] if name.startswith("mistral") else TEXTS
    _, loaded, _ = load(tmp_path)  # which need not be as it was saved
    ours = [loaded(text, add_special_tokens=False).input_ids for text in texts]
    assert llama_cpp(file, texts=texts)["tokens"] == ours


def test_qwen2_says_there_what_it_says_here(tmp_path: Path) -> None:
    """It has biases, an output of its own, and rotary pairs in the other order."""
    tokenizer = TOKENIZERS["qwen2"](tmp_path)
    folder = of_tokenizer(tmp_path, tokenizer, "qwen2")
    said = llama_cpp(write_merged(folder, weights="f32"), asked=ASKED)["said"]
    assert readable(said) == readable(in_process(f"adapter:{folder}"))


@pytest.mark.parametrize(
    ("template", "scheme"),
    [
        (MISTRAL.replace("+ eos_token", "+ eos_token + ' '"), "always"),
        (MISTRAL.removeprefix("{{ bos_token }}"), "first"),
    ],
)
def test_a_chat_template_with_blanks_that_llama_cpp_would_cut_otherwise_is_refused(
    template: str, scheme: str, tmp_path: Path
) -> None:
    tokenizer = sentencepiece(tmp_path, scheme)
    tokenizer.chat_template = template
    with pytest.raises(GgufError, match="its chat template has blanks where"):
        write_merged(of_tokenizer(tmp_path, tokenizer))


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    folder = of_tokenizer(tmp_path, byte_level())
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(GgufError, match="has no chat template, and"):
        write_merged(folder)


@pytest.mark.parametrize(
    "tokenizer",
    [
        lambda: byte_level(prefix=True),
        lambda: byte_level(pre_tokenizers.Whitespace()),
        lambda: byte_level(split(r"\w+")),
    ],
)
def test_a_tokenizer_that_llama_cpp_would_cut_otherwise_with_is_refused(
    tokenizer: Callable[[], PreTrainedTokenizerFast], tmp_path: Path
) -> None:
    folder = of_tokenizer(tmp_path, tokenizer())
    with pytest.raises(GgufError, match="splits text in a way that is not known to be"):
        write_merged(folder)
    assert not list(folder.glob("*.gguf*"))
    assert read_note(folder).gguf is None


def test_every_split_that_is_known_is_one_of_those_tested() -> None:
    assert set(_SPLITS) == {_LLAMA3, QWEN2}


# What is refused, and playing it


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"alpha_pattern": {"q_proj": 3}}, "alpha_pattern"),
    ],
)
def test_an_adapter_that_llama_cpp_does_not_know_is_refused(
    adapter: Path, tmp_path: Path, said: dict[str, object], why: str
) -> None:
    odd = tmp_path / "odd"
    shutil.copytree(adapter, odd)
    settings = json.loads((odd / "adapter_config.json").read_text()) | said
    (odd / "adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(GgufError, match=f"{why}, which llama.cpp's adapters have not; write it with write_merged"):
        write_adapter(odd)


def test_an_adapter_of_the_embedding_is_refused_by_the_weights_name(adapter: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    shutil.copytree(adapter, odd)
    weights = load_file(odd / "adapter_model.safetensors")
    weights["base_model.model.model.embed_tokens.lora_embedding_A"] = np.zeros((4, 8), np.float32)
    save_file(weights, odd / "adapter_model.safetensors")
    with pytest.raises(GgufError, match=r"embed_tokens\.lora_embedding_A, which llama.cpp's adapters have not"):
        write_adapter(odd, into=tmp_path / "odd.gguf")
    assert not list(tmp_path.glob("*.gguf*"))


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = TOKENIZERS["gpt-2"](tmp_path)
    tokenizer.save_pretrained(tmp_path)
    GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=1, n_head=2)).save_pretrained(tmp_path)
    write_note(tmp_path, kind="full", base="hf:gone", base_sha256="0" * 64)
    with pytest.raises(GgufError, match="of the kind 'gpt2' cannot be written here, only llama, mistral, qwen2"):
        write_merged(tmp_path)
    with pytest.raises(GgufError, match="holds a whole model and no adapter"):
        write_adapter(tmp_path)


def test_a_stretched_context_is_refused(tmp_path: Path) -> None:
    folder = of_tokenizer(tmp_path, TOKENIZERS["gpt-2"](tmp_path))
    config = json.loads((folder / "config.json").read_text())
    config["rope_parameters"] = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(GgufError, match="stretched by 'linear'"):
        write_merged(folder)


def test_a_file_that_cannot_be_written_is_said_and_leaves_nothing(adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(GgufError, match="cannot be written"):
        write_merged(adapter, into=tmp_path / "none" / "x.gguf")
    (tmp_path / "there").mkdir()
    with pytest.raises(GgufError, match="cannot be written"):
        write_merged(adapter, into=tmp_path / "there")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.anyio
async def test_a_merged_adapter_is_played_by_its_specification(adapter: Path) -> None:
    write_merged(adapter, weights="f32")
    spec = f"adapter:{adapter}#llama.cpp"
    found = resolve(spec, {}, conversations=2)
    assert found.model.name == f"{find(f'adapter:{adapter}').name}#llama.cpp-f32"
    assert (found.style, found.sampling.max_tokens, found.slots) == ("compact", 96, 2)
    again = resolve(found.model.name, {})
    assert again.model.name == found.model.name
    asked = [Message("user", "Deal?")]
    greedy = Sampling(temperature=0, max_tokens=4)
    try:
        answer = await found.model.complete(asked, schema=None, sampling=greedy, session="s")
    finally:
        await found.model.aclose()
    assert answer.completion_tokens


def test_what_was_written_of_other_weights_is_not_played(adapter: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(adapter, other)
    note = read_note(other)
    for stale in (None, "merged-0123456789ab-f16.gguf", "gone.gguf"):
        (other / "comity.json").write_text(note.model_copy(update={"gguf": stale}).model_dump_json())
        if stale and stale.startswith("merged"):
            (other / stale).write_bytes(b"")
        with pytest.raises(ModelNotFound, match=r"holds no GGUF file of these weights; write one: comity models gguf"):
            merged_model(f"adapter:{other}#llama.cpp")


def test_the_command_writes_either_file_and_says_where(adapter: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(adapter, mine, ignore=shutil.ignore_patterns("*.gguf"))
    for more, name in (([], "f16"), (["--weights", "q8_0"], "q8_0"), (["--alone"], "lora")):
        done = CliRunner().invoke(app, ["models", "gguf", f"adapter:{mine}", *more])
        assert done.exit_code == 0, done.output
        (written,) = (path for path in mine.glob("*.gguf") if name in path.name)
        assert str(written) in "".join(done.output.split())
    refused = CliRunner().invoke(app, ["models", "gguf", f"adapter:{mine}", "--weights", "q4"])
    assert refused.exit_code == 2
    assert "f32, f16, q8_0, not" in refused.output


@pytest.mark.embedded
def test_what_is_trained_on_a_gguf_file_is_written_as_one(
    smollm2: LocalModelEntry, smollm2_directory: Path, tmp_path: Path
) -> None:
    """SmolLM2 with an adapter that does nothing yet cuts text there and says what it does here."""
    (base,) = smollm2_directory.glob(f"{smollm2.alias}-*.gguf")
    plain, folder = (
        LlamaForCausalLM(SMOLLM2),
        tmp_path / "adapter",
    )  # its weights play no part, and to read it takes long
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by names of yesterday
        get_peft_model(plain, config).save_pretrained(str(folder), save_embedding_layers=False)
    write_note(folder, kind="lora", base=f"hf:{base}", base_sha256=weights_hash(base))
    file = write_merged(folder, weights="f32")
    try:
        found = llama_cpp(file, write_adapter(folder), texts=TEXTS, asked=ASKED)
    finally:
        file.unlink()  # half a gigabyte
    said, tokens = with_tokens(f"adapter:{folder}", TEXTS)
    assert found["tokens"] == tokens
    assert found["said"] == said
