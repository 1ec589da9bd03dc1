"""Every key set vector through the loader."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from ageassure.errors import KeySetError
from ageassure.verifier import JWKSet

FOLDER = Path(__file__).parent / "key_sets"
IDS = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.json"))


@pytest.mark.parametrize("name", IDS)
def test_key_set(name: str) -> None:
    vector = json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))
    assert vector["id"] == name
    encoded = vector.get("key_set_base64url")
    text = vector["key_set"] if encoded is None else base64.urlsafe_b64decode(encoded + "==")
    if "accept" in vector["expect"]:
        loaded = JWKSet.from_json(text)
        assert [key.kid for key in loaded] == vector["expect"]["accept"]["kids"]
        return
    assert vector["expect"] == {"refuse": "bad_key_set"}
    with pytest.raises(KeySetError) as caught:
        JWKSet.from_json(text)
    assert caught.value.code == "bad_key_set"
