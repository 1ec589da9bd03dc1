"""Estimates made in processes that end afterwards, so that the system takes all their memory back.

For platforms whose C library cannot be told to overwrite what is freed (musl, macOS, Windows: see
:mod:`ageassure.hardening`), and wherever a deadline has to be hard: a process can be ended in the
middle of a stage.
"""

from __future__ import annotations

from ageassure.estimators.worker.estimator import WorkerEstimator

__all__ = ["WorkerEstimator"]
