"""Data of the chip in a passport or identity card, and the signature that vouches for it.

Passive authentication as in ICAO Doc 9303 (eighth edition), parts 10 to 12.
"""
