"""Pages of the whole site: what is not there, the reference of the API, the files of pages."""

import pytest

from tests.integration.support.html import Document, get


@pytest.mark.parametrize("path", ["/runs/none", "/nothing"])
def test_what_is_not_there_is_a_page_that_leads_back(client, path):
    answer = client.get(path)

    assert answer.status_code == 404
    document = Document(answer.text)
    assert document.one("section", role="alert").text.startswith("404 Not Found")
    assert document.one("a", class_="button")["href"] == "/runs"


def test_the_reference_lists_every_operation_of_the_api(client):
    document = get(client, "/docs")

    openapi = client.get(document.one("a", class_="button")["href"]).json()
    operations = [
        item[method]["operationId"] for item in openapi["paths"].values() for method in item
    ]
    assert sorted(section["id"] for section in document.all("section")) == sorted(operations)


@pytest.mark.parametrize("path", ["/runs", "/runs/new", "/docs"])
def test_every_file_that_a_page_loads_is_served_from_here(client, path):
    document = get(client, path)

    files = [e["src"] for e in document.all("script") if "src" in e.attributes]
    files += [e["href"] for e in document.all("link")]
    assert files
    for file in files:
        assert file.startswith("/static/"), file
        if "/vendor/" not in file:  # put there by the set-up, which these tests do without
            assert client.get(file).status_code == 200, file


def test_what_people_type_who_look_for_the_form_leads_to_it(client):
    answer = client.get("/new")

    assert answer.status_code == 307
    assert answer.headers["Location"] == "/runs/new"
