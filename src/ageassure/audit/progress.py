"""The one owner of tqdm: a bar with rate and remaining time, on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ageassure.extras import require_extra

require_extra("audit", "tqdm")

from tqdm import tqdm  # noqa: E402

if TYPE_CHECKING:
    from typing import TextIO


def progress_bar(*, total: int, done: int, stream: TextIO | None = None) -> Any:  # noqa: ANN401 - tqdm has no types
    """A context manager whose ``update(n)`` moves the bar; silent where no terminal reads it.

    Args:
        total: Pictures.
        done: How many of them an earlier run has answered; they do not count in the rate.
        stream: Where it is drawn; standard error if None.
    """
    return tqdm(
        total=total,
        initial=done,
        unit=" pictures",
        file=sys.stderr if stream is None else stream,
        disable=None,
        dynamic_ncols=True,
    )
