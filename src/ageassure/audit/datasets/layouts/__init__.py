"""Published data sets whose folders can be turned into manifests. None is shipped or fetched."""

from ageassure.audit.datasets.layouts.base import Layout
from ageassure.audit.datasets.layouts.lists import LISTED
from ageassure.audit.datasets.layouts.names import NAMED
from ageassure.errors import DataSetError

__all__ = ["LAYOUTS", "Layout", "find_layout"]

LAYOUTS: tuple[Layout, ...] = (*LISTED, *NAMED)


def find_layout(name: str) -> Layout:
    """The layout of this name.

    Raises:
        DataSetError: If there is none.
    """
    found = next((layout for layout in LAYOUTS if layout.name == name), None)
    if found is None:
        names = ", ".join(layout.name for layout in LAYOUTS)
        raise DataSetError(f"got another layout than {names}")
    return found
