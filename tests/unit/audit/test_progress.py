from __future__ import annotations

import io
import re
import sys

import pytest

from ageassure.audit.progress import progress_bar
from ageassure.errors import MissingExtraError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_share_rate_and_remaining_time() -> None:
    terminal = Terminal()
    with progress_bar(total=100, done=40, stream=terminal) as bar:
        bar.update(20)
        bar.refresh()
    shown = terminal.getvalue()
    assert "60/100" in shown
    assert re.search(r"\d\d:\d\d<\d\d:\d\d", shown)
    assert re.search(r"[\d.]+ pictures/s", shown)


def test_no_terminal_no_bar() -> None:
    log = io.StringIO()
    with progress_bar(total=100, done=0, stream=log) as bar:
        bar.update(20)
    assert log.getvalue() == ""


@pytest.mark.parametrize("module", ["progress", "columnar"])
def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    name = f"ageassure.audit.{module}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    for library in ("tqdm", "pyarrow"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ageassure\[audit\]'"):
        __import__(name)
