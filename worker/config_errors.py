"""What is wrong with a config, in one line."""

from pydantic import ValidationError


def places_of(error: ValidationError) -> str:
    """What a validation found wrong, each with its place."""
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'config'}: {one['msg']}" for one in error.errors()
    )
