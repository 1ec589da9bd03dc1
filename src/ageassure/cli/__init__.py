"""The command line; needs the extra ``cli``. Nothing else in the library imports it."""

from __future__ import annotations

import sys

from ageassure.errors import MissingExtraError
from ageassure.extras import require_extra


def main() -> None:
    """Run ``ageassure`` on the process's arguments; never returns normally."""
    try:
        require_extra("cli", "click")
    except MissingExtraError as error:
        sys.exit(f"ageassure: {error} ({error.code})")
    from ageassure.cli.app import app

    app()
