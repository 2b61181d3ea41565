"""Finds what is wrong with characters, relationships and scenarios: leaks, names and genders baked in, casts that cannot be, duplicates.

Rules look at typed records and at words, never at a model's opinion; each is a function whose docstring says what it finds.
What is an error must not be shipped or accepted; a warning is for a reader to decide.
"""

from comity.library.lint import casts, duplicates, fields, leaks, minors, payoffs, people, renown
from comity.library.lint.findings import Embedder, Finding, Level, Rule, Shelf
from comity.world.collection import Collection

__all__ = ["RULES", "Embedder", "Finding", "Level", "Rule", "lint"]

RULES = (
    Rule("error", leaks.leaked_number),
    Rule("error", leaks.leaked_phrase),
    Rule("error", leaks.leaked_fact),
    Rule("error", leaks.told_publicly),
    Rule("error", leaks.told_payoff),
    Rule("error", leaks.told_secret),
    Rule("error", leaks.told_judge_note),
    Rule("warning", leaks.told_to_both),
    Rule("warning", leaks.retold_goal),
    Rule("warning", leaks.tells_mind),
    Rule("error", people.named_character),
    Rule("error", people.named_party),
    Rule("warning", people.named_by_two),
    Rule("error", people.gendered_party),
    Rule("error", people.gendered_pronoun),
    Rule("warning", people.gendered_tie),
    Rule("error", minors.minor_character),
    Rule("error", minors.minor_party),
    Rule("warning", minors.minor_hint),
    Rule("error", renown.real_person),
    Rule("warning", renown.brand),
    Rule("error", casts.uncastable),
    Rule("error", casts.broken_cast),
    Rule("error", casts.repeated_cast),
    Rule("error", casts.few_turns),
    Rule("error", casts.wordless),
    Rule("warning", casts.few_casts),
    Rule("warning", casts.casts_alike),
    Rule("warning", casts.often_cast),
    Rule("warning", casts.never_cast),
    Rule("warning", casts.no_private_messages),
    Rule("error", payoffs.flat_payoff),
    Rule("error", payoffs.deaf_payoff),
    Rule("warning", payoffs.needless_deal),
    Rule("warning", payoffs.contradicts_payoff),
    Rule("warning", payoffs.unexplained_payoff),
    Rule("error", duplicates.taken_id),
    Rule("error", duplicates.same_name),
    Rule("error", duplicates.near_duplicate),
    Rule("error", duplicates.same_meaning),
    Rule("warning", duplicates.same_goal),
    Rule("warning", duplicates.same_frame),
    Rule("warning", duplicates.same_goal_frame),
    Rule("warning", duplicates.stock_opening),
    Rule("error", fields.leftover),
    Rule("error", fields.speaks_of_models),
    Rule("error", fields.hidden_text),
    Rule("warning", fields.speaks_to_all),
    Rule("warning", fields.missing_field),
    Rule("warning", fields.no_licence),
    Rule("warning", fields.out_of_measure),
)
"""All rules, in the order in which their findings come."""


def lint(
    collection: Collection, *, embed: Embedder | None = None, against: Collection | None = None
) -> tuple[Finding, ...]:
    """What is wrong, or may be, with the records of a collection, errors first.

    `against` holds records that are not looked at themselves: what is new must not repeat them, and their characters can be
    cast. `embed` finds near-duplicates by meaning as well as by words.
    """
    shelf = Shelf(collection, against or Collection(), embed)
    found = (Finding(rule.name, rule.level, *each) for rule in RULES for each in rule.check(shelf))
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: finding.level))
