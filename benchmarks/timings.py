"""What the benchmarks of the verifier share: tokens to verify, and how times are summed up."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Final

from ageassure.results import AgeRequest, AssuranceLevel, MethodClass, Outcome
from ageassure.tokens import TokenIssuer

if TYPE_CHECKING:
    from ageassure.tokens import SigningKey

ISSUER: Final = "https://age.example"
AUDIENCE: Final = "https://shop.example"
NONCE: Final = "n" * 43

Json = dict[str, Any]


def issued(
    key: SigningKey, count: int, *, nonce: str = NONCE, tell_method: bool = False
) -> list[str]:
    """So many tokens of one issuer that answer the same request."""
    issuer = TokenIssuer(issuer=ISSUER, signing_key=key)
    request = AgeRequest(audience=AUDIENCE, nonce=nonce, age_over=18, tell_method=tell_method)
    answer: Json = {
        "outcome": Outcome.OVER,
        "method_class": MethodClass.ESTIMATION,
        "level": AssuranceLevel.ASSERTED,
    }
    return [issuer.issue(request, **answer) for _ in range(count)]


def spread(times: list[float], percents: tuple[int, ...] = (95,)) -> Json:
    """Least, median and some percentiles, in the unit of ``times``."""
    ordered = sorted(times)
    return {
        "min": round(ordered[0], 2),
        "median": round(statistics.median(ordered), 2),
        **{f"p{each}": round(ordered[len(ordered) * each // 100], 2) for each in percents},
    }
