"""The browser's side of holder binding, ``examples/javascript/holder.js``, run by Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from ageassure.integrations import AgeGate

from .browsers import flask_site
from .driving import FORM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Parties

HOLDER = Path(__file__).resolve().parents[3] / "examples" / "javascript" / "holder.js"

PROGRAM = """
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
const source = readFileSync(process.argv.at(-1));
const module = `data:text/javascript;base64,${source.toString("base64")}`;
const { makeHolderKey, makeHolderProof } = await import(module);
const key = await makeHolderKey();
console.log(JSON.stringify({ jkt: key.jkt, readable: key.privateKey.extractable }));
for await (const line of createInterface({ input: process.stdin })) {
  console.log(await makeHolderProof(key, JSON.parse(line)));
}
"""


class Page:
    """A page with a key of its own."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, "--input-type=module", "-e", PROGRAM, "--", str(HOLDER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.key = json.loads(self._answer())

    def proof(self, **about: Any) -> str:
        assert self._process.stdin is not None
        print(json.dumps(about), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.endswith("\n")
        return line.rstrip("\n")

    def close(self) -> None:
        self._process.communicate(timeout=20)


@pytest.fixture
def page() -> Iterator[Page]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    if int(shown.stdout.lstrip("v").partition(".")[0]) < 20:
        pytest.skip("needs Node 20 or later")
    page = Page(node)
    yield page
    page.close()


def test_a_page_opens_the_door_with_its_key_and_no_other_does(parties: Parties, page: Page) -> None:
    gate = AgeGate(
        parties.verifier,
        age_over=[18],
        age_under=[16],
        result_seconds=60,
        demand_holder_proof=True,
        now=parties.clock,
    )
    assert page.key["readable"] is False
    browser = flask_site(gate)()
    body = urlencode({"holder_jkt": page.key["jkt"]}).encode()
    asked = browser.request(
        "POST", "/age/challenge/over-18", headers={"Content-Type": FORM}, body=body
    )
    question = json.loads(asked.body)
    assert question["holder_jkt"] == page.key["jkt"]
    token, other = parties.token(asked.body), parties.token(asked.body)
    at = parties.clock().timestamp() * 1000 + 999
    right = page.proof(**question, token=token, at=at)
    for wrong in (
        page.proof(**question, token=other, at=at),
        page.proof(**question | {"nonce": "n" * 43}, token=token, at=at),
        page.proof(**question, token=token, at=at - 331_000),
        page.proof(**question, token=token),  # by the machine's own clock: far in the future
    ):
        headers = {"Authorization": f"AgeToken {token}", "Age-Holder-Proof": wrong}
        assert browser.request("POST", "/age/token", headers=headers).status == 403
    assert parties.gate.counts.read() == {}
    assert gate.counts.read() == {"challenge_opened": 1, "holder_proof": 4}
    headers = {"Authorization": f"AgeToken {token}", "Age-Holder-Proof": right}
    assert browser.request("POST", "/age/token", headers=headers).status == 204
