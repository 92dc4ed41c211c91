"""`python -m tests.screenshots`: pictures of every page into docs/images, from real runs.

Starts the program. In a fresh directory (the default) it trains what is shown: an unclamped run, a
clamped one and a small study; `--data-dir` takes what another has, the newest finished ones. Some
pictures are taken while a run trains. Light and dark, wide and narrow, always the same names;
`--only run,paper` takes those alone, and trains less where it can.
"""

import argparse
import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.support.chromium import NoChromiumError, ensure_chromium
from tests.browser.support.program import OPTOSCOPE, STOP_SECONDS, Program

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTHS = {"wide": 1440, "narrow": 390}
HEIGHTS = {"wide": 900, "narrow": 844}
TALLEST = {"wide": 1640, "narrow": 2600}  # pixels; what is longer is cut
SCHEMES = ("light", "dark")
COLOURS = 256
SWITCHES = ("--no-first-run", "--disable-background-networking", "--disable-gpu")
START_SECONDS, TRAIN_SECONDS, DRAW_SECONDS = 120, 900, 60
SETTLED = """
async () => {
  await window.optoscope?.ready;
  await document.fonts.ready;
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}
"""
# What greets new visitors would hide a part of every page.
NO_OFFER = "localStorage.setItem('optoscope.tour', 'seen')"
STUDY = {
    "name": "Which clamp shortens the plateau?",
    "base": {"training": {"sequences": 300_000}},
    "axes": [
        {
            "field": "program",
            "values": [{"preset": "one-head"}, {"preset": "previous-token"}, {"preset": "match"}],
        },
        {"field": "seeds.initial", "values": [5, 6]},
    ],
}
LIVE = {"training": {"sequences": 2_000_000}}
OF_A_STUDY = {"compare", "outcomes", "study", "study-panels", "boards", "board"}
PARTS = {"outcomes": "#outcomes", "beside": "#beside"}  # pictures of a part of their page
BOARD = "Does fixing the match shorten the plateau?"
FOUND = """
Three subcircuits have to come together. Here each is there from the start, over two seeds.

- Where the **match** is fixed, the loss waits no longer.
- Where only the previous-token heads are, it still does.
"""


@dataclass(frozen=True)
class Shown:
    """What the pictures are of."""

    plain: str  # runs: unclamped, with a clamp, in training
    clamped: str
    live: str
    analysis: str
    study: str  # empty, as what is compared, if no picture is of it
    compared: Sequence[str]
    board: str

    def pages(self) -> dict[str, str]:
        """The address of every picture, by name."""
        return {
            "welcome": "/welcome",
            "runs": "/runs",
            "run": f"/runs/{self.live}",
            "unclamped": f"/runs/{self.plain}",
            "match": f"/runs/{self.clamped}",
            "new": f"/runs/new?like={self.clamped}",
            "compare": f"/compare?runs={','.join(self.compared)}",
            "outcomes": f"/compare?runs={','.join(self.compared)}&outcomes=true",
            "beside": f"/compare?runs={self.plain},{self.clamped}",
            "boards": "/boards",
            "board": f"/boards/{self.board}",
            "studies": "/studies",
            "study": f"/studies/{self.study}",
            "study-panels": f"/studies/{self.study}?view=panels",
            "study-new": "/studies/new",
            "analysis": f"/analyses/{self.analysis}",
            "paper": "/paper",
            "toy": "/toy",
            "workers": "/workers",
            "guide": "/guide",
            "docs": "/docs",
        }


def main() -> int:
    given = _arguments()
    try:
        chromium = ensure_chromium(_say)
    except NoChromiumError as error:
        _say(str(error))
        return 1
    given.out.mkdir(parents=True, exist_ok=True)
    with _running(given.data_dir) as program, sync_playwright() as playwright:
        shown = _prepare(program, with_study=not given.only or bool(OF_A_STUDY & given.only))
        browser = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        pages = {
            name: path
            for name, path in shown.pages().items()
            if not given.only or name in given.only
        }
        size = sum(_take(browser, program.url, pages, given.out))
        browser.close()
        program.cancel_all()  # the run that trained, if it still does
    _say(f"{size / 1e6:.1f} MB in {given.out}")
    return 0


@contextmanager
def _running(data: Path | None) -> Iterator[Program]:
    """The program, compiled as users have it, in `data` or a directory that is removed again."""
    with tempfile.TemporaryDirectory(prefix="optoscope-") as folder:
        place = Path(folder)
        place.chmod(0o755)  # Postgres, started by root, runs as a user of its own
        log, data = place / "up.log", data or place / "data"
        command = [OPTOSCOPE, "up", "--data-dir", data, "--port", "0", "--workers", "1"]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        program = Program(process, log, data)
        try:
            program.until(lambda: _is_up(program), "start", START_SECONDS)
            yield program
        finally:
            process.terminate()
            process.wait(timeout=STOP_SECONDS)


def _is_up(program: Program) -> bool:
    if program.process.poll() is not None:
        raise RuntimeError(f"The program ended while starting:\n{program.said}")
    return "Address" in program.said


def _prepare(program: Program, *, with_study: bool) -> Shown:
    """Trains what is not there yet, and begins the run that trains while pictures are taken."""
    plain, clamped = _finished(program, "unclamped"), _finished(program, "match")
    analysis = _analysis(program, plain)
    study = _study(program) if with_study else ""
    ids = [run["id"] for run in program.get(f"/studies/{study}")["runs"]] if study else []
    board = _board(program, study, plain) if study else ""
    live = program.launch(LIVE, "Watching it happen")
    _say("Waiting for the run that trains")
    program.until(lambda: program.run(live)["sequences"] >= 400_000, "points", TRAIN_SECONDS)
    return Shown(plain, clamped, live, analysis, study, ids[:8], board)


def _finished(program: Program, preset: str) -> str:
    """The newest finished run with the clamps of a preset; trained if there is none."""
    [asked] = [one for one in program.get("/presets") if one["id"] == preset]
    for run in program.get("/runs", state="finished", limit=100)["runs"]:
        config = program.get(f"/runs/{run['id']}/config")
        if config["program"] == asked["config"]["program"]:
            return str(run["id"])
    _say(f"Training: {asked['name']}")
    run_id = program.launch(asked["config"], asked["name"])
    program.until(lambda: program.run(run_id)["is_terminal"], "end of training", TRAIN_SECONDS)
    return run_id


def _analysis(program: Program, run_id: str) -> str:
    """Of every head of a run, alone and removed; a question that is asked once is remembered."""
    asked = program.post("/analyses", kind="ablation_grid", run=run_id)
    _say("Analysing: every head")

    def is_over() -> bool:
        return program.get(f"/analyses/{asked['id']}")["state"] == "finished"

    program.until(is_over, "end of the analysis", TRAIN_SECONDS)
    return str(asked["id"])


def _study(program: Program) -> str:
    """The newest study that is over; launched if there is none."""
    studies = program.get("/studies")["studies"]
    found = next((one["id"] for one in studies if one["progress"]["is_over"]), None)
    if found is not None:
        return str(found)
    _say("Training: a study")
    study_id = str(program.post("/studies", **STUDY)["id"])

    def is_over() -> bool:
        return bool(program.get(f"/studies/{study_id}")["progress"]["is_over"])

    program.until(is_over, "end of the study", TRAIN_SECONDS)
    return study_id


def _board(program: Program, study: str, plain: str) -> str:
    """A page of a lab notebook about the study; made if there is none."""
    known = program.get("/boards")["boards"]
    if found := next((one["id"] for one in known if one["title"] == BOARD), None):
        return str(found)
    blocks = [
        {"kind": "text", "markdown": FOUND},
        {"kind": "study", "study_id": study, "caption": "Loss in training, by what is fixed."},
        {"kind": "run", "run_id": plain, "figure": "induction", "caption": "With nothing fixed."},
    ]
    return str(program.post("/boards", title=BOARD, blocks=blocks)["id"])


def _take(browser: Browser, url: str, pages: dict[str, str], out: Path) -> Iterator[int]:
    """Takes every picture; their sizes in bytes."""
    for scheme in SCHEMES:
        for width, pixels in WIDTHS.items():
            context = browser.new_context(
                base_url=url,
                viewport={"width": pixels, "height": HEIGHTS[width]},
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            context.add_init_script(NO_OFFER)
            page = context.new_page()
            for name, path in pages.items():
                _open(page, path)
                suffix = f"{scheme}-{width}" if width != "wide" else scheme
                part = PARTS.get(name)
                yield _save(page, width, out / f"{name}-{suffix}.png", part)
            context.close()


def _open(page: Page, path: str) -> None:
    page.goto(path)
    if page.locator("#page-data").count():
        page.wait_for_function("() => window.optoscope?.ready", timeout=1000 * DRAW_SECONDS)
    page.evaluate(SETTLED)


def _save(page: Page, width: str, file: Path, part: str | None) -> int:
    """The page from its top, or a part of it, with as many colours as it needs and no more."""
    taken = _whole(page, width) if part is None else _part(page, part)
    image = Image.open(io.BytesIO(taken)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    _say(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")
    return file.stat().st_size


def _whole(page: Page, width: str) -> bytes:
    height = min(page.evaluate("() => document.documentElement.scrollHeight"), TALLEST[width])
    # In a window of that height, so that what keeps to its foot is at the picture's.
    page.set_viewport_size({"width": WIDTHS[width], "height": height})
    page.evaluate(SETTLED)
    taken = page.screenshot(animations="disabled")
    page.set_viewport_size({"width": WIDTHS[width], "height": HEIGHTS[width]})
    return taken


def _part(page: Page, part: str) -> bytes:
    """What is fetched and drawn only as it comes into view is waited for."""
    shown = page.locator(part)
    shown.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    page.evaluate(SETTLED)
    return shown.screenshot(animations="disabled")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="of a stopped program (default: a new one)")
    parser.add_argument("--out", type=Path, default=IMAGES)
    names = "pictures to take, separated by commas (default: all)"
    parser.add_argument("--only", type=lambda text: set(text.split(",")), default=set(), help=names)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
