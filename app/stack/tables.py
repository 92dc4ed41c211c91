"""The migrations, with what can keep them from being applied said in a sentence."""

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from app.db.whole.migrate import upgrade
from app.stack.trouble import StackError


def bring_up_to_date(database_url: str) -> None:
    """Gives the database the tables of this version."""
    try:
        upgrade(database_url)
    except CommandError as error:
        raise StackError(
            f"The database was made by another version of Optoscope ({error}); use that one, or "
            "another database."
        ) from None
    except SQLAlchemyError as error:
        complaint = str(error.__cause__ or error).strip().splitlines()[0]
        raise StackError(f"The tables could not be made in the database: {complaint}") from None
