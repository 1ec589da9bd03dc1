"""``ageassure estimate`` and ``ageassure issue``: what a picture says, and a token made from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ageassure import estimators
from ageassure.cli.output import ExitStatus, command_with_json, emit, status_of
from ageassure.errors import AgeAssuranceError, ConfigurationError
from ageassure.files import read_at_most
from ageassure.policy import (
    Binding,
    MemoryAttemptStore,
    Policy,
    PresentationAttackRule,
    explain,
)
from ageassure.provider import Provider, RelyingParty
from ageassure.results import AgeRequest, Direction, MethodClass
from ageassure.tokens import SigningKey, TokenIssuer
from ageassure.tokens.clock import utc_now
from ageassure.wiping import Wiping

if TYPE_CHECKING:
    from ageassure.estimators import FacialAgeEstimator
    from ageassure.results import AgeEstimate

SHOWN_COVERAGE = 0.9
SHOWN_LIMITS = (13, 16, 18, 21)
DEFAULT_ALPHA = 0.01


def read_picture(path: Path) -> bytearray:
    """A picture file's bytes, in a buffer that the estimator wipes, and of which there is no copy.

    Raises:
        ConfigurationError: If it cannot be read, or is no regular file.
        PictureError: ``picture_too_large``; no more is read than it takes to see that.
    """
    from ageassure.imaging.header import MAX_FILE_BYTES, too_large

    picture, reason = bytearray(), None
    try:
        picture = read_at_most(path, MAX_FILE_BYTES + 1)
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise ConfigurationError(f"cannot read {path}: {reason}")
    if len(picture) > MAX_FILE_BYTES:
        with Wiping(picture):
            raise too_large(f"got more than {MAX_FILE_BYTES} bytes")
    return picture


def facial_policy(estimator: FacialAgeEstimator, *, age_limit: int, alpha: float) -> Policy:
    """The policy of the command line: one attempt, the estimator's own earned challenge age.

    No presentation-attack model ships, so an unevaluated presentation attack is accepted here and
    the assurance level is no higher than "asserted".

    Raises:
        ConfigurationError: If the estimator has no challenge age for this limit and error.
    """
    return Policy(
        age_limit=age_limit,
        direction=Direction.OVER,
        methods=frozenset({MethodClass.ESTIMATION}),
        binding=Binding.REQUIRED,
        presentation_attack=PresentationAttackRule.UNEVALUATED_ACCEPTED,
        over=estimator.challenge_age(age_limit, alpha=alpha),
        under=None,
        session_alpha=alpha,
        max_attempts=1,
    )


def described(estimate: AgeEstimate) -> dict[str, Any]:
    """What an estimate says, as data to be shown to the person who asked for it."""
    return {
        "mean_years": estimate.mean_years,
        "interval_90_percent": list(estimate.interval(SHOWN_COVERAGE)),
        "probability_at_or_over": {
            str(limit): estimate.probability_at_or_over(limit) for limit in SHOWN_LIMITS
        },
        "method_class": estimate.method_class,
        "presentation_attack": estimate.presentation_attack,
    }


def _line(picture: str, found: dict[str, Any]) -> str:
    if "error" in found:
        return f"{picture}: {found['message']} ({found['error']})"
    low, high = found["interval_90_percent"]
    chances = ", ".join(
        f"P(≥ {limit}) = {chance:.3f}" for limit, chance in found["probability_at_or_over"].items()
    )
    return f"{picture}: {found['mean_years']:.1f} years, 90 % in [{low}, {high}), {chances}"


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@command_with_json
def estimate(images: tuple[Path, ...], *, as_json: bool) -> None:
    """Print what the face in each of IMAGES says about an age. This is personal data."""
    estimator = estimators.FacialAgeEstimator()
    found: list[dict[str, Any]] = []
    worst = ExitStatus.DONE
    for path in images:
        try:
            found.append(described(estimator.estimate(read_picture(path))))
        except AgeAssuranceError as error:
            found.append({"error": error.code, "message": str(error)})
            worst = max(worst, status_of(error))
    names = [str(path) for path in images]
    emit(
        {"estimates": [{"picture": n, **f} for n, f in zip(names, found, strict=True)]},
        [_line(n, f) for n, f in zip(names, found, strict=True)],
        as_json=as_json,
    )
    raise SystemExit(worst)


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--audience", required=True, help="The relying party that asks.")
@click.option("--nonce", required=True, help="Its challenge, 22 to 128 of [A-Za-z0-9_-].")
@click.option("--age-over", type=int, required=True, help="The age limit it asks about.")
@click.option(
    "--key",
    "key_path",
    type=click.Path(path_type=Path),
    required=True,
    envvar="AGEASSURE_KEY",
    help="The private key (PEM), see: ageassure keys generate.",
)
@click.option(
    "--issuer",
    required=True,
    envvar="AGEASSURE_ISSUER",
    help="Your own name in the token, an https URL.",
)
@click.option(
    "--alpha",
    type=float,
    default=DEFAULT_ALPHA,
    show_default=True,
    help="Share of the protected band that may be let through.",
)
@command_with_json
def issue(
    image: Path,
    audience: str,
    nonce: str,
    age_over: int,
    key_path: Path,
    issuer: str,
    alpha: float,
    *,
    as_json: bool,
) -> None:
    """Assess the face in IMAGE and sign an age token if the policy says OVER.

    Liveness is not evaluated: a printed photograph of an adult will do. For trying out, and for
    pictures whose origin you know.
    """
    request = AgeRequest(audience=audience, nonce=nonce, age_over=age_over)
    estimator = estimators.FacialAgeEstimator()
    provider = Provider(
        estimators={"face": estimator},
        policies=[facial_policy(estimator, age_limit=age_over, alpha=alpha)],
        issuer=TokenIssuer(issuer=issuer, signing_key=SigningKey.load(key_path)),
        relying_parties=[RelyingParty(audience=audience)],
        attempt_store=MemoryAttemptStore(now=utc_now),
    )
    result = provider.assess(read_picture(image), request)
    document = {
        "outcome": result.outcome,
        "reasons": list(result.reasons),
        "method_class": result.method_class,
        "assurance_level": result.assurance_level,
        "token": result.token,
    }
    if result.token is None:
        emit(document, [f"{result.outcome}: no token", *explain(result)], as_json=as_json)
        raise SystemExit(ExitStatus.INCONCLUSIVE)
    emit(document, [result.token], as_json=as_json)
