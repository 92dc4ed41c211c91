"""The wheel alone, in an environment of its own: what `pip install optoscope` gives people.

The environment finds the libraries of this one, so that nothing is fetched; of the program it has
what the wheel holds. It is used from a folder that has an `app` and a `worker` of its own.
"""

import json
import os
import shutil
import site
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from importlib.metadata import version
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.integration.support.wait import until
from tests.integration.support.worker_process import tiny

ROOT = Path(__file__).resolve().parents[3]
OURS = "_program"
PARTS = ("app", "worker", "web", "migrations")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="Grüße aus "))
    path.chmod(0o755)  # root's Postgres is another user
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def archives(place) -> tuple[Path, Path]:
    """Source distribution and wheel, the wheel built from what the other holds."""
    build(ROOT, "sdist", place / "dist")
    [source] = (place / "dist").glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(place / "source", filter="data")
    [unpacked] = (place / "source").iterdir()
    (programs := unpacked / "worker" / "programs").mkdir(exist_ok=True)
    (programs / "made.program").touch()
    build(unpacked, "wheel", place / "dist")
    [wheel] = (place / "dist").glob("*.whl")
    return source, wheel


def build(tree: Path, target: str, out: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", out]
    subprocess.run(command, cwd=tree, env=bare(), check=True, capture_output=True, timeout=60)


def bare(**more: str) -> dict[str, str]:
    """An environment that leads to no checkout, as on a machine that has none."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPTOSCOPE_")}
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "HOME", "XDG_CACHE_HOME"):
        kept.pop(name, None)
    return kept | more


@pytest.fixture(scope="module")
def python(place, archives) -> Path:
    home = place / "environment"
    venv.create(home, symlinks=True)
    lib = next((home / "lib").glob("python*")) / "site-packages"
    with zipfile.ZipFile(archives[1]) as wheel:
        wheel.extractall(lib)
    # A line of a .pth file is a folder to look into; .pth files in there, such as the one of this
    # checkout, are not followed.
    (lib / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    return home / "bin" / "python"


@pytest.fixture(scope="module")
def elsewhere(place) -> Path:
    """Somebody's own project, whose packages are called as ours are."""
    folder = place / "project"
    for name in PARTS:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise SystemExit('not ours')")
    return folder


def test_a_wheel_has_one_package_with_pages_libraries_and_migrations(archives):
    source, wheel = archives
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    inside = {name.partition(f"{OURS}/")[2] for name in names if f"{OURS}/" in name}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"optoscope"}
    assert {"web/static/vendor/htmx.min.js", "web/static/vendor/plotly-cartesian.min.js"} <= inside
    assert "worker/programs/made.program" in inside
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]
    assert files_of(*PARTS) <= inside
    with tarfile.open(source) as archive:
        assert any(name.endswith("static/vendor/VERSIONS") for name in archive.getnames())


def test_what_is_installed_meets_nobody(python, elsewhere):
    """Only the program's own processes find its parts, and find them before anybody else's."""

    def said(*command: str) -> str:
        done = subprocess.run(
            [python, *command],
            cwd=elsewhere,
            env=bare(),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    assert "not ours" in said("-c", "import app")
    assert "No module named 'app'" in said("-P", "-c", "import app")
    assert said("-m", "optoscope", "--version").startswith("Optoscope ")
    toy = said("-m", "optoscope", "toy", "--preset", "fig5a", "--out", "toy.json")
    assert toy.endswith("Wrote toy.json.\n")


def files_of(*folders: str) -> set[str]:
    """What a checkout has in them, without what running it leaves behind."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts}


@dataclass
class Installed:
    """`optoscope up` of the wheel."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        said = self.log.read_text()
        return said.partition("Address   ")[2].partition("\n")[0]

    def ask(self, path: str, body: object = None) -> HTTPResponse:
        data = None if body is None else json.dumps(body).encode()
        return urlopen(
            Request(self.url + path, data, {"Content-Type": "application/json"}), timeout=30
        )


@pytest.fixture
def installed(place, python, elsewhere) -> Iterator[Installed]:
    log = place / "up.log"
    settings = bare(OPTOSCOPE_COMPILE="false", OPTOSCOPE_THREADS="1")
    command = [python, "-m", "optoscope", "up", "--port", "0", "--workers", "1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=elsewhere, env=settings, stdout=output, stderr=output
        )
    running = Installed(process, log)
    try:
        until(lambda: running.url or process.poll() is not None, seconds=60)
        assert process.poll() is None, log.read_text()
        yield running
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_run_finishes_and_its_chart_is_served(installed):
    [first] = json.load(installed.ask("/api/v1/runs"))["runs"]
    installed.ask(f"/api/v1/runs/{first['id']}/cancel", {})
    config = tiny().model_dump(mode="json")
    run = json.load(installed.ask("/api/v1/runs", {"config": config}))
    address = f"/api/v1/runs/{run['id']}"

    until(lambda: json.load(installed.ask(address))["state"] == "finished", seconds=60)

    figure = json.load(installed.ask(f"{address}/figures/loss"))
    assert len(figure["data"][0]["x"]) == 1 + 16_000 // 250
    assert (
        f"Optoscope {version('optoscope')}" in installed.ask(f"/runs/{run['id']}").read().decode()
    )
    for script in ("htmx.min.js", "plotly-cartesian.min.js"):
        assert installed.ask(f"/static/vendor/{script}").status == 200
