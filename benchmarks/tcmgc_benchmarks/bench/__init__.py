"""``tcmgc bench``: what scoring costs, measured beside what it is compared with."""
