"""What somebody tries who wants to get in, or what keeps others out: on a server with a token."""

import pytest

from tests.integration.support.door import log_in

RUNS = "/api/v1/runs"
# Of other programs on this host: a browser sends the cookies of all ports to each.
OTHERS = ["a/b=c", 'view={"zoom": 1}', "a[b]=1", "lonely", 'x="unended', "=;;="]


@pytest.mark.parametrize("others", OTHERS)
def test_cookies_of_other_programs_neither_break_nor_hide_ours(stranger, others):
    log_in(stranger)
    ours = f"optoscope={stranger.cookies['optoscope']}"
    stranger.cookies.clear()

    assert stranger.get(RUNS, headers={"Cookie": others}).status_code == 401
    for sent in (f"{others}; {ours}", f"{ours}; {others}"):
        assert stranger.get(RUNS, headers={"Cookie": sent}).status_code == 200
