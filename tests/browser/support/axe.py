"""axe-core for the browser tests: in the version of the lock file, put into node_modules once.

`python -m tests.browser.support.axe` does it ahead of the tests.
"""

import json
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from app.stack.assets import ROOT, files_of

NAME = "axe-core/axe.min.js"
FILE = ROOT / "node_modules" / NAME
SERIOUS = ("serious", "critical")
RUN = """
async ({where, rules}) => {
  const only = rules.length ? {runOnly: {type: "rule", values: rules}} : {};
  const {violations} = await axe.run(where ?? document, {...only, resultTypes: ["violations"]});
  return violations.map(({id, impact, help, nodes}) => ({id, impact, help, nodes: nodes.map(
    ({html, failureSummary}) => `${html.slice(0, 160)} :: ${failureSummary}`)}));
}
"""


def ensure_axe() -> Path:
    """The script, fetched from npm unless it is there."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    version = packages["node_modules/axe-core"]["version"]
    if not FILE.exists() or f"axe v{version}" not in FILE.read_text()[:200]:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_bytes(files_of("axe-core", {"axe.min.js": "axe"})["axe"])
    return FILE


def violations(page: Page, where: str | None = None, rules: tuple[str, ...] = ()) -> list[str]:
    """What axe finds serious or critical on a page, or in a part of it; all rules or some."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(ensure_axe().read_text())
    found: list[dict[str, Any]] = page.evaluate(RUN, {"where": where, "rules": list(rules)})
    return [
        "\n  ".join([f"{one['impact']}: {one['id']}: {one['help']}", *one["nodes"][:5]])
        for one in found
        if one["impact"] in SERIOUS
    ]


if __name__ == "__main__":
    sys.stdout.write(f"Browser tests check pages with {ensure_axe()}.\n")
