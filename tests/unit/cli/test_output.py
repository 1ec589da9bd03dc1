"""Exit statuses, and the entry point."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ageassure.cli
from ageassure import errors
from ageassure.cli.output import ExitStatus, status_of


def leaves(cls: type[errors.AgeAssuranceError]) -> list[type[errors.AgeAssuranceError]]:
    found = [leaf for sub in cls.__subclasses__() for leaf in leaves(sub)]
    return [sub for sub in (found or [cls]) if sub.__module__ == errors.__name__]


@pytest.mark.parametrize("cls", leaves(errors.AgeAssuranceError))
def test_every_error_has_an_exit_status_that_is_no_success(
    cls: type[errors.AgeAssuranceError],
) -> None:
    error = cls("why", code=min(cls.codes))
    assert status_of(error) not in (ExitStatus.DONE, ExitStatus.INCONCLUSIVE)


def test_without_click_the_entry_point_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ageassure.extras.find_spec", lambda _name: None)
    with pytest.raises(SystemExit, match=r"pip install 'ageassure\[cli\]'.*missing_extra"):
        ageassure.cli.main()


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ageassure", "--version"], capture_output=True, text=True, check=True
    )
    assert "0.1.0" in done.stdout


def test_verifying_from_the_command_line_loads_no_numerical_library() -> None:
    program = (
        "import sys, ageassure.cli.app; "
        "print({'numpy', 'cv2', 'onnxruntime', 'jwt'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
