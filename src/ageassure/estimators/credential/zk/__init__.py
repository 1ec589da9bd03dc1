"""Zero-knowledge proofs of age over mobile documents (extra ``zk``). Experimental.

Longfellow (Frigo and shelat, https://eprint.iacr.org/2024/2010) proves that a document says
``age_over_18`` without showing the document. The library behind it says of itself that it is not to
be relied upon; it runs in a process of its own, with bounds on time and memory.
"""

from __future__ import annotations

from ageassure.estimators.credential.zk.circuits import PINNED, Circuit
from ageassure.estimators.credential.zk.estimator import ProofPresentation, ZeroKnowledgeEstimator

__all__ = ["PINNED", "Circuit", "ProofPresentation", "ZeroKnowledgeEstimator"]
