"""``ageassure keys``: make an issuer's signing key and the key set it publishes."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ageassure.cli.output import command_with_json, emit
from ageassure.errors import ConfigurationError
from ageassure.tokens import SigningKey
from ageassure.tokens.clock import utc_now
from ageassure.tokens.keys.files import reason_of
from ageassure.tokens.keys.ring import KeyRing
from ageassure.tokens.publication import publication_files, write_publication

if TYPE_CHECKING:
    from collections.abc import Callable

    from ageassure.tokens.keys.ring_file import RingEntry

_Command = TypeVar("_Command", bound="Callable[..., Any]")


@click.group()
def keys() -> None:
    """Signing keys of an issuer."""


@keys.command()
@click.option(
    "--key",
    "key_path",
    type=click.Path(path_type=Path),
    required=True,
    help="Where the private key goes (PEM, readable by you alone).",
)
@click.option(
    "--jwks",
    "jwks_path",
    type=click.Path(path_type=Path),
    required=True,
    help="Where the public JWK Set goes.",
)
@command_with_json
def generate(key_path: Path, jwks_path: Path, *, as_json: bool) -> None:
    """Make an ES256 key. Existing files are never overwritten."""
    if os.path.lexists(jwks_path):
        raise ConfigurationError(f"{jwks_path} exists and is not overwritten")
    key = SigningKey.generate()
    key.save(key_path)
    reason: str | None = None
    try:
        with jwks_path.open("x", encoding="utf-8") as file:
            json.dump(key.public_set().to_dict(), file, indent=2)
            file.write("\n")
    except (OSError, ValueError) as error:
        reason = reason_of(error)
    if reason is not None:
        key_path.unlink()
        raise ConfigurationError(f"cannot write {jwks_path}: {reason}")
    emit(
        {"kid": key.kid, "alg": key.alg, "key": str(key_path), "jwks": str(jwks_path)},
        [f"private key  {key_path}", f"public set   {jwks_path}", f"kid          {key.kid}"],
        as_json=as_json,
    )


def _ring(*, exists: bool, text: str) -> Callable[[_Command], _Command]:
    kind = click.Path(exists=exists, file_okay=False, path_type=Path)
    return click.option("--ring", "folder", type=kind, required=True, help=text)


RING = _ring(exists=True, text="The folder of the key ring.")
NEW_RING = _ring(exists=False, text="The folder of the key ring; made if it is not there.")


def _now() -> int:
    return int(utc_now().timestamp())


def _told(entry: RingEntry) -> dict[str, Any]:
    return {
        "kid": entry.kid,
        "alg": entry.alg,
        "state": entry.state(_now()),
        "signs_from": entry.signs_from,
        "signs_until": entry.signs_until,
        "published_until": entry.published_until,
    }


def _time(seconds: int | None) -> str:
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


@keys.command("list")
@RING
@command_with_json
def list_keys(folder: Path, *, as_json: bool) -> None:
    """Show the ring's keys with their states: waiting, signing, leaving, expired."""
    told = [_told(entry) for entry in KeyRing(folder).entries]
    lines = [
        f"{key['kid']}  {key['alg']}  {key['state']:<8}  "
        + (
            "not published yet"
            if key["signs_from"] is None
            else f"signs {_time(key['signs_from'])} to {_time(key['signs_until'])}, "
            f"published to {_time(key['published_until'])}"
        )
        for key in told
    ]
    emit({"keys": told}, lines or ["the ring is empty"], as_json=as_json)


@keys.command()
@NEW_RING
@command_with_json
def rotate(folder: Path, *, as_json: bool) -> None:
    """Make a new key; once published, it signs when every relying party has it."""
    entry = KeyRing(folder).rotate(_now())
    begins = "waits to be published" if entry.signs_from is None else "signs from now"
    emit(_told(entry), [f"{entry.kid} {begins}; publish the ring's set now"], as_json=as_json)


# One kid in 64 begins with a hyphen, and is no option.
@keys.command(context_settings={"ignore_unknown_options": True})
@click.argument("kid")
@click.option(
    "--compromised",
    is_flag=True,
    help="Remove it at once, whatever its state; another key signs from now on.",
)
@RING
@command_with_json
def retire(kid: str, folder: Path, *, compromised: bool, as_json: bool) -> None:
    """Remove the key KID, whose last token has expired, and delete its file."""
    ring = KeyRing(folder)
    if compromised:
        ring.retire_compromised(kid, _now())
    else:
        ring.retire(kid, _now())
    lines = [f"{kid} is gone"]
    if compromised:
        lines.append("publish the ring's set now, restart the signers, tell relying parties")
    emit({"retired": kid, "compromised": compromised}, lines, as_json=as_json)


@keys.command()
@RING
@click.option("--issuer", required=True, help="Your own name in the token, an https URL.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder that is served as this URL.",
)
@command_with_json
def publish(folder: Path, issuer: str, out: Path, *, as_json: bool) -> None:
    """Write the ring's JWK Set and the metadata document as static files.

    A new key's time to sign is counted from the first time that it is among them.
    """
    ring = KeyRing(folder)
    key_set = ring.key_set(_now())
    written = write_publication(out, publication_files(issuer=issuer, key_set=key_set))
    noted = ring.note_published(key_set, _now())
    lines = written or ["nothing has changed"]
    if noted is not None:
        lines = [*lines, f"{noted.kid} signs from {_time(noted.signs_from)}"]
    emit({"written": written}, lines, as_json=as_json)
