"""The one orchestrator: evidence in, a signed age token out.

For every request, in this order: the audience and its return address are registered; a policy for
the limit and direction exists; some method could settle what the request insists on; an attempt is
taken, before anything is estimated; the estimate; the decision; the one token of this (audience,
nonce) is claimed, before anything is signed; the token. It is made only for OVER where "over" was
asked, and for UNDER where "under" was.

Nothing of the evidence or the estimate stays here, nor in a result, nor in the traceback of an
error that leaves here: what an estimator raises is raised anew, without its frames. Not covered:
the caller's own variables, and an estimator that keeps something.
"""

from __future__ import annotations

from ageassure.provider.parties import RelyingParty
from ageassure.provider.provider import Provider
from ageassure.provider.session import Session

__all__ = ["Provider", "RelyingParty", "Session"]
