"""How long a response may be used: the parts of RFC 9111 that a key client needs."""

from __future__ import annotations

import re
from typing import Final

# delta-seconds (RFC 9111, 1.2.2); ten digits hold 2**31, beyond which the RFC wants no more.
_SECONDS: Final = re.compile(r'"?([0-9]{1,10})"?', re.ASCII)
_NOT_TO_BE_KEPT: Final = frozenset({"no-store", "no-cache"})


def max_age_seconds(cache_control: str | None, age: str | None) -> int | None:
    """Seconds for which the response is still fresh, or None if it does not say.

    ``no-store`` and ``no-cache`` count as 0. ``Expires`` and ``Date`` are not read: they would
    make keys depend on two clocks.

    Args:
        cache_control: The header ``Cache-Control``; several are joined by commas.
        age: The header ``Age``: how long a cache on the way has kept the response.
    """
    lowest: int | None = None
    for directive in (cache_control or "").lower().split(","):
        name, _, value = directive.strip().partition("=")
        seconds = _SECONDS.fullmatch(value.strip())
        if name.strip() in _NOT_TO_BE_KEPT:
            lowest = 0
        elif name.strip() == "max-age" and seconds is not None:
            told = int(seconds[1])
            lowest = told if lowest is None else min(lowest, told)
    kept = _SECONDS.fullmatch((age or "").strip())
    if lowest is None or kept is None:
        return lowest
    return max(0, lowest - int(kept[1]))
