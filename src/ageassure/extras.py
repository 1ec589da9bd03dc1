"""Optional dependencies: what is missing is told with the command that installs it."""

from __future__ import annotations

from importlib.util import find_spec

from ageassure.errors import MissingExtraError


def require_extra(extra: str, *modules: str) -> None:
    """Check that an extra's modules can be found, without importing them.

    Raises:
        MissingExtraError: If one is missing; the message gives the command.
    """
    if any(find_spec(module) is None for module in modules):
        raise MissingExtraError(f"this needs: pip install 'ageassure[{extra}]'")
