"""``tcmgc bench cost``: what every recipe's scoring costs."""
