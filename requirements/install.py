"""`python requirements/install.py run`: makes .venv and installs the program for running it; `dev`:
with what checks and tests need.

By uv where it can be had, in a fraction of pip's time, else by pip; both by the lock files beside
this one, which have the hash of every file. torch has none: which build of it fits is a matter of
the machine. Standard library only.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VENV = ROOT / os.environ.get("VENV", ".venv")
PYTHON, UV = VENV / "bin" / "python", VENV / "bin" / "uv"
LEAST, BELOW = (3, 11), (3, 15)  # of Python: below it there are wheels of torch

Failed = (OSError, subprocess.CalledProcessError, ValueError, LookupError)


def main(part: str) -> int:
    """Installs; the exit status."""
    if not LEAST <= sys.version_info[:2] < BELOW:
        return _refuse()
    told = pip_settings()
    try:
        _make_environment()
        if os.environ.get("INSTALLER") != "pip":
            _by_uv(part, told)
            return 0
    except Failed as error:
        print(f"uv cannot be used here ({_first_line(error)}); pip is, which takes longer.")
        print(
            "It takes the torch of its index, for Linux the CUDA build; TORCH_INDEX names another."
        )
    try:
        _by_pip(part)
    except Failed as error:
        print(f"Not installed: {_first_line(error)}", file=sys.stderr)
        return 1
    return 0


def _refuse() -> int:
    has = ".".join(map(str, sys.version_info[:3]))
    print(
        f"Optoscope runs on Python 3.11 to 3.14, and this is {has}. Name one of those: "
        "make PYTHON=/path/to/python3.12 ...",
        file=sys.stderr,
    )
    return 1


def _make_environment() -> None:
    """Without pip in it, whose installation takes longer than all else; Debian has none to give."""
    try:
        subprocess.run([PYTHON, "-c", ""], check=True, capture_output=True)
    except Failed:
        print(f"Making {VENV.name} with Python {sys.version.split()[0]}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", VENV], check=True)


def _by_uv(part: str, told: Mapping[str, str]) -> None:
    uv = [str(found_uv()), "pip", "install", "--quiet", "--python", str(PYTHON)]
    environment = os.environ | uv_settings(told)
    print("Installing torch, the largest part")
    for options in (torch_options(os.environ, told, sys.platform), *_rest(part)):
        subprocess.run([*uv, *options], check=True, cwd=ROOT, env=environment)


def _by_pip(part: str) -> None:
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([PYTHON, "-m", "ensurepip"], check=True, capture_output=True)
    print("Installing torch, the largest part")
    for options in (pip_torch_options(os.environ), *_rest(part)):
        subprocess.run([*pip, *options], check=True, cwd=ROOT)


def _rest(part: str) -> tuple[Sequence[str], Sequence[str]]:
    """All but torch, and the program itself, as links to this checkout."""
    return (
        ("--require-hashes", "-r", str(HERE / f"{part}.txt")),
        ("--no-deps", "--no-build-isolation", "--editable", str(ROOT)),
    )


def torch_options(
    environment: Mapping[str, str], told: Mapping[str, str], platform: str
) -> list[str]:
    """uv's: the build for the graphics driver of this machine, or that for the processor.

    TORCH_INDEX is a further index, TORCH_BACKEND a choice such as cpu or cu130. Who has told pip
    of places of their own has what they want there.
    """
    wanted = _torch(environment)
    if index := environment.get("TORCH_INDEX"):
        return [*wanted, "--index", index, "--index-strategy", "unsafe-best-match"]
    backend = environment.get("TORCH_BACKEND")
    if platform == "linux" and (backend or not told):
        return [*wanted, "--torch-backend", backend or "auto"]
    return wanted


def pip_torch_options(environment: Mapping[str, str]) -> list[str]:
    """pip's, which does not look at the machine: what its index has, or one that is named."""
    index = environment.get("TORCH_INDEX")
    return [*_torch(environment), *(["--extra-index-url", index] if index else [])]


def _torch(environment: Mapping[str, str]) -> list[str]:
    """The version that is tested most, or another: TORCH=2.14.1."""
    version = environment.get("TORCH")
    return [f"torch=={version}"] if version else ["-r", str(HERE / "torch.txt")]


def pip_settings() -> dict[str, str]:
    """Where pip was told to look: `index-url` and `find-links`, of its files and environment.

    The latter also where there is no pip, as in what uv makes.
    """
    pip = [sys.executable, "-m", "pip", "config", "list"]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    found = re.findall(r"^([\w:]+)\.(index-url|find-links)='(.*)'$", done.stdout, re.MULTILINE)
    told = {name: text for where, name, text in found if where != ":env:"}
    for name in ("index-url", "find-links"):
        if text := os.environ.get(f"PIP_{name.upper().replace('-', '_')}"):
            told[name] = text  # the last word
    return told


def uv_settings(told: Mapping[str, str]) -> dict[str, str]:
    """The same for uv, which reads no settings of pip. Its own come first."""
    names = {"index-url": "UV_DEFAULT_INDEX", "find-links": "UV_FIND_LINKS"}
    found = {names[name]: ",".join(text.split()) for name, text in told.items()}
    return {name: text for name, text in found.items() if name not in os.environ}


def found_uv() -> Path | str:
    """One that is there, or from its wheel in the locked version."""
    if found := (UV if UV.exists() else shutil.which("uv")):
        return found
    print("Fetching uv")
    wanted = ["install", "--quiet", "--require-hashes", "--no-deps", "-r", str(HERE / "uv.txt")]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(PYTHON)]
    if subprocess.run([*pip, *wanted], capture_output=True, check=False).returncode != 0:
        # A Python without pip may have the one that it would put into environments.
        subprocess.run([PYTHON, "-m", "ensurepip"], check=True, capture_output=True)
        subprocess.run([PYTHON, "-m", "pip", *wanted], check=True, capture_output=True)
    return UV


def _first_line(error: BaseException) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"`{' '.join(map(str, error.cmd[:4]))} ...` ended with {error.returncode}"
    return str(error).partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
