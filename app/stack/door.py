"""Whether an address may be served: those that others can reach ask for a token."""

from app.stack.environment import checked_settings
from app.stack.listener import Listener
from app.stack.trouble import StackError


def check_token(listener: Listener) -> None:
    """Raises unless only this machine can reach the address, or a token was set."""
    settings = checked_settings(database_url="postgresql://", redis_url="redis://")
    try:
        token = settings.access_token
    except ValueError as error:
        raise StackError(str(error)) from None
    if listener.is_public and not token:
        raise StackError(
            f"Other machines can reach {listener.host}, so a token is needed: set OPTOSCOPE_TOKEN "
            "to what people and programs must show (or OPTOSCOPE_TOKEN_FILE to a file with it), "
            "for instance to what `python -c 'import secrets; print(secrets.token_urlsafe())'` "
            "prints. Without one, serve 127.0.0.1."
        )
