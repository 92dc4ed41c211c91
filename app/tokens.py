"""`optoscope token`: tokens of a server whose database the environment names."""

import argparse
from collections.abc import Callable

from app.config import Settings
from app.db.engine import make_engine, session_scope
from app.errors import AppError
from app.schemas.access import Scope
from app.services.access.tokens import make_token, read_tokens, revoke_token
from app.stack.trouble import StackError

Say = Callable[[str], None]


def act(given: argparse.Namespace, database_url: str, say: Say) -> None:
    """Makes, lists or revokes tokens."""
    settings = Settings(database_url=database_url, redis_url="redis://unused")
    engine = make_engine(settings.database_url)
    try:
        with session_scope(engine) as session:
            if given.act == "make":
                say(make_token(session, given.name, Scope.called(given.scope)).token)
            elif given.act == "revoke":
                revoke_token(session, given.id)
                say(f"Token {given.id} lets nobody in any more.")
            else:
                for token in read_tokens(session).tokens:
                    say(f"{token.id}  {token.scope:<6}  {token.name}")
    except AppError as error:
        raise StackError(error.detail) from None
    finally:
        engine.dispose()


def add_parser(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.description = (
        "Tokens for programs and people, of the server whose database OPTOSCOPE_DATABASE_URL "
        "names. Its page /tokens and POST /api/v1/tokens do the same."
    )
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    make = acts.add_parser("make", help="a new token; its text is written once")
    make.add_argument("name", help="whose it is")
    scopes = [scope.word for scope in Scope]
    make.add_argument("--scope", choices=scopes, default=scopes[0], help="what it allows")
    acts.add_parser("list", help="every token, without its text")
    revoke = acts.add_parser("revoke", help="a token lets nobody in any more")
    revoke.add_argument("id")
