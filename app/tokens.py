"""`optoscope token`: tokens of a server whose database the environment names."""

import argparse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from app.db.engine import make_engine, session_scope
from app.errors import AppError
from app.schemas.access import Scope
from app.schemas.api.access import TokenRead
from app.services.access.tokens import make_token, read_tokens, revoke_token
from app.stack.environment import checked_settings
from app.stack.trouble import StackError

Say = Callable[[str], None]


def act(given: argparse.Namespace, database_url: str, say: Say) -> None:
    """Creates, lists or revokes tokens."""
    settings = checked_settings(database_url=database_url, redis_url="redis://unused")
    engine = make_engine(settings.database_url)
    try:
        with session_scope(engine) as session:
            if given.act == "create":
                say(make_token(session, given.name, Scope.called(given.scope)).token)
            elif given.act == "revoke":
                revoke_token(session, given.id)
                say(f"Token {given.id} lets nobody in any more.")
            else:
                for token in read_tokens(session).tokens:
                    say(_line(token))
    except AppError as error:
        raise StackError(error.detail) from None
    finally:
        engine.dispose()


def _line(token: TokenRead) -> str:
    """One token: names last, which may hold spaces. Times as on the page: UTC, to the minute."""
    made, used = (f"{at:%Y-%m-%d %H:%M}" if at else "never" for at in _times(token))
    return f"{token.id}  {token.scope:<6}  {made}  {used:<16}  {token.name}"


def _times(token: TokenRead) -> Iterator[datetime | None]:
    for at in (token.created_at, token.used_at):
        yield at.astimezone(UTC) if at else None


def add_parser(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.description = (
        "Tokens for programs and people, of the server whose database OPTOSCOPE_DATABASE_URL "
        "names. Its page /tokens and POST /api/v1/tokens do the same."
    )
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    create = acts.add_parser("create", help="a new token; its text is written once")
    create.add_argument("name", help="whose it is")
    scopes = [scope.word for scope in Scope]
    create.add_argument("--scope", choices=scopes, default=scopes[0], help="what it allows")
    acts.add_parser("list", help="every token, without its text: id, scope, made, last used, whose")
    revoke = acts.add_parser("revoke", help="a token lets nobody in any more")
    revoke.add_argument("id")
