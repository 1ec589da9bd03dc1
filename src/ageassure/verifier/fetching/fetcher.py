"""The whole way of one document: name, address, connection, TLS, request, answer."""

from __future__ import annotations

import ssl
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, final

from ageassure.errors import ConfigurationError
from ageassure.verifier.fetching.addresses import read_networks
from ageassure.verifier.fetching.connecting import first_to_answer, permitted_addresses
from ageassure.verifier.fetching.exchange import FetchFailedError, exchange, remaining

if TYPE_CHECKING:
    import socket
    from collections.abc import Collection

    from ageassure.verifier.fetching.connecting import Resolver
    from ageassure.verifier.fetching.exchange import Answer, Question
    from ageassure.verifier.fetching.target import Target


@final
class BoundedFetcher:
    """Fetches one small document at a time. Safe for threads.

    In this order: the host is resolved; if any of its addresses is not a global one, nothing is
    connected to; one of these very addresses is connected to; TLS with the host's name; one GET.
    Refused are redirects, every other status than 200 (304 where it was asked for), other content
    types, content encodings, bodies that are too large or of another length than announced, and
    whatever takes longer than the time given for all of it together.

    Args:
        allowed_networks: Networks in CIDR notation that may be connected to beside global
            addresses. Loopback needs none where the address names it.
        ssl_context: For a certificate authority of one's own. It must check certificates and host
            names. By default the system's authorities are trusted, with TLS 1.2 at least.
        resolve: Name resolution. It may block: it runs in a thread.

    Raises:
        ConfigurationError: If a network is malformed, or the context does not check.
    """

    __slots__ = ("_allowed", "_context", "_resolve")

    def __init__(
        self,
        *,
        allowed_networks: Collection[str],
        ssl_context: ssl.SSLContext | None,
        resolve: Resolver,
    ) -> None:
        if ssl_context is not None and (
            ssl_context.verify_mode is not ssl.CERT_REQUIRED or not ssl_context.check_hostname
        ):
            raise ConfigurationError("got an ssl_context that does not check the other side")
        self._allowed = read_networks(allowed_networks)
        self._context = ssl_context
        self._resolve = resolve

    def fetch(self, target: Target, question: Question, *, timeout_seconds: float) -> Answer:
        """Fetch the document once; see the class.

        Args:
            target: Where it is.
            question: What it is.
            timeout_seconds: From name resolution to the last byte.

        Raises:
            FetchFailedError: If anything is not as it must be.
        """
        deadline = time.monotonic() + timeout_seconds
        reason = "broke the connection or the protocol"
        try:
            addresses = permitted_addresses(target, self._resolve, self._allowed, deadline)
            connection = first_to_answer(addresses, target.port, deadline)
            with self._secured(connection, target, deadline) as secured:
                return exchange(secured, target, question, deadline)
        except FetchFailedError as error:
            reason = str(error)
        except TimeoutError:
            reason = "did not answer in time"
        except ssl.SSLError as error:
            reason = f"failed in TLS: {error.reason}"
        except (OSError, HTTPException, ValueError):
            pass
        raise FetchFailedError(reason)

    def _secured(self, connection: socket.socket, target: Target, deadline: float) -> socket.socket:
        if not target.secure:
            return connection
        try:
            if self._context is None:
                self._context = ssl.create_default_context()
            connection.settimeout(remaining(deadline))
            return self._context.wrap_socket(
                connection, server_hostname=target.host, suppress_ragged_eofs=False
            )
        except BaseException:
            connection.close()
            raise
