"""What models write in the tests: replies that are good, and replies with one fault each; and models that give them, by the idea they are asked about."""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from comity.library import starter
from comity.models.protocol import Message, Sampling, Schema
from comity.models.scripted import ScriptedModel
from comity.world.scenarios import Scenario

__all__ = [
    "CHARACTERS",
    "REFUSAL",
    "SCENARIOS",
    "answering",
    "asked_about",
    "changed",
    "ideas_file",
    "leaking",
    "model",
    "repeating",
    "tie",
]

Reply = dict[str, Any]

REFUSAL = "I'm sorry, but I can't help with that."

SCENARIOS: Mapping[str, Reply] = {
    "a piano on the stairs": {
        "conflict": "the stairs are needed tonight, and the piano can go neither up nor down without risk",
        "way_out": "the tenant helps to lift and the owner pays for the broken banister",
        "title": "Stuck below the third",
        "setting": "Between two floors an upright piano has wedged itself into the turn of a staircase. It is half past eight on a weekday evening, the movers have gone off to eat, and nobody can get past.",
        "seats": [
            {
                "seat": "owner",
                "role": "the owner of the piano",
                "goal": "Have the instrument in your own room before midnight, in one piece and still in tune.",
                "extra_info": "You borrowed money for the movers from a sibling who does not know what for. The soundboard already has a crack, and one more knock would open it.",
            },
            {
                "seat": "tenant",
                "role": "the tenant who cannot get by",
                "goal": "Reach your kitchen within the half hour, whatever it takes, and find the way free in the morning.",
                "extra_info": "A pot of broth simmers on your stove and you have told no one. In March you signed a letter against music after dark.",
            },
        ],
        "relationships": ["stranger", "acquaintance"],
    },
    "frost over the apricots": {
        "conflict": "one tanker of heating oil cannot keep two orchards from freezing",
        "way_out": "they light the lower rows of both and give up the upper ones",
        "title": "Two degrees before dawn",
        "setting": "A tanker stands with its lamps on at the gate between two orchards in blossom. The thermometer on the gatepost falls by the hour, and its driver wants to know into whose burners the hose should go.",
        "seats": [
            {
                "seat": "upper",
                "role": "the grower of the upper orchard",
                "goal": "Bring the old trees on the slope through this night, for without a crop you will have to sell them.",
                "extra_info": "Half of your burners leak, which you found out at dusk. A buyer for the land has been ringing since Easter.",
            },
            {
                "seat": "lower",
                "role": "the grower of the lower orchard",
                "goal": "Your young grafts should wake up alive, and stay on speaking terms with whoever owns the slope.",
                "extra_info": "Cold air pools in your hollow, so yours would freeze first. You paid for last year's oil alone and never asked for a share.",
            },
        ],
        "relationships": [],
    },
    "a ring in the dough": {
        "conflict": "the batch must be sold by six, and somewhere in it is a ring that is worth more than the batch",
        "way_out": "they break the loaves by weight until it turns up and share the loss",
        "title": "Ninety warm loaves",
        "setting": "Ninety loaves cool on the racks of a bakehouse, and the first customers are due when it gets light. A helper's finger is bare that wore a ring at midnight.",
        "seats": [
            {
                "seat": "helper",
                "role": "the helper with the bare finger",
                "goal": "Find what you have lost before any bread leaves the house, and keep your place at this table.",
                "extra_info": "It belonged to a grandparent and was to be pawned on Monday for your rent. You took off your gloves against the rules.",
            },
            {
                "seat": "boss",
                "role": "the one who runs the bakehouse",
                "goal": "Deliver every order on time and whole, and lose neither a customer nor a good pair of hands.",
                "extra_info": "The hospital's kitchen will cancel after one more late van. An inspector fined you in autumn over a hairpin.",
            },
        ],
        "relationships": ["acquaintance", "friend", "family"],
    },
    "the last bus shelter": {
        "conflict": "there is one dry bench and three tired people who each have a reason to lie down",
        "way_out": "they sleep in turns by the clock, the youngest on the floor",
        "title": "Bench for one",
        "setting": "Hail drums on the tin of a shelter far out on a country road. Until the early bus there are seven hours, one bench, a paraffin lamp, and three people who missed the late one.",
        "seats": [
            {
                "seat": "walker",
                "role": "the walker with the rucksack",
                "goal": "Get five hours flat on your back, since you still have a mountain pass ahead of you.",
                "extra_info": "Your knee is swollen and you have hidden it all day. There is a thin mat in the rucksack that nobody has seen.",
            },
            {
                "seat": "singer",
                "role": "the singer in evening dress",
                "goal": "Keep warm and keep your voice, and owe nothing to anybody when it gets light.",
                "extra_info": "At noon an opera house will hear you for the first time in nine years. The throat has been sore since lunch.",
            },
            {
                "seat": "nurse",
                "role": "the nurse off duty",
                "goal": "Stay awake as little as possible without leaving anyone worse off than you found them.",
                "extra_info": "Two double shifts lie behind you. In your pocket are tablets that would help one of the others, and they are not yours to give.",
            },
        ],
        "relationships": [],
    },
}
"""By the idea."""

CHARACTERS: Mapping[str, Reply] = {
    "a clock mender who is late": {
        "name": "Oluf Brandis",
        "age": 58,
        "gender": "man",
        "pronouns": "he/him",
        "occupation": "restorer of tower clocks",
        "public_info": "Oluf climbs into steeples with a rucksack of brass and oil. His own watch has no hands.",
        "personality": "He listens to rooms before he listens to people. A promise of his holds, only never at the hour that was named. Flattery makes him drowsy.",
        "big_five": dict.fromkeys(
            ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism"), "medium"
        ),
        "moral_values": ["loyalty"],
        "schwartz_values": ["tradition", "benevolence"],
        "decision_style": "conceptual",
        "secret": "He set the town hall's chime four minutes slow on purpose and has enjoyed it for a decade.",
    },
    "a singer at weddings": {
        "name": "Tamsin Ferrante",
        "age": 33,
        "gender": "woman",
        "pronouns": "she/her",
        "occupation": "wedding singer",
        "public_info": "Tamsin sings in tents from May to October and sells jam the rest of the year. Everybody has danced to her once.",
        "personality": "Applause embarrasses her and silence frightens her. She bargains like a horse dealer, gives away the profit, and is cross with whoever notices.",
        "big_five": dict.fromkeys(
            ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism"), "high"
        ),
        "moral_values": ["care", "liberty", "care"],
        "schwartz_values": ["stimulation"],
        "decision_style": "behavioral",
        "secret": "Since winter she has heard a whistle in her left ear that drowns the high notes.",
    },
}


BACKGROUNDS = {
    "a cup": "They drank from one chipped mug through a power cut, and neither has asked for it back.",
    "a coat left at the ferry": "He ran after the boat with a stranger's raincoat; she had seen him wave and thought it was for someone else.",
}


def changed(reply: Reply, **fields: object) -> Reply:
    """The reply with other fields."""
    return deepcopy(reply) | fields


def leaking() -> Reply:
    """A scenario in which one seat is told what only the other knows."""
    reply = deepcopy(SCENARIOS["a piano on the stairs"])
    reply["title"] = "Broth and strings"
    reply["seats"][0]["goal"] = (
        "Make the tenant wait: a pot of broth simmers on the stove up there, and nobody has been told."
    )
    return reply


def repeating(id_: str = "bare_bulb") -> Reply:
    """A scenario of the shipped library under another title."""
    scenario = next(each for each in starter().scenarios if each.id == id_)
    return as_reply(scenario) | {"title": "An old acquaintance"}


def as_reply(scenario: Scenario) -> Reply:
    seats = [{"seat": s.id, "role": s.role, "goal": s.goal, "extra_info": s.extra_info} for s in scenario.seats]
    told = {"conflict": "one flat for two", "way_out": "both of them take it", "title": scenario.title}
    return {**told, "setting": scenario.setting, "seats": seats, "relationships": list(scenario.relationships)}


def tie(prompt: str, idea: str, kind: str = "friend") -> Reply:
    """A relationship between the first two people of a prompt who have none."""
    ids = [line[2:].partition(":")[0] for line in prompt.split("# The people")[1].splitlines() if line.startswith("- ")]
    tied = prompt.partition("Already tied")[2].partition("\n")[0]
    one, other = next((a, b) for a in ids for b in ids if a < b and f"{a} and {b}" not in tied)
    return {"pair": f"{one} and {other}", "kind": kind, "background": BACKGROUNDS[idea]}


def ideas_file(folder: Path, ideas: Sequence[str], family: str = "conflict") -> Path:
    """A file of these ideas."""
    file = folder / "ideas.toml"
    file.write_text(f"{family} = {json.dumps(list(ideas))}\n", "utf-8")
    return file


def asked_about(prompt: str) -> str:
    """The idea that a prompt is about."""
    return str(json.loads(prompt.rpartition("# The idea\n")[2].partition("\n")[0]))


Answer = Callable[[str, int], str]
"""From an idea and the number of the attempt to a reply."""


def answering(replies: Mapping[str, object]) -> Answer:
    """The reply of an idea; of a list the one of the attempt, of a function what it makes of the attempt; JSON unless it is text."""

    def answer(idea: str, attempt: int) -> str:
        found = replies[idea]
        if isinstance(found, list):
            found = found[attempt - 1]
        return found if isinstance(found, str) else json.dumps(found)

    return answer


def model(answer: Answer, heard: list[tuple[str, int]] | None = None, name: str = "scripted:own") -> ScriptedModel:
    """A model that answers so, and writes down what it was asked."""

    def script(messages: Sequence[Message], schema: Schema | None, sampling: Sampling) -> str:
        attempt = sum(message.role == "assistant" for message in messages) + 1
        idea = asked_about(messages[1].content)
        if heard is not None:
            heard.append((idea, attempt))
        return answer(idea, attempt)

    return ScriptedModel(script, name=name)
