"""How the age token vectors are made: an independent reading of the format.

Nothing here imports ``ageassure``: a mistake in the library must not repeat itself in the vectors
that are to find it. Only the standard library and ``cryptography`` are used.
"""
