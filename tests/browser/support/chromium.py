"""A Chromium for the browser tests: found, or installed, and said which.

In this order: one on the PATH, the one that Playwright downloads, the distribution's package (only
root can install that). `python -m tests.browser.support.chromium` does it ahead of the tests.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = {  # installer: commands that install the package
    "apt-get": (["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]),
    "dnf": (["dnf", "install", "-y", "chromium"],),
    "apk": (["apk", "add", "chromium"],),
}
INSTALL_SECONDS = 600
ASK_PLAYWRIGHT = (
    "from playwright.sync_api import sync_playwright\n"
    "with sync_playwright() as playwright: print(playwright.chromium.executable_path)"
)

Say = Callable[[str], None]


class NoChromiumError(Exception):
    """There is none, and none can be had. The message says what was tried."""


def find_chromium() -> Path | None:
    """A Chromium that is there already and starts."""
    for find in (*(partial(shutil.which, name) for name in NAMES), _playwrights_own):
        candidate = find()
        if candidate is not None and _version(Path(candidate)):
            return Path(candidate)
    return None


def ensure_chromium(say: Say) -> Path:
    """A Chromium that starts; downloads or installs one if there is none."""
    attempts = []
    for install in (None, _download_playwrights, _install_package):
        if install is not None:
            attempts.append(install(say))
        found = find_chromium()
        if found is not None:
            say(f"Browser tests use {found} ({_version(found)}).")
            return found
    raise NoChromiumError(
        "There is no Chromium for the browser tests, and none could be installed: "
        f"{'; '.join(attempts)}. Install one as `chromium` on the PATH."
    )


def _download_playwrights(say: Say) -> str:
    say("No Chromium on the PATH; downloading Playwright's own.")
    return _run([sys.executable, "-m", "playwright", "install", "chromium"])


def _install_package(say: Say) -> str:
    installer = next((name for name in PACKAGES if shutil.which(name)), None)
    if installer is None:
        return "no package manager is known here"
    if os.geteuid() != 0:
        return f"{installer} is for root"
    say(f"Installing the package `chromium` with {installer}.")
    return "; ".join(_run(command) for command in PACKAGES[installer])


def _run(command: list[str]) -> str:
    """Runs an installer; how it went, in a few words."""
    name = " ".join(Path(part).name for part in command)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"`{name}` failed ({type(error).__name__})"
    if done.returncode == 0:
        return f"what `{name}` installed does not start"
    lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
    return f"`{name}` failed ({lines[-1].strip()})"


def _playwrights_own() -> str | None:
    asked = subprocess.run(
        [sys.executable, "-c", ASK_PLAYWRIGHT], capture_output=True, text=True, check=False
    )
    path = asked.stdout.strip()
    return path if path and Path(path).exists() else None


def _version(candidate: Path) -> str:
    """What it says it is; nothing if it cannot start, like Ubuntu's pointer to a snap."""
    try:
        asked = subprocess.run(
            [str(candidate), "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Says which Chromium there is; without one the browser tests are skipped, except in CI."""
    try:
        ensure_chromium(_say)
    except NoChromiumError as error:
        sys.stderr.write(f"{error}\n")
        return 1 if os.environ.get("CI") else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
