"""``ageassure keys``: make an issuer's signing key and the key set it publishes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ageassure.cli.output import command_with_json, emit
from ageassure.errors import ConfigurationError
from ageassure.tokens import SigningKey


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
    if jwks_path.exists():
        raise ConfigurationError(f"{jwks_path} exists and is not overwritten")
    key = SigningKey.generate()
    key.save(key_path)
    try:
        with jwks_path.open("x", encoding="utf-8") as file:
            json.dump(key.public_set().to_dict(), file, indent=2)
            file.write("\n")
    except OSError as error:
        reason = error.strerror
    else:
        reason = None
    if reason is not None:
        key_path.unlink()
        raise ConfigurationError(f"cannot write {jwks_path}: {reason}")
    emit(
        {"kid": key.kid, "alg": key.alg, "key": str(key_path), "jwks": str(jwks_path)},
        [f"private key  {key_path}", f"public set   {jwks_path}", f"kid          {key.kid}"],
        as_json=as_json,
    )
