"""``python -m ageassure``: the command line (extra ``cli``)."""

from __future__ import annotations

from ageassure.cli import main

main()
