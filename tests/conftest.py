"""How tests are shared out among processes, where there are several (`make test`)."""

import pytest

# The program, a browser and a trained run: half a minute. All of the browser's tests are less than
# half of the suite, so the other process is not done before this one.
TOGETHER = ("tests/browser/", "tests/integration/analyses/")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """By whole files, and by whole folders where their files share what takes long to start."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class FolderScheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = next((one for one in TOGETHER if nodeid.startswith(one)), None)
            return folder or super()._split_scope(nodeid)

    return FolderScheduling(config, log)
