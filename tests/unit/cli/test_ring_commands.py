"""``keys rotate``, ``retire``, ``list`` and ``publish``, through the real command line."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ageassure.cli.app import app
from ageassure.cli.output import ExitStatus

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["keys", *(str(argument) for argument in arguments)])


def test_a_rings_life(tmp_path: Path) -> None:
    ring = tmp_path / "ring"
    ring.mkdir()
    assert run("list", "--ring", ring).stdout == "the ring is empty\n"
    first = json.loads(run("rotate", "--ring", ring, "--json").stdout)
    second = json.loads(run("rotate", "--ring", ring, "--json").stdout)
    assert (first["state"], second["state"]) == ("signing", "waiting")
    listed = json.loads(run("list", "--ring", ring, "--json").stdout)["keys"]
    assert [key["state"] for key in listed] == ["signing", "waiting"]
    assert "waiting" in run("list", "--ring", ring).stdout

    refused = run("retire", first["kid"], "--ring", ring)
    assert refused.exit_code == ExitStatus.CONFIGURATION

    gone = run("retire", first["kid"], "--compromised", "--ring", ring)
    assert gone.exit_code == ExitStatus.DONE
    assert "tell relying parties" in gone.stdout
    (left,) = json.loads(run("list", "--ring", ring, "--json").stdout)["keys"]
    assert (left["kid"], left["state"]) == (second["kid"], "signing")


@pytest.mark.parametrize("kid", ["-xYk8", "--Yk8"])
def test_a_kid_that_begins_with_a_hyphen_is_no_option(tmp_path: Path, kid: str) -> None:
    ring = tmp_path / "ring"
    ring.mkdir()
    run("rotate", "--ring", ring)
    for options in ([], ["--compromised"]):
        refused = run("retire", kid, *options, "--ring", ring)
        assert refused.exit_code == ExitStatus.CONFIGURATION
        assert "a kid that the ring does not have" in refused.output


def test_a_new_keys_time_counts_from_publishing(tmp_path: Path) -> None:
    ring, web = tmp_path / "ring", tmp_path / "web"
    publish = ("publish", "--ring", ring, "--issuer", "https://provider.example", "--out", web)
    assert "signs from now; publish" in run("rotate", "--ring", ring).stdout
    run(*publish)
    rotated = run("rotate", "--ring", ring)
    assert "waits to be published; publish" in rotated.stdout
    listed = json.loads(run("list", "--ring", ring, "--json").stdout)["keys"]
    assert listed[1]["signs_from"] is listed[1]["signs_until"] is listed[0]["signs_until"] is None
    assert "not published yet" in run("list", "--ring", ring).stdout

    lines = run(*publish).stdout.splitlines()
    assert lines[0] == ".well-known/jwks.json"
    assert lines[1].startswith(f"{listed[1]['kid']} signs from ")
    listed = json.loads(run("list", "--ring", ring, "--json").stdout)["keys"]
    assert listed[1]["signs_from"] == listed[0]["signs_until"] >= time.time() + 89_000
    assert "not published" not in run("list", "--ring", ring).stdout
    assert run(*publish).stdout == "nothing has changed\n"


def test_a_set_that_could_not_be_written_is_no_publication(tmp_path: Path) -> None:
    ring, web = tmp_path / "ring", tmp_path / "web"
    publish = ("publish", "--ring", ring, "--issuer", "https://provider.example", "--out", web)
    run("rotate", "--ring", ring)
    run("rotate", "--ring", ring)
    web.write_text("no folder")
    assert run(*publish).exit_code == ExitStatus.CONFIGURATION
    assert "not published yet" in run("list", "--ring", ring).stdout


@pytest.mark.parametrize(
    "change", [{"signs_from": 9 * 10**15}, {"signs_until": 2**62}, {"alg": "\x1b[31m"}]
)
def test_a_list_that_cannot_be_shown_is_refused_in_one_line(
    tmp_path: Path, change: dict[str, object]
) -> None:
    ring = tmp_path / "ring"
    run("rotate", "--ring", ring)
    document = json.loads((ring / "ring.json").read_text())
    document["keys"][0] |= change
    (ring / "ring.json").write_text(json.dumps(document))
    for command in ("list", "rotate"):
        refused = run(command, "--ring", ring)
        assert refused.exit_code == ExitStatus.CONFIGURATION
        assert refused.stderr == (
            "ageassure: cannot use ring.json: it is no key ring (bad_key_set)\n"
        )


def test_a_folder_whose_name_is_too_long(tmp_path: Path) -> None:
    refused = run("rotate", "--ring", tmp_path / ("a" * 300))
    assert refused.exit_code == ExitStatus.CONFIGURATION
    assert len(refused.stderr.splitlines()) == 1


def test_publishing_writes_what_is_served(tmp_path: Path) -> None:
    ring, web = tmp_path / "ring", tmp_path / "web"
    key = json.loads(run("rotate", "--ring", ring, "--json").stdout)
    arguments = ("publish", "--ring", ring, "--issuer", "https://provider.example", "--out", web)
    written = json.loads(run(*arguments, "--json").stdout)["written"]
    (public,) = json.loads((web / ".well-known" / "jwks.json").read_text())["keys"]
    assert len(written) == 2
    assert public["kid"] == key["kid"]
    assert "d" not in public
    assert run(*arguments).stdout == "nothing has changed\n"


@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["retire", "kid"],
        ["publish", "--issuer", "https://age.example", "--out", "htdocs"],
    ],
)
def test_a_folder_that_is_not_there_is_no_empty_ring(tmp_path: Path, command: list[str]) -> None:
    done = run(*command, "--ring", tmp_path / "mistyped")
    assert done.exit_code == ExitStatus.CONFIGURATION
    assert "mistyped" in done.output
    assert not (tmp_path / "mistyped").exists()
