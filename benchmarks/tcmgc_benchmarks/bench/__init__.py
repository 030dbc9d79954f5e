"""``tcmgc bench``: how fast things are on this machine, against the plain way of doing them."""
