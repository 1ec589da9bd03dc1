"""The two services of the second lesson, started as it says, visited with its commands."""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from doctest import ELLIPSIS, OutputChecker
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ageassure import FacialAgeEstimator
from ageassure.audit.retention.forms import picture_forms
from ageassure.audit.retention.memory import held_memory
from ageassure.audit.retention.pictures import Encoding, make_picture
from ageassure.audit.retention.scenes import Scene
from ageassure.audit.retention.search import Texts, count_runs, index_texts
from ageassure.hardening import TUNABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

ROOT = Path(__file__).resolve().parents[2]
LESSON = ROOT / "docs" / "tutorial" / "two-services.md"
STARTS = re.compile(r"^uvicorn --app-dir examples (\w+):app --port (\d+)(.*)$", re.MULTILINE)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux"
    or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version")
    or shutil.which("curl") is None,
    reason="needs glibc, which the provider insists on, and curl",
)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def service(
    name: str, port: int, *options: str, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "examples")]
    with subprocess.Popen(
        [*command, f"{name}:app", "--port", str(port), *options],
        env={**os.environ, **variables},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for(port, process)
            yield process
        finally:
            process.terminate()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the service does not listen: {process.returncode}")


def hardened(port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    with service("provider_service", port, *options, GLIBC_TUNABLES=TUNABLE) as process:
        yield process


@pytest.fixture(scope="module")
def provider_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def provider(provider_port: int) -> Iterator[subprocess.Popen[bytes]]:
    yield from hardened(provider_port, "--loop", "asyncio")


@pytest.fixture(scope="module")
def platform_port(
    provider: subprocess.Popen[bytes],  # first, so that its keys are there
    provider_port: int,
) -> Iterator[int]:
    port = free_port()
    keys = f"http://127.0.0.1:{provider_port}/.well-known/jwks.json"
    with service("platform_service", port, PROVIDER_KEYS=keys):
        yield port


def test_the_lesson_starts_what_is_started_here() -> None:
    starts = STARTS.findall(LESSON.read_text(encoding="utf-8"))
    assert starts == [
        ("provider_service", "8001", " --loop asyncio"),
        ("platform_service", "8002", ""),
    ]


def test_every_command_of_the_lesson_prints_what_it_shows(
    provider_port: int, platform_port: int, tmp_path: Path
) -> None:
    lesson = LESSON.read_text(encoding="utf-8").partition("## Visit")[2]
    blocks = re.findall(r"^```(shell|text)\n(.*?)^```", lesson, re.MULTILINE | re.DOTALL)
    assert blocks[0][0] == "shell"
    here = str(Path(sys.executable).parent)
    printed = ""
    for kind, block in blocks:
        if kind == "text":
            assert OutputChecker().check_output(block.strip(), printed, ELLIPSIS), printed
            continue
        commands = block.replace(":8001", f":{provider_port}").replace(":8002", f":{platform_port}")
        done = subprocess.run(
            ["bash", "-euc", commands],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
            timeout=60,
        )
        assert not done.returncode, done.stderr
        printed = done.stdout.strip()


def post(port: int, picture: bytes | bytearray) -> tuple[int, bytes]:
    asked = {"audience": "https://platform.example", "nonce": secrets.token_urlsafe(32)}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(
            "POST",
            "/assess",
            body=picture,
            headers={"Age-Request": json.dumps({**asked, "age_over": 18})},
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def head(length: int) -> str:
    return (
        "POST /assess HTTP/1.1\r\nHost: localhost\r\n"
        'Age-Request: {"audience": "https://platform.example", '
        f'"nonce": "{secrets.token_urlsafe(32)}", "age_over": 18}}\r\n'
        f"Content-Length: {length}\r\n\r\n"
    )


def test_a_question_that_is_none_is_refused(
    provider: subprocess.Popen[bytes], provider_port: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", provider_port, timeout=60)
    for question in ("", "[]", "{", '{"audience": 1}', '{"one": "too many"}', "[" * 30_000):
        connection.request("POST", "/assess", body=b"x", headers={"Age-Request": question})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (400, b"no age request")
    connection.close()


def test_somebody_who_goes_away_leaves_a_service_that_goes_on(
    provider: subprocess.Popen[bytes], provider_port: int
) -> None:
    portrait = (files("skimage.data") / "astronaut.png").read_bytes()
    for sent in (portrait, portrait[:1000]):  # while it is assessed, and while it is sent
        with socket.create_connection(("127.0.0.1", provider_port)) as connection:
            connection.sendall(head(len(portrait)).encode() + sent)
    assert post(provider_port, portrait)[0] == 200


@pytest.fixture
def readable(provider: subprocess.Popen[bytes]) -> int:
    try:
        Path(f"/proc/{provider.pid}/mem").open("rb").close()
    except OSError:
        pytest.skip("only root may read a hardened process's memory")
    return provider.pid


def runs_left(pid: int, texts: Texts) -> int:
    return sum(count_runs(texts, part).total() for part in held_memory(pid))


def test_nothing_of_a_body_is_left_that_was_refused(readable: int, provider_port: int) -> None:
    body = secrets.token_bytes(100_000)
    texts = index_texts({"body": body})
    assert post(provider_port, body + bytes(10_000_000))[0] == 413
    with socket.create_connection(("127.0.0.1", provider_port)) as connection:
        connection.sendall(head(len(body) + 1).encode() + body)  # never sent to its end
    time.sleep(0.5)
    assert runs_left(readable, texts) == 0


def test_nothing_of_a_picture_is_left_in_the_running_service(
    readable: int, provider_port: int
) -> None:
    pipeline = FacialAgeEstimator()._pipeline
    for encoding in (Encoding.JPEG, Encoding.PNG):
        picture = make_picture(Scene.ONE_FACE, encoding, 512, seed=secrets.randbits(30))
        texts = index_texts(picture_forms(picture, pipeline).texts)
        assert post(provider_port, picture.file)[0] == 200
        assert runs_left(readable, texts) == 0


def test_it_does_not_start_unhardened() -> None:
    with (
        pytest.raises(AssertionError, match="does not listen"),
        service("provider_service", free_port(), GLIBC_TUNABLES=""),
    ):
        pass
