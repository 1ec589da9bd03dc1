"""Sign age tokens with a key that never leaves a hardware module, through PKCS #11.

    softhsm2-util --init-token --free --label ages        # or your module's own tool
    export AGE_HSM_PIN=…
    module=/usr/lib/softhsm/libsofthsm2.so
    python examples/pkcs11_signer.py --module $module --token ages --key issuer-1 --generate

Makes an ES256 key in the module (with --generate), signs one token with it, and verifies that.
Needs ``pip install python-pkcs11`` and a module's library. The PIN comes from the environment
variable AGE_HSM_PIN, or is asked for; it is neither kept nor shown.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from datetime import UTC, datetime
from getpass import getpass
from hashlib import sha256
from threading import Lock

import pkcs11
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from ageassure import AgeRequest, JWKSet, MethodClass, Outcome, TokenIssuer, TokenVerifier
from ageassure.results import AssuranceLevel
from ageassure.tokens import PublicJWK
from ageassure.verifier import MemoryReplayStore


class ModuleError(Exception):
    """The module did not do what was asked. Says what, never with which PIN."""


class Pkcs11Signer:
    """A P-256 key in a PKCS #11 module, behind the protocol that ``TokenIssuer`` asks for.

    Safe for threads: one signature at a time. Not for use after a ``fork``: make it in the process
    that signs.

    Args:
        module: Path of the module's library.
        token_label: Which token.
        key_label: Which key pair on it.
        pin: The user's PIN; used once.

    Raises:
        ModuleError: If the module, the token or the key is not there, or the PIN is wrong.
    """

    def __init__(self, *, module: str, token_label: str, key_label: str, pin: str) -> None:
        session = _session(module, token_label, pin)
        self._private, der = _key_pair(session, key_label)
        self._session = session  # logged in for as long as it is open
        self._lock = Lock()
        self.public = PublicJWK.from_key(load_der_public_key(der), alg="ES256")  # type: ignore[arg-type]
        self.kid = self.public.kid
        self.alg = self.public.alg

    def sign(self, data: bytes) -> bytes:
        """ES256 in JOSE form: CKM_ECDSA gives r and s of 32 bytes each, as JOSE wants them."""
        # The digest is made here: CKM_ECDSA_SHA256 is not in every module.
        digest = sha256(data).digest()
        denied = False
        try:
            with self._lock:
                return bytes(self._private.sign(digest, mechanism=pkcs11.Mechanism.ECDSA))
        except pkcs11.PKCS11Error as error:
            denied = isinstance(
                error, (pkcs11.PinLocked, pkcs11.PinExpired, pkcs11.UserNotLoggedIn)
            )
        # The library tells its operator which of the two it was, and nothing of the module's text.
        raise PermissionError if denied else ConnectionError

    def close(self) -> None:
        """Log out."""
        self._session.close()

    def __repr__(self) -> str:
        return f"<Pkcs11Signer kid={self.kid}>"


def generate_key(*, module: str, token_label: str, key_label: str, pin: str) -> None:
    """Make a P-256 key pair in the module; its private half cannot be read out.

    Raises:
        ModuleError: If the module or the token is not there, the PIN is wrong, the label is taken,
            or the module makes no such key.
    """
    session = _session(module, token_label, pin, writes=True)
    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    hidden = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}
    try:
        if list(session.get_objects({pkcs11.Attribute.LABEL: key_label})):
            raise ModuleError("got a label that the token has already, expected another")
        parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
        parameters.generate_keypair(label=key_label, store=True, private_template=hidden)
    except pkcs11.PKCS11Error as error:
        raise ModuleError(f"cannot make a key pair: {type(error).__name__}") from None
    finally:
        session.close()


def _session(module: str, token_label: str, pin: str, *, writes: bool = False) -> pkcs11.Session:
    reason = ""
    try:
        token = pkcs11.lib(module).get_token(token_label=token_label)
        return token.open(user_pin=pin, rw=writes)
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        reason = type(error).__name__
    # Raised here, where no traceback leads into the frames that hold the PIN.
    del pin
    raise ModuleError(f"cannot open the token: {reason}")


def _key_pair(session: pkcs11.Session, label: str) -> tuple[pkcs11.PrivateKey, bytes]:
    """The private key's handle, and the public key as DER."""
    reason = ""
    try:
        keys = [
            session.get_key(object_class=kind, key_type=pkcs11.KeyType.EC, label=label)
            for kind in (pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.ObjectClass.PUBLIC_KEY)
        ]
        return keys[0], encode_ec_public_key(keys[1])
    except pkcs11.PKCS11Error as error:
        reason = type(error).__name__
    session.close()
    raise ModuleError(f"cannot use the key pair: {reason}")


def show(signer: Pkcs11Signer) -> None:
    """Sign one token, and verify it as a platform would."""
    issuer = TokenIssuer(issuer="https://age.example", signing_key=signer)
    request = AgeRequest(
        audience="https://shop.example", nonce=secrets.token_urlsafe(32), age_over=18
    )
    token = issuer.issue(
        request,
        outcome=Outcome.OVER,
        method_class=MethodClass.VERIFICATION,
        level=AssuranceLevel.STANDARD,
    )
    verifier = TokenVerifier(
        issuers={issuer.issuer: JWKSet(keys=(signer.public,))},
        audience=request.audience,
        replay_store=MemoryReplayStore(),
        now=lambda: datetime.now(UTC),
    )
    verified = verifier.verify(token, nonce=request.nonce, age_over=18)
    print(f"signed by {signer!r}, verified: {verified.proven_limit} or over")


def main() -> int:
    """Sign and verify one token with a key in a module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--module", required=True, help="path of the PKCS #11 library")
    parser.add_argument("--token", required=True, help="label of the token")
    parser.add_argument("--key", required=True, help="label of the key pair")
    parser.add_argument("--generate", action="store_true", help="make the key pair first")
    arguments = parser.parse_args()
    pin = os.environ.pop("AGE_HSM_PIN", "") or getpass("PIN: ")
    names = {
        "module": arguments.module,
        "token_label": arguments.token,
        "key_label": arguments.key,
    }
    try:
        if arguments.generate:
            generate_key(**names, pin=pin)
        signer = Pkcs11Signer(**names, pin=pin)
    except ModuleError as error:
        print(error, file=sys.stderr)
        return 1
    show(signer)
    signer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
