"""The scripts that build the models, which are no package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

BUILD = Path(__file__).resolve().parents[3] / "models" / "build"


def build_script(name: str) -> Any:
    """Import one of them; their folder is on the path only while it is imported."""
    sys.path.insert(0, str(BUILD))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BUILD))
