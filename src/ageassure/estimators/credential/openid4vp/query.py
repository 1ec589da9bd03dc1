"""What a wallet is asked for, as DCQL (OpenID4VP 1.0, section 6): one age limit, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ageassure.errors import ConfigurationError
from ageassure.results import checked_age_limit

SD_JWT_FORMAT: Final = "dc+sd-jwt"
MDOC_FORMAT: Final = "mso_mdoc"
SD_JWT_ID: Final = "age_sd_jwt"
MDOC_ID: Final = "age_mdoc"

MDOC_NAMESPACES: Final = {
    "eu.europa.ec.av.1": "eu.europa.ec.av.1",
    "org.iso.18013.5.1.mDL": "org.iso.18013.5.1",
}
"""Document types that can be asked for, with the namespace of their ``age_over_NN``: the EU's proof
of age, and the driving licence of ISO/IEC 18013-5. They are those of
:mod:`ageassure.estimators.credential.mdoc`, which needs an extra and is not loaded here."""

_MAX_TYPES: Final = 20
_MAX_TYPE_CHARACTERS: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeQuery:
    """Ask for one statement about one age limit. There is no way to ask for anything else.

    Attributes:
        age_limit: In completed years, 1 to 99.
        sd_jwt_types: Accepted ``vct`` of SD-JWT VCs; asked for is ``age_equal_or_over`` at the
            limit.
        mdoc_types: Accepted document types out of :data:`MDOC_NAMESPACES`; asked for is
            ``age_over_NN``, not to be retained.

    Raises:
        ConfigurationError: If a member is malformed, or there is no type at all.
    """

    age_limit: int
    sd_jwt_types: tuple[str, ...] = ()
    mdoc_types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checked_age_limit(self.age_limit)
        for name in ("sd_jwt_types", "mdoc_types"):
            types = getattr(self, name)
            if (
                not isinstance(types, tuple | list)
                or len(types) > _MAX_TYPES
                or not all(map(_is_type, types))
            ):
                raise ConfigurationError(f"got malformed {name}, expected at most {_MAX_TYPES}")
            object.__setattr__(self, name, tuple(dict.fromkeys(types)))
        if not set(self.mdoc_types) <= MDOC_NAMESPACES.keys():
            raise ConfigurationError(f"got unknown mdoc_types, expected {sorted(MDOC_NAMESPACES)}")
        if not self.sd_jwt_types and not self.mdoc_types:
            raise ConfigurationError("got no type of credential, expected at least one")

    @property
    def document_types(self) -> dict[str, str | None]:
        """By the id of each credential query: its type of document; None for an SD-JWT VC."""
        ids: dict[str, str | None] = {SD_JWT_ID: None} if self.sd_jwt_types else {}
        return ids | {_mdoc_id(place): each for place, each in enumerate(self.mdoc_types)}

    def to_dict(self) -> dict[str, Any]:
        """The value of ``dcql_query``. Any one of the credentials is enough."""
        credentials: list[dict[str, Any]] = []
        if self.sd_jwt_types:
            credentials.append(
                {
                    "id": SD_JWT_ID,
                    "format": SD_JWT_FORMAT,
                    "meta": {"vct_values": list(self.sd_jwt_types)},
                    "claims": [{"path": ["age_equal_or_over", str(self.age_limit)]}],
                }
            )
        for place, doctype in enumerate(self.mdoc_types):
            path = [MDOC_NAMESPACES[doctype], f"age_over_{self.age_limit:02d}"]
            credentials.append(
                {
                    "id": _mdoc_id(place),
                    "format": MDOC_FORMAT,
                    "meta": {"doctype_value": doctype},
                    "claims": [{"path": path, "intent_to_retain": False}],
                }
            )
        query: dict[str, Any] = {"credentials": credentials}
        if len(credentials) > 1:
            query["credential_sets"] = [{"options": [[each["id"]] for each in credentials]}]
        return query


def _mdoc_id(place: int) -> str:
    return f"{MDOC_ID}_{place}"


def _is_type(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= _MAX_TYPE_CHARACTERS
        and value.isascii()
        and value.isprintable()
    )
