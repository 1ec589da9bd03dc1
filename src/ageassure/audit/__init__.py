"""Checks that users run themselves, on their own machines."""

from ageassure.extras import require_extra

require_extra("audit", "numpy")
