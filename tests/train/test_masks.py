"""Which tokens are learned, token by token, for every chat template that is supported; Mistral's with its own tokenizers."""

import gzip
import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import mistral_common
import pytest
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import ValidationMode
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
from train.templates import CONVERSATION, FAMILIES, tokenizer_of
from transformers import AutoTokenizer
from transformers.tokenization_mistral_common import MistralCommonBackend

from comity.models.chat_templates import ChatTemplate, TemplateError
from comity.models.registry import LocalModelEntry
from comity.train.examples import Example, Said, example_of_text
from comity.train.masks import Tokens, tokenised

LIMIT = 100_000
WEIGHTS = (0.0, 0.0, 1.0, 0.0, 3.0)


def example(*said: tuple[str, str], weights: tuple[float, ...] = WEIGHTS) -> Example:
    messages = tuple(Said.model_validate({"role": role, "content": content}) for role, content in said)
    return Example(messages=messages, weights=weights)


def template_of(family: str) -> ChatTemplate:
    return ChatTemplate(tokenizer_of(family), family)


def runs(tokens: Tokens, tokenizer: Any) -> list[tuple[str, float]]:
    """The text of neighbouring tokens of the same weight, from the tokens themselves: every one of them is in exactly one run."""
    cut = [at for at in range(1, len(tokens.weights)) if tokens.weights[at] != tokens.weights[at - 1]]
    edges = [0, *cut, len(tokens.weights)]
    return [
        (tokenizer.decode(tokens.input_ids[begin:end], skip_special_tokens=False), tokens.weights[begin])
        for begin, end in pairwise(edges)
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_replies_and_what_ends_them_are_learned_and_nothing_else(family: str) -> None:
    tokenizer = tokenizer_of(family)
    tokens = tokenised(example(*CONVERSATION), ChatTemplate(tokenizer, family), LIMIT)
    assert runs(tokens, tokenizer) == list(zip(FAMILIES[family].written, (0.0, 1.0, 0.0, 3.0), strict=True))
    whole = tokenizer.encode("".join(FAMILIES[family].written), add_special_tokens=False)
    assert tokens.input_ids == whole
    assert (tokens.learned, tokens.cut) == (2, 0)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prompt_is_how_the_example_goes_on_from_it(family: str) -> None:
    """What a model is asked when it answers is what it was trained after, token by token."""
    template, said = template_of(family), example(*CONVERSATION)
    tokens = tokenised(said, template, LIMIT)
    for at in (2, 4):
        prompt = template.prompt(said.spoken[:at])
        assert tokens.input_ids[: len(prompt)] == prompt
        assert tokens.weights[len(prompt) - 1] == 0 < tokens.weights[len(prompt)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_reply_without_weight_is_read_and_not_learned(family: str) -> None:
    tokenizer = tokenizer_of(family)
    tokens = tokenised(example(*CONVERSATION, weights=(0, 0, 0, 0, 0.5)), template_of(family), LIMIT)
    written = FAMILIES[family].written
    assert runs(tokens, tokenizer) == [("".join(written[:3]), 0.0), (written[3], 0.5)]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_said_aloud_has_a_weight_of_its_own(family: str) -> None:
    """A token that is not wholly words is the move's: so a reply learns to end whatever its words weigh."""
    reply, words = '{"do":"propose","terms":[1,0],"say":"Take the hat."}', '"Take the hat."'
    said = example(("system", "You are A."), ("user", "Turn 1."), ("assistant", reply), weights=(0, 0, 2))
    at = reply.index(words)
    weighed = said.model_copy(update={"words": 0.25, "spoken_at": ((0, 0), (0, 0), (at, at + len(words)))})
    tokenizer = tokenizer_of(family)
    tokens = tokenised(weighed, template_of(family), LIMIT)
    assert tokens.input_ids == tokenised(said, template_of(family), LIMIT).input_ids
    of = {weight: "".join(text for text, w in runs(tokens, tokenizer) if w == weight) for weight in (2.0, 0.5)}
    assert '"terms":[1,0]' in of[2.0].replace(" ", "")
    assert of[2.0].count("hat") == 0
    assert "Take the hat" in of[0.5]
    assert "}" not in of[0.5]
    assert "}" in of[2.0].rpartition('"say"')[2]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_learned_whole_is_learned_from_its_first_token_to_the_end_of_its_last_reply(family: str) -> None:
    said = example(*CONVERSATION)
    tokens = tokenised(said.model_copy(update={"whole": True}), template_of(family), LIMIT)
    assert tokens.input_ids == tokenised(said, template_of(family), LIMIT).input_ids
    assert set(tokens.weights) == {1.0}
    assert tokenised(said.model_copy(update={"whole": True}), template_of(family), 7).cut == 1


def test_a_system_message_that_a_template_does_not_take_goes_before_the_first_user_message() -> None:
    assert {name for name in FAMILIES if template_of(name).folded} == {"gemma", "mistral"}


def test_the_token_that_ends_a_reply_is_the_templates_and_not_always_the_tokenizers() -> None:
    for family in ("gemma", "qwen2.5-base"):
        tokenizer, end = tokenizer_of(family), template_of(family).end
        assert tokenizer.decode([end]) in ("<end_of_turn>", "<|im_end|>")
        assert end != tokenizer.eos_token_id


DATA = Path(mistral_common.__file__).parent / "data"

V1 = (
    ["<s>", "▁[", "INST", "]", "▁Play", "▁fair", ".", "<0x0A>", "<0x0A>", "Turn", "▁", "1", "▁[", "/", "INST", "]"],
    ["▁I", "▁keep", "▁", "2", ".", "</s>"],
    ["▁[", "INST", "]", "▁No", "▁[", "/", "INST", "]"],
    ["▁Deal", "</s>"],
)
V3 = (
    ["<s>", "[INST]", "▁Play", "▁fair", ".", "<0x0A>", "<0x0A>", "Turn", "▁", "1", "[/INST]"],
    ["▁I", "▁keep", "▁", "2", ".", "</s>"],
    ["[INST]", "▁No", "[/INST]"],
    ["▁Deal", "</s>"],
)
V7 = (
    ["<s>", "[SYSTEM_PROMPT]", "▁Play", "▁fair", ".", "[/SYSTEM_PROMPT]", "[INST]", "▁Turn", "▁", "1", "[/INST]"],
    *V3[1:],
)
TEKKEN = (
    ["<s>", "[INST]", "Play", " fair", ".\n\n", "Turn", " ", "1", "[/INST]"],
    ["I", " keep", " ", "2", ".", "</s>"],
    ["[INST]", "No", "[/INST]"],
    ["De", "al", "</s>"],
)
MISTRAL = {
    "tokenizer.model.v1": V1,
    "mistral_instruct_tokenizer_240323.model.v3": V3,
    "mistral_instruct_tokenizer_241114.model.v7": V7,
    "tekken_240718.json": TEKKEN,
}
SHORT = (
    ("system", "Play fair."),
    ("user", "Turn 1"),
    ("assistant", "I keep 2."),
    ("user", "No"),
    ("assistant", "Deal"),
)


@cache
def mistrals(file: str) -> MistralCommonBackend:
    """As `transformers` loads it for a model that comes with such a file."""
    return MistralCommonBackend(tokenizer_path=str(DATA / file))


@pytest.mark.parametrize("file", MISTRAL)
def test_mistrals_own_tokenizers_token_by_token(file: str) -> None:
    tokenizer = mistrals(file)
    tokens = tokenised(example(*SHORT), ChatTemplate(tokenizer, file), LIMIT)
    expected = MISTRAL[file]
    assert tokenizer.convert_ids_to_tokens(tokens.input_ids) == [token for run in expected for token in run]
    weights = zip(expected, (0.0, 1.0, 0.0, 3.0), strict=True)
    assert tokens.weights == [weight for run, weight in weights for _ in run]


@pytest.mark.parametrize("file", MISTRAL)
def test_mistral_itself_writes_an_example_to_learn_in_the_same_tokens(file: str) -> None:
    template = ChatTemplate(mistrals(file), file)
    tokens = tokenised(example(*SHORT), template, LIMIT)
    taken = [("user", f"{SHORT[0][1]}\n\n{SHORT[1][1]}"), *SHORT[2:]] if template.folded else SHORT
    request = ChatCompletionRequest.from_openai([{"role": role, "content": said} for role, said in taken])
    theirs = MistralTokenizer.from_file(str(DATA / file), mode=ValidationMode.finetuning)
    assert tokens.input_ids == theirs.encode_chat_completion(request).tokens


@pytest.mark.embedded
def test_smollm2_has_its_template_in_the_file(smollm2: LocalModelEntry, smollm2_directory: Path) -> None:
    (file,) = smollm2_directory.glob(f"{smollm2.alias}-*.gguf")
    tokenizer = AutoTokenizer.from_pretrained(smollm2_directory, gguf_file=file.name, local_files_only=True)
    tokens = tokenised(example(*CONVERSATION), ChatTemplate(tokenizer, file.name), LIMIT)
    written = FAMILIES["chatml"].written
    assert runs(tokens, tokenizer) == list(zip(written, (0.0, 1.0, 0.0, 3.0), strict=True))


@pytest.mark.parametrize("family", ["chatml", "llama-2", "gemma"])
def test_what_does_not_fit_ends_with_the_last_reply_that_does(family: str) -> None:
    template, said = template_of(family), example(*CONVERSATION)
    whole = tokenised(said, template, LIMIT)
    first = len(tokenised(example(*CONVERSATION[:3], weights=WEIGHTS[:3]), template, LIMIT).input_ids)
    assert tokenised(said, template, len(whole.input_ids)) == whole
    for cutoff in (len(whole.input_ids) - 1, first):
        assert tokenised(said, template, cutoff) == (whole.input_ids[:first], whole.weights[:first], 1, 1)
    assert tokenised(said, template, first - 1) == ([], [], 0, 2)


def test_a_conversation_with_nothing_to_learn_has_no_tokens() -> None:
    assert tokenised(example(*CONVERSATION, weights=(0,) * 5), template_of("chatml"), LIMIT) == ([], [], 0, 0)


def test_a_text_is_learned_whole_with_its_end() -> None:
    tokenizer, template = tokenizer_of("chatml"), template_of("chatml")
    tokens = tokenised(example_of_text("Turn 1 of 10."), template, LIMIT)
    assert tokenizer.decode(tokens.input_ids, skip_special_tokens=False) == "Turn 1 of 10.<|im_end|>"
    assert tokens.weights == [1.0] * len(tokens.input_ids)
    assert (tokens.learned, tokens.cut) == (1, 0)
    short = tokenised(example_of_text("Turn 1 of 10."), template, 3)
    assert short == (tokens.input_ids[:3], [1.0] * 3, 1, 1)


ROLES = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '<|im_end|>' }}{% endfor %}{{ 'assistant: ' if add_generation_prompt }}"
BAD = {
    "there is none": (None, "chat_template"),
    "no end": (ROLES.replace("<|im_end|>", "\n"), "could not learn to stop"),
    "changes what was said": (ROLES.replace("m['content']", "m['content'].upper()"), "not written as it was made"),
    "leaves earlier turns out": (ROLES.replace("in messages", "in messages[-3:]"), "does not go on"),
    "shows how far it is": ("{{ messages | length }} " + ROLES, "does not go on"),
    "leaves a message out": (ROLES.replace("in messages", "in messages if m['role'] != 'user'"), "left out"),
    "raises": ("{{ raise_exception('not this way') }}", "not this way"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_template_that_cannot_be_used_is_refused_by_name(fault: str) -> None:
    template, said = BAD[fault]
    tokenizer = tokenizer_of.__wrapped__("chatml")
    tokenizer.chat_template = template
    with pytest.raises(TemplateError, match=re.escape(said)) as refused:
        ChatTemplate(tokenizer, "models/mine")
    assert str(refused.value).startswith("models/mine: its chat template cannot be used: ")
    assert "chat_template.jinja" in str(refused.value)


def test_a_system_message_that_would_be_passed_over_goes_before_the_first_user_message_too() -> None:
    tokenizer = tokenizer_of.__wrapped__("chatml")
    tokenizer.chat_template = ROLES.replace("in messages", "in messages if m['role'] != 'system'")
    template = ChatTemplate(tokenizer, "mine")
    assert template.folded
    assert template.said(template.prompt(example(*CONVERSATION).spoken[:2])) == (
        "user: You are Ana.\nBooks are worth 5 to you.\n\nTurn 1 of 10.assistant: "
    )


@pytest.mark.parametrize("reply", ["Yes<|im_end|>no", "Yes<|im_start|>no"])
def test_a_reply_with_a_control_token_of_its_own_is_not_learned(reply: str) -> None:
    """None comes of a style, which writes them so that they are none; an example from elsewhere may hold one."""
    said = (*CONVERSATION[:2], ("assistant", reply))
    with pytest.raises(TemplateError, match=r"control token|as it was made"):
        tokenised(example(*said, weights=(0, 0, 1)), template_of("chatml"), LIMIT)


RELEASED = Path(__file__).parents[3] / "shared" / "data" / "sotopia_pi_sft_multiturn" / "together_test_clean.jsonl.gz"


@pytest.mark.skipif(not RELEASED.exists(), reason="the released training examples are not here")
def test_sotopia_pis_own_examples_are_learned_where_its_agent_speaks() -> None:
    """Real rows, written out for Llama 2: what lies between `[/INST]` and `</s>` is learned, in every one of them."""
    tokenizer, template, rows = tokenizer_of("llama-2"), template_of("llama-2"), 0
    with gzip.open(RELEASED, "rt", encoding="utf-8") as file:
        for line in file:
            parsed = _parsed(json.loads(line)["text"])
            tokens = tokenised(parsed, template, LIMIT)
            learned = [text for text, weight in runs(tokens, tokenizer) if weight]
            assert learned == [f" {said.content} </s>" for said in parsed.messages if said.role == "assistant"]
            rows += 1
    assert rows == 70


def _parsed(text: str) -> Example:
    system = re.match(r"<s>\[INST\] <<SYS>>\n(.*?)\n<</SYS>>\n\n", text, re.DOTALL)
    assert system is not None
    said = [("system", system[1].strip())]
    for turn in text[system.end() :].split("</s>"):
        asked, closed, reply = turn.removeprefix("<s>").removeprefix("[INST]").rpartition("[/INST]")
        if closed:
            said += [("user", asked.strip()), ("assistant", reply.strip())]
    return example(*said, weights=tuple(1.0 if role == "assistant" else 0.0 for role, _ in said))
