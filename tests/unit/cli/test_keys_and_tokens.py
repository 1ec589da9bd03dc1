"""``keys``, ``verify`` and ``inspect``, through the real command line."""

from __future__ import annotations

import json
import os
import secrets
import stat
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ageassure import AgeRequest, MethodClass, Outcome, SigningKey, TokenIssuer
from ageassure.cli.app import app
from ageassure.cli.output import ExitStatus
from ageassure.results import AssuranceLevel
from ageassure.tokens import make_holder_proof

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

ISSUER = "https://provider.example"
AUDIENCE = "https://platform.example"


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    key, jwks = tmp_path / "key.pem", tmp_path / "jwks.json"
    assert run("keys", "generate", "--key", key, "--jwks", jwks).exit_code == ExitStatus.DONE
    return key, jwks


def signed(key: Path, nonce: str, holder_jkt: str | None = None) -> str:
    issuer = TokenIssuer(issuer=ISSUER, signing_key=SigningKey.load(key))
    return issuer.issue(
        AgeRequest(
            audience=AUDIENCE, nonce=nonce, age_over=18, tell_method=True, holder_jkt=holder_jkt
        ),
        outcome=Outcome.OVER,
        method_class=MethodClass.ESTIMATION,
        level=AssuranceLevel.ASSERTED,
    )


def verify(token: str, jwks: Path, nonce: str, *more: object, stdin: str | None = None) -> Result:
    return run(
        "verify", token, "--jwks", jwks, "--issuer", ISSUER, "--audience", AUDIENCE,
        "--nonce", nonce, *more, stdin=stdin,
    )  # fmt: skip


class TestKeys:
    def test_generate_writes_a_private_pem_and_a_public_set(self, keys: tuple[Path, Path]) -> None:
        key, jwks = keys
        (public,) = json.loads(jwks.read_text())["keys"]
        assert public["kid"] == SigningKey.load(key).kid
        assert "d" not in public
        if os.name == "posix":
            assert stat.S_IMODE(key.stat().st_mode) == 0o600

    def test_generate_prints_no_key_material(self, tmp_path: Path) -> None:
        key = tmp_path / "k.pem"
        printed = run("keys", "generate", "--key", key, "--jwks", tmp_path / "j", "--json").stdout
        private = SigningKey.load(key).to_jwk()["d"]
        assert private not in printed
        assert "PRIVATE" not in printed
        assert json.loads(printed)["alg"] == "ES256"

    @pytest.mark.parametrize("existing", ["key.pem", "jwks.json"])
    def test_existing_files_are_never_overwritten(self, tmp_path: Path, existing: str) -> None:
        (tmp_path / existing).write_text("mine")
        result = run(
            "keys", "generate", "--key", tmp_path / "key.pem", "--jwks", tmp_path / "jwks.json"
        )
        assert result.exit_code == ExitStatus.CONFIGURATION
        assert (tmp_path / existing).read_text() == "mine"
        assert [path.name for path in tmp_path.iterdir()] == [existing]

    def test_no_key_is_left_where_the_set_cannot_be_written(self, tmp_path: Path) -> None:
        key = tmp_path / "key.pem"
        result = run("keys", "generate", "--key", key, "--jwks", tmp_path / "absent" / "jwks.json")
        assert result.exit_code == ExitStatus.CONFIGURATION
        assert not key.exists()


class TestVerify:
    def test_a_good_token_is_verified(self, keys: tuple[Path, Path]) -> None:
        nonce = secrets.token_urlsafe(32)
        result = verify(signed(keys[0], nonce), keys[1], nonce, "--age-over", 18, "--json")
        assert result.exit_code == ExitStatus.DONE, result.output
        document = json.loads(result.stdout)
        assert document["verified"] is True
        assert document["age_over"] == 18
        assert document["method_class"] == "estimation"

    def test_the_token_may_come_from_standard_input(self, keys: tuple[Path, Path]) -> None:
        nonce = secrets.token_urlsafe(32)
        token = signed(keys[0], nonce)
        result = verify("-", keys[1], nonce, "--age-over", 18, stdin=f"{token}\n")
        assert result.exit_code == ExitStatus.DONE
        assert result.stdout.startswith("verified: over 18")

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            (("--age-over", 21), "age_not_met"),
            (("--age-under", 18), "age_not_met"),
            (("--age-over", 18, "--method", "verification"), "assurance_not_met"),
        ],
    )
    def test_refusals_leave_with_their_code(
        self, keys: tuple[Path, Path], options: tuple[object, ...], code: str
    ) -> None:
        nonce = secrets.token_urlsafe(32)
        token = signed(keys[0], nonce)
        result = verify(token, keys[1], nonce, *options, "--json")
        assert result.exit_code == ExitStatus.TOKEN_REFUSED
        assert json.loads(result.stdout)["error"] == code
        assert token not in result.output

    def test_another_nonce_is_refused_without_showing_either(self, keys: tuple[Path, Path]) -> None:
        nonce, other = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        result = verify(signed(keys[0], nonce), keys[1], other, "--age-over", 18)
        assert result.exit_code == ExitStatus.TOKEN_REFUSED
        assert "wrong_nonce" in result.stderr
        assert nonce not in result.output
        assert other not in result.output

    def test_an_absent_or_bad_key_set_is_a_configuration_error(
        self, keys: tuple[Path, Path], tmp_path: Path
    ) -> None:
        nonce = secrets.token_urlsafe(32)
        token = signed(keys[0], nonce)
        bad = tmp_path / "bad.json"
        bad.write_text('{"keys": []}')
        for jwks, code in ((tmp_path / "absent", "configuration"), (bad, "bad_key_set")):
            result = verify(token, jwks, nonce, "--age-over", 18, "--json")
            assert result.exit_code == ExitStatus.CONFIGURATION
            assert json.loads(result.stdout)["error"] == code

    def test_a_holder_proof_is_checked_if_it_is_given(
        self, keys: tuple[Path, Path], tmp_path: Path
    ) -> None:
        nonce, holder = secrets.token_urlsafe(32), SigningKey.generate()
        token = signed(keys[0], nonce, holder.kid)
        right = make_holder_proof(token, holder_key=holder, audience=AUDIENCE, nonce=nonce)
        wrong = make_holder_proof(
            token, holder_key=SigningKey.generate(), audience=AUDIENCE, nonce=nonce
        )
        asked = ("--age-over", 18, "--json", "--holder-proof")
        files = [tmp_path / name for name in ("wrong", "junk", "empty", "long")]
        for path, content in zip(
            files, (wrong.encode(), b"\xff\x00", b"", b"a" * 200_000), strict=True
        ):
            path.write_bytes(content)
            result = verify(token, keys[1], nonce, *asked, path)
            assert result.exit_code == ExitStatus.TOKEN_REFUSED
            assert json.loads(result.stdout)["error"] == "holder_proof"
        unbound = verify(signed(keys[0], nonce), keys[1], nonce, *asked, "-", stdin=right)
        assert json.loads(unbound.stdout)["error"] == "holder_proof"
        for path in (tmp_path / "absent", tmp_path):
            result = verify(token, keys[1], nonce, *asked, path)
            assert result.exit_code == ExitStatus.CONFIGURATION
        both = verify("-", keys[1], nonce, *asked, "-", stdin=token)
        assert both.exit_code == ExitStatus.CONFIGURATION

        (tmp_path / "right").write_text(f"{right}\n")
        proven = verify("-", keys[1], nonce, *asked, tmp_path / "right", stdin=token)
        assert json.loads(proven.stdout)["holder_proven"] is True
        told = verify(token, keys[1], nonce, *asked[:2], "--holder-proof", "-", stdin=right)
        assert "holder's key proven" in told.stdout
        bearer = verify(token, keys[1], nonce, "--age-over", 18, "--json")
        assert json.loads(bearer.stdout)["holder_proven"] is False

    @pytest.mark.parametrize("junk", [b"\xff\xfe", b"a" * 200_000, b""])
    def test_junk_on_standard_input_is_refused(self, junk: bytes) -> None:
        result = CliRunner().invoke(app, ["inspect", "-", "--json"], input=junk)
        assert json.loads(result.stdout)["error"] == "malformed_token"


class TestInspect:
    def test_it_says_that_nothing_was_verified(self, keys: tuple[Path, Path]) -> None:
        token = signed(keys[0], secrets.token_urlsafe(32))
        assert run("inspect", token).stdout.startswith("UNVERIFIED")
        document = json.loads(run("inspect", "-", "--json", stdin=token).stdout)
        assert document["verified"] is False
        assert document["unverified_claims"]["age_equal_or_over"] == {"18": True}

    @pytest.mark.parametrize("payload", ["bm8ganNvbg", "W1tbW1tbW1tb" * 500])
    def test_a_payload_that_is_no_json_is_shown_as_such(self, payload: str) -> None:
        result = run("inspect", f"e30.{payload}.AAAA", "--json")
        assert result.exit_code == ExitStatus.DONE, result.output
        assert json.loads(result.stdout)["unverified_claims"] is None

    def test_junk_is_refused_with_its_code(self) -> None:
        result = run("inspect", "junk", "--json")
        assert result.exit_code == ExitStatus.TOKEN_REFUSED
        assert json.loads(result.stdout)["error"] == "malformed_token"
