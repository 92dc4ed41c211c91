"""Templates: one environment, typed contexts, pages and the blocks of pages as fragments."""

import re
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2_fragments import render_blocks
from markupsafe import Markup, escape
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import HTMLResponse

from app.assets.bundles import bundle_path
from app.assets.present import WEB, address
from app.root_path import root, rooted
from app.schemas import words
from app.schemas.api.runs import RunRead
from app.schemas.series import MEASURES
from app.services import wording
from app.services.help.guide import explained
from app.services.notes import notes_html

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_ADDRESS = r'(?<=\s)(href|src|action|formaction|hx-get|hx-post)="'
_WRITTEN = re.compile(rf"{_ADDRESS}(?=/)")
_SAID = re.compile(rf"{_ADDRESS}{{{{-?\s*(.+?)\s*-?}}}}")


class Rooted(Extension):
    """Puts the root path before the addresses in a template's attributes: they are written as if
    we were at the root of our host, and none can be forgotten."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """`href="/runs"` becomes `href="{{ root() }}/runs"`, and so on."""
        source = _SAID.sub(r'\1="{{ (\2) | rooted }}', source)
        return _WRITTEN.sub(r'\1="{{ root() }}', source)


def page(
    request: Request, template: str, context: "DataclassInstance", *, status: int = 200
) -> HTMLResponse:
    """A whole page. The context's fields are the template's variables, `server` is the address
    that it is asked at, `navigation` what the bar links to; another is an error."""
    server = f"{str(request.base_url).rstrip('/')}{rooted('/')}"
    variables = _variables(context) | _bar(request) | {"server": server}
    return HTMLResponse(environment.get_template(template).render(variables), status)


def fragment(template: str, blocks: Sequence[str], context: "DataclassInstance") -> HTMLResponse:
    """Some blocks of a page, for htmx to swap in."""
    return HTMLResponse(render_blocks(environment, template, blocks, _variables(context)))


def document(template: str, context: "DataclassInstance") -> str:
    """A page that stands alone: nothing links to it, and it to nothing."""
    return environment.get_template(template).render(_variables(context))


def render_error(
    request: Request, status: int, title: str, detail: str, *, deleted_run: str = ""
) -> HTMLResponse:
    """The page that says what went wrong and what would be right."""
    variables = _bar(request) | {"status": f"{status} {HTTPStatus(status).phrase}"}
    html = environment.get_template("shared/error.html").render(
        variables, title=title, detail=detail, deleted_run=deleted_run
    )
    return HTMLResponse(html, status)


def render_login(
    request: Request, *, status: int = 200, to: str | None = None, said: str = ""
) -> HTMLResponse:
    """The page that asks for a token, in the place of the one that was asked for."""
    query = f"?{request.url.query}" if request.url.query else ""
    to = f"{request.url.path}{query}" if to is None else to
    html = environment.get_template("access/login.html").render(to=to, said=said)
    return HTMLResponse(html, status)


def _bar(request: Request) -> dict[str, Any]:
    """What every page links to: `create_app` says it, for pages do not know of one another."""
    return {"navigation": request.app.state.navigation}


def _variables(context: "DataclassInstance") -> dict[str, Any]:
    return {field.name: getattr(context, field.name) for field in fields(context)}


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M:%S}"


def _phase_change(run: RunRead) -> str:
    known = run.phase_change_between
    return wording.phase_change_said(
        run.phase_change, known, is_clamped=run.phase_change_is_clamped
    )


def _phase_marks(run: RunRead) -> str:
    return wording.phase_marks(run.phase_change, is_clamped=run.phase_change_is_clamped)


def _age(moment: datetime) -> str:
    return wording.age(moment, datetime.now(UTC))


def _prose(text: str) -> Markup:
    """Text whose `quoted` words are code."""
    parts = escape(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part
        for index, part in enumerate(parts)
    )


def _plain(text: str) -> str:
    """The same where there can be no code: in titles, for instance."""
    return text.replace("`", "")


def _json(data: object) -> str:
    """What a page's scripts start from. NaN and infinities, for which JSON has no word, are
    null."""
    # A run's page holds half a megabyte: ten times as fast as the standard library.
    return to_json(data, inf_nan_mode="null").decode()


def _modules(scripts: Sequence[str]) -> Markup:
    """Scripts, and all that they import, as one file."""
    src = rooted(address(bundle_path(*scripts)))
    return Markup('<script type="module" src="{}"></script>').format(src)


def _make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        extensions=[Rooted],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "short": wording.short,
        "between": wording.between,
        "phase_change": _phase_change,
        "phase_marks": _phase_marks,
        "grouped": words.grouped,
        "in_words": words.in_words,
        "fixed": wording.fixed,
        "nats": wording.nats,
        "duration": wording.duration,
        "size": wording.size,
        "age": _age,
        "utc": _utc,
        "clock": _clock,
        "prose": _prose,
        "plain": _plain,
        "markdown": notes_html,
        "rooted": rooted,
    }
    environment.policies |= {"json.dumps_function": _json, "json.dumps_kwargs": {}}
    environment.globals["root"] = root.get
    environment.globals["static"] = address
    environment.globals["modules"] = _modules
    environment.globals["explained"] = explained
    environment.globals["version"] = version("optoscope")
    environment.globals["measures"] = tuple(MEASURES)
    # Macros as globals: a block that is rendered alone does not run its template's imports.
    environment.globals["ui"] = environment.get_template("shared/macros.html").module
    environment.globals["fields"] = environment.get_template("shared/fields.html").module
    return environment


environment = _make_environment()
