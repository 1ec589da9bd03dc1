"""Private keys that sign age tokens."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, Protocol, final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ageassure.errors import ConfigurationError, KeySetError
from ageassure.tokens import strict_json
from ageassure.tokens.keys.files import read_private_file, write_private_file
from ageassure.tokens.keys.key_set import JWKSet
from ageassure.tokens.keys.private_jwk import PrivateKey, private_key_of, private_members
from ageassure.tokens.keys.public import SECRET_MEMBERS, PublicJWK, jwk_thumbprint

if TYPE_CHECKING:
    import os

RSA_BITS: Final = 3072
"""Size of RSA keys made here: 128 bits of security (NIST SP 800-57, part 1, table 2)."""

MAX_PASSWORD_BYTES: Final = 1023
"""OpenSSL's own limit."""


class Signer(Protocol):
    """What signs: a :class:`SigningKey`, or a service that never hands its key out."""

    @property
    def public(self) -> PublicJWK:
        """The public half."""
        ...

    @property
    def kid(self) -> str:
        """RFC 7638 thumbprint of the public key."""
        ...

    @property
    def alg(self) -> str:
        """JWS name of the algorithm."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Signature in JOSE form (for ES256 r and s of 32 bytes each, RFC 7518, 3.4)."""
        ...


@final
class SigningKey:
    """A private key in memory. Shown by ``kid`` and ``alg`` only, neither pickled nor copied.

    Python cannot wipe it: it stays in memory until the process ends. Keep a provider's key in a
    service of its own (:class:`Signer`) where that matters.

    Args:
        key: P-256, RSA or Ed25519 private key of ``cryptography``.
        alg: Needed for RSA (``PS256`` or ``RS256``); else it follows from the key.

    Raises:
        KeySetError: If the key is of another type or weak, or ``alg`` is missing or not for it.
    """

    __slots__ = ("_key", "_public")

    def __init__(self, key: PrivateKey, *, alg: str | None = None) -> None:
        if isinstance(key, ec.EllipticCurvePrivateKey):
            alg = alg or "ES256"
        elif isinstance(key, ed25519.Ed25519PrivateKey):
            alg = alg or "EdDSA"
        elif not isinstance(key, rsa.RSAPrivateKey):
            raise KeySetError("got another type of key, expected P-256, RSA or Ed25519")
        if alg is None:
            raise KeySetError("got an RSA key without alg, expected PS256 or RS256")
        self._key = key
        self._public = PublicJWK.from_key(key.public_key(), alg=alg)

    @classmethod
    def generate(cls, alg: str = "ES256") -> SigningKey:
        """Make a new key for ``ES256``, ``EdDSA`` (or ``Ed25519``), ``PS256`` or ``RS256``.

        Raises:
            KeySetError: If ``alg`` is another.
        """
        if alg == "ES256":
            return cls(ec.generate_private_key(ec.SECP256R1()), alg=alg)
        if alg in ("EdDSA", "Ed25519"):
            return cls(ed25519.Ed25519PrivateKey.generate(), alg=alg)
        if alg in ("PS256", "RS256"):
            return cls(rsa.generate_private_key(65537, RSA_BITS), alg=alg)
        raise KeySetError("got another alg, expected ES256, EdDSA, Ed25519, PS256 or RS256")

    @classmethod
    def from_pem(
        cls, pem: bytes, password: bytes | None = None, *, alg: str | None = None
    ) -> SigningKey:
        """Read a PEM private key (PKCS #8 or the older forms).

        Args:
            pem: The text, as bytes.
            password: The one that it is encrypted with, or None.
            alg: Needed for RSA; PEM does not carry it.

        Raises:
            KeySetError: If it cannot be read with this password, or must not be used.
        """
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        key: Any = None
        # What fails is raised below, without the key in a traceback.
        with suppress(TypeError, ValueError, UnsupportedAlgorithm):
            key = load_pem_private_key(pem, password)
        if key is None:
            raise KeySetError("got no PEM private key, or the wrong password for it")
        return cls(key, alg=alg)

    @classmethod
    def from_jwk(cls, members: Mapping[str, object]) -> SigningKey:
        """Read a private JWK.

        ``kid``, if there, must be the thumbprint; ``use`` may only be ``sig``, ``key_ops`` only
        name ``sign`` and ``verify``.

        Raises:
            KeySetError: If it is ill-formed, public, for another purpose, or its private part
                does not belong to its public part.
        """
        if not isinstance(members, Mapping):
            raise KeySetError("got a key that is no JSON object")
        open_members = {k: v for k, v in members.items() if k not in SECRET_MEMBERS}
        key_ops = open_members.pop("key_ops", ["sign"])
        if key_ops not in (["sign"], ["sign", "verify"], ["verify", "sign"]):
            raise KeySetError("got a private key with other key_ops, expected sign")
        thumbprint = jwk_thumbprint(open_members)
        if open_members.setdefault("kid", thumbprint) != thumbprint:
            raise KeySetError("got a private key whose kid is not its thumbprint")
        public = PublicJWK.from_dict(open_members)
        key = private_key_of(members, public)
        if key is None:
            raise KeySetError("got a private part that does not belong to the public part")
        return cls(key, alg=public.alg)

    def to_pem(self, password: bytes | None = None) -> bytes:
        """The private key as PKCS #8 PEM, encrypted if a password is given.

        Raises:
            ConfigurationError: If the password is empty, or longer than 1,023 bytes.
        """
        from cryptography.hazmat.primitives import serialization as s

        if password is not None and (
            type(password) is not bytes or not 0 < len(password) <= MAX_PASSWORD_BYTES
        ):
            raise ConfigurationError(
                f"got another password, expected bytes, 1 to {MAX_PASSWORD_BYTES} of them"
            )
        return self._key.private_bytes(
            s.Encoding.PEM,
            s.PrivateFormat.PKCS8,
            s.NoEncryption() if password is None else s.BestAvailableEncryption(password),
        )

    def to_jwk(self) -> dict[str, str]:
        """The private key as a JWK, not encrypted. Handle it like a password."""
        return self._public.to_dict() | private_members(self._key)

    def save(
        self,
        path: str | os.PathLike[str],
        password: bytes | None = None,
        *,
        form: Literal["pem", "jwk"] = "pem",
    ) -> None:
        """Write the private key to a new file that only its owner can read (mode 0600).

        On Windows the mode has no such effect; keep the file in a folder that is guarded there.

        Args:
            path: Where; nothing may exist there, not even a symbolic link.
            password: Encrypts a PEM file; a JWK file has no encryption.
            form: ``pem`` or ``jwk``.

        Raises:
            ConfigurationError: If the form is another, or the password empty, too long or given
                for a JWK.
            KeySetError: If the path exists, or the file cannot be written.
        """
        if form not in ("pem", "jwk") or (form == "jwk" and password is not None):
            raise ConfigurationError("got another form, or a password for a JWK file")
        jwk = form == "jwk"
        content = strict_json.dump_object(dict(self.to_jwk())) if jwk else self.to_pem(password)
        write_private_file(path, content)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        password: bytes | None = None,
        *,
        alg: str | None = None,
    ) -> SigningKey:
        """Read a PEM or JWK file that only its owner can read.

        Raises:
            KeySetError: If on POSIX its group or others have access to it, or it cannot be read
                or used; see :meth:`from_pem` and :meth:`from_jwk`.
        """
        content = read_private_file(path)
        if not content.lstrip().startswith(b"{"):
            return cls.from_pem(content, password, alg=alg)
        members = strict_json.parse_object(content)
        if members is None:
            raise KeySetError("got a JWK file that is not one strict JSON object")
        return cls.from_jwk(members)

    @property
    def public(self) -> PublicJWK:
        """The public half."""
        return self._public

    @property
    def kid(self) -> str:
        """RFC 7638 thumbprint of the public key."""
        return self._public.kid

    @property
    def alg(self) -> str:
        """JWS name of the algorithm."""
        return self._public.alg

    def public_set(self) -> JWKSet:
        """A JWK Set of this key's public half."""
        return JWKSet(keys=(self._public,))

    def sign(self, data: bytes) -> bytes:
        """Sign in JOSE form (RFC 7518, 3.3 to 3.5; RFC 8037, 3.1).

        Raises:
            ConfigurationError: If ``data`` is not bytes.
        """
        if not isinstance(data, bytes):
            raise ConfigurationError("got something else to sign, expected bytes")
        key = self._key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return key.sign(data)
        if self.alg == "RS256":
            return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        return key.sign(data, pss, hashes.SHA256())

    def __repr__(self) -> str:
        return f"<SigningKey kid={self.kid} alg={self.alg}>"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a SigningKey is neither pickled nor copied")
