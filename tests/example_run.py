"""`python -m tests.example_run ARCHIVE.zip`: the run that is shipped, and its moving picture.

Takes the archive of a finished run (`/api/v1/runs/ID/archive.zip`) and makes of it what a first
visit meets: `web/example/example.zip`, small enough for the wheel, and `forming.svg`, in which its
circuit forms. Nothing is made up: rows and frames are left out, those that stay are as recorded.
"""

import hashlib
import json
import sys
from array import array
from base64 import b64decode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from app.schemas.measure import COMPOSITION_KINDS, CompositionKind
from app.services.reports.forming import TALL, WIDE, Caption, Moment, moving_picture

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "web" / "example" / "example.zip"
IMAGES = ROOT / "web" / "static" / "img"
PICTURES = {  # of pages, wide and narrow, and of the README
    IMAGES / "forming.svg": WIDE,
    IMAGES / "forming-tall.svg": TALL,
    ROOT / "docs" / "images" / "forming.svg": WIDE,
}
NAME = "Example: a circuit forms"
NOTES = (
    "A finished run that comes with Optoscope: the paper's main experiment, unclamped, on invented "
    "characters. Its weights and every other attention frame were left out."
)
EVERY = 2  # of the frames one stays
UNTIL = 500_000  # sequences that the picture shows


def main(path: str) -> None:
    """Writes archive and pictures."""
    with ZipFile(path) as archive:
        [run_id] = json.loads(archive.read("manifest.json"))["runs"]
        files = dict(_kept(archive, run_id))
        program = json.loads(archive.read("manifest.json"))["program"]
    _write(files, run_id, program)
    moments = list(_moments(files, run_id))
    for place, shape in PICTURES.items():
        place.write_text(moving_picture(moments, _words(moments), shape, is_dark_at_night=True))
    sizes = ", ".join(f"{p.name} {p.stat().st_size:,} bytes" for p in (EXAMPLE, *PICTURES))
    sys.stdout.write(f"{sizes}\n")


def _kept(archive: ZipFile, run_id: str) -> Iterator[tuple[str, bytes]]:
    """The files of the example by name, the run's own last, as in every archive."""
    place = f"runs/{run_id}"
    yield f"{place}/measurements.jsonl", archive.read(f"{place}/measurements.jsonl")
    frames = archive.read(f"{place}/frames.jsonl").splitlines()
    yield f"{place}/frames.jsonl", b"\n".join([*frames[::EVERY], b""])
    whole = json.loads(archive.read(f"{place}/run.json"))
    whole |= {"checkpoints": [], "resume_point": None}
    whole["run"] |= {"name": NAME, "notes": NOTES, "tags": ["example"], "colour": None}
    yield f"{place}/run.json", json.dumps(whole).encode()


def _write(files: dict[str, bytes], run_id: str, program: str) -> None:
    members = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    }
    manifest = {
        "format": 1, "program": program, "runs": [run_id], "studies": [],
        "members": members, "left_out": [],
    }  # fmt: skip
    EXAMPLE.parent.mkdir(exist_ok=True)
    with ZipFile(EXAMPLE, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in [*files.items(), ("manifest.json", json.dumps(manifest).encode())]:
            # The date of all is zip's first day: equal contents make equal files.
            archive.writestr(ZipInfo(name), content, ZIP_DEFLATED, 9)


def _moments(files: dict[str, bytes], run_id: str) -> Iterator[Moment]:
    frames = {one["sequences"]: one for one in _lines(files[f"runs/{run_id}/frames.jsonl"])}
    for one in _lines(files[f"runs/{run_id}/measurements.jsonl"]):
        frame = frames.get(one["sequences"])
        if frame is not None and one["sequences"] <= UNTIL:
            yield Moment(
                sequences=one["sequences"],
                loss=one["loss"][0],
                strengths=[one["previous_token_strength"][0], one["induction_strength"][1]],
                composition=_key_composition(
                    frame["composition"], len(one["induction_strength"][0])
                ),
            )


def _words(moments: Sequence[Moment]) -> Caption:
    last = moments[-1]
    return Caption(
        title="",
        said=f"A circuit forms while a two-layer transformer trains on {last.sequences:,} "
        "sequences: a head of layer 1 begins to look one token back, then heads of layer 2 fill "
        "that find the label after the like, and the loss falls from "
        f"{moments[0].loss:.2f} to {last.loss:.3f}.",
    )


def _key_composition(stored: str, heads: int) -> list[list[float]]:
    """Of two layers, `[head of the second][head of the first]`."""
    numbers = array("f", b64decode(stored))
    start = COMPOSITION_KINDS.index(CompositionKind.KEY) * heads * heads
    return [list(numbers[start + heads * head :][:heads]) for head in range(heads)]


def _lines(content: bytes) -> list[Any]:
    return [json.loads(line) for line in content.splitlines()]


if __name__ == "__main__":
    main(sys.argv[1])
