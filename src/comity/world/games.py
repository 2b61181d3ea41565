"""All kinds of payoff, told apart by their `kind`."""

from typing import Annotated

from pydantic import Field

from comity.world.choices import Dilemma, Gift, MutualFriend, PublicGoods, Secret
from comity.world.deals import Contract, Division, Price

__all__ = ["Game"]

Game = Annotated[
    Division | Price | Contract | Dilemma | PublicGoods | MutualFriend | Secret | Gift, Field(discriminator="kind")
]
