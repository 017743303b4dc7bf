"""The ledger's accounts, as names. A wallet has a row; every other account belongs to the house and is the sum of its
transfers.
"""

HOUSE_LOSS = "house_loss"
"""What the house bears: the part of a price beyond its hold, and calls whose end nobody saw."""
PROMO = "promo"
"""Credit given away."""
PAYMENTS = "payments"
"""Money that came in from outside, or went back."""


def name_wallet(workspace_id: str) -> str:
    """The account of a workspace's wallet."""
    return f"wallet:{workspace_id}"


def name_revenue(model: str) -> str:
    """What calls of a model, by the name callers use, have brought in."""
    return f"revenue:{model}"


def name_cost(provider: str) -> str:
    """What serving through a provider has cost."""
    return f"provider_cost:{provider}"


def name_payable(provider: str) -> str:
    """What the house owes a provider: the other side of its cost."""
    return f"payable:{provider}"
