"""What customers pay."""


class Cart:
    """Goods that somebody wants to buy."""

    def discounted_total(self, percent: float) -> float:
        """The sum that is left after a rebate."""
        return sum(self.prices) * (1 - percent / 100)
