"""The command line; needs the extra ``cli``. Nothing else in the library imports it."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from ageassure.errors import MissingExtraError


def main() -> None:
    """Run ``ageassure`` on the process's arguments; never returns normally."""
    if find_spec("click") is None:
        error = MissingExtraError("the command line needs: pip install 'ageassure[cli]'")
        sys.exit(f"ageassure: {error} ({error.code})")
    from ageassure.cli.app import app

    app()
