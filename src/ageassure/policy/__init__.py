"""What an estimate must reach before it settles anything; pure, without I/O or randomness.

* :mod:`~ageassure.policy.policy` – one policy, and which outcomes each direction can give
* :mod:`~ageassure.policy.earned` – bars that are earned on people, and the rule by which they are
* :mod:`~ageassure.policy.certainty` – a bar on the probability
* :mod:`~ageassure.policy.levels` – which assurance level evidence reaches
* :mod:`~ageassure.policy.successive` – several methods, one after the other
* :mod:`~ageassure.policy.data` – policies and chains from data
* :mod:`~ageassure.policy.presets` – chains that read a law, as data files
* :mod:`~ageassure.policy.attempts` – how often a session may try
* :mod:`~ageassure.policy.reasons` – every reason, with a sentence
"""

from __future__ import annotations

from ageassure.policy.attempts import AttemptStore, MemoryAttemptStore, attempt_key, token_key
from ageassure.policy.binomial import people_needed
from ageassure.policy.certainty import RequiredCertainty
from ageassure.policy.data import policy_from_dict, successive_from_dict, successive_from_json
from ageassure.policy.decision import Decision
from ageassure.policy.earned import (
    ChallengeAge,
    LowerBar,
    calibrate_challenge_age,
    calibrate_lower_bar,
)
from ageassure.policy.levels import DEFAULT_LEVELS, LevelRow
from ageassure.policy.measured import AgeBand
from ageassure.policy.policy import Policy
from ageassure.policy.presets import Preset, load_preset, preset_names, read_preset
from ageassure.policy.reasons import SENTENCES, Reason, explain
from ageassure.policy.successive import CONTRADICTION_TAIL, Finding, Step, Successive
from ageassure.policy.terms import Binding, OnContradiction, PresentationAttackRule, Told

__all__ = [
    "CONTRADICTION_TAIL",
    "DEFAULT_LEVELS",
    "SENTENCES",
    "AgeBand",
    "AttemptStore",
    "Binding",
    "ChallengeAge",
    "Decision",
    "Finding",
    "LevelRow",
    "LowerBar",
    "MemoryAttemptStore",
    "OnContradiction",
    "Policy",
    "PresentationAttackRule",
    "Preset",
    "Reason",
    "RequiredCertainty",
    "Step",
    "Successive",
    "Told",
    "attempt_key",
    "calibrate_challenge_age",
    "calibrate_lower_bar",
    "explain",
    "load_preset",
    "people_needed",
    "policy_from_dict",
    "preset_names",
    "read_preset",
    "successive_from_dict",
    "successive_from_json",
    "token_key",
]
