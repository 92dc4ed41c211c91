"""Settings of the services, from `app/config.py`."""

from pydantic.fields import FieldInfo

from app.config import Settings
from reference.markdown import code, table

_PREFIX = str(Settings.model_config["env_prefix"])


def settings() -> str:
    """A table of environment variables, in the order of their declaration."""
    fields = ((f"{_PREFIX}{name.upper()}", of) for name, of in Settings.model_fields.items())
    rows = ((code(name), _default(of), of.description or "") for name, of in fields)
    return table(("variable", "if not set", "what it is"), rows)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be set, but for `optoscope up`"
    return code(_shown(str(field.default)))


def _shown(value: str) -> str:
    """As one writes it in the environment; nothing for what is empty or hidden."""
    if value in ("()", "None"):
        return ""
    return value.lower() if value in ("True", "False") else value.removesuffix(".0")
