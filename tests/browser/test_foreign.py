"""A page of another origin, open in the same browser: it cannot launch, read or cancel."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from app.config import Settings
from app.main import create_app
from tests.browser.support.foreign import TRIES, other_site
from tests.browser.support.locked import servers_of
from tests.browser.support.program import ENDLESS
from tests.integration.support.web_server import serving


@pytest.fixture(scope="module")
def foreign_port() -> Iterator[int]:
    with other_site() as port:
        yield port


@pytest.fixture
def other_page(browser):
    """A page whose complaints are no fault of ours."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


FRAME = """url => {
  const frame = document.createElement("iframe");
  Object.assign(frame, {src: url, width: 900, height: 500});
  document.body.append(frame);
}"""


def test_a_card_is_live_in_a_frame_of_the_site_that_a_setting_names_and_of_no_other(
    program, finished_run, other_page, foreign_port
):
    environment = {name.lower(): value for name, value in servers_of(program).items()}
    said = {name.removeprefix("optoscope_"): value for name, value in environment.items()}
    named = f"http://localhost:{foreign_port}"
    with serving(create_app(Settings(**said, embed_origins=named))) as server:
        address = f"{server.url}/runs/{finished_run}?embed=1".replace("127.0.0.1", "localhost")
        other_page.goto(named)
        other_page.evaluate(FRAME, address)
        inside = other_page.frame_locator("iframe")

        expect(inside.locator("#loss-chart .scatterlayer path").first).to_be_attached()
        expect(inside.get_by_role("link", name="A finished run")).to_be_visible()
        shown = inside.locator(".card:visible")
        expect(shown).to_have_count(1)
        expect(inside.get_by_role("banner")).to_have_count(0)

        other_page.goto(named.replace("localhost", "127.0.0.1"))
        with other_page.expect_console_message(lambda said: "frame-ancestors" in said.text):
            other_page.evaluate(FRAME, address)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])  # the same site, and another one
def test_a_page_of_another_origin_cannot_launch_read_or_cancel(
    program, other_page, foreign_port, name
):
    run_id = program.launch(ENDLESS, "Ours")
    before = len(program.get("/runs")["runs"])
    other_page.goto(f"http://{name}:{foreign_port}/")

    got = other_page.evaluate(TRIES, [program.url, run_id])

    assert (got["read"], got["stream"], got["image"]) == ("refused",) * 3
    assert set(got["sent"]) <= {"opaque", "refused"}
    assert len(program.get("/runs")["runs"]) == before
    assert program.run(run_id)["state"] not in ("stopping", "cancelled", "pausing", "paused")
    program.cancel(run_id)


def test_a_form_of_another_origin_launches_nothing(program, other_page, foreign_port):
    before = len(program.get("/runs")["runs"])
    other_page.goto(f"http://localhost:{foreign_port}/")
    with other_page.expect_navigation() as navigation:
        other_page.evaluate(
            "action => { const form = document.createElement('form');"
            " Object.assign(form, {method: 'post', action}); document.body.append(form);"
            " form.submit(); }",
            f"{program.url}/runs",
        )

    assert navigation.value.status == 403
    assert len(program.get("/runs")["runs"]) == before


def test_a_link_of_another_origin_leads_to_our_page(program, other_page, foreign_port):
    other_page.goto(f"http://localhost:{foreign_port}/")
    other_page.evaluate(
        "url => { const link = document.createElement('a'); link.href = url;"
        " link.textContent = 'there'; document.body.append(link); }",
        f"{program.url}/runs",
    )
    with other_page.expect_navigation() as navigation:
        other_page.get_by_text("there").click()

    assert navigation.value.status == 200
