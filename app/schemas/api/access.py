"""What the REST API says of tokens and of who did what."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.schemas.text import SOUND, Body

ScopeName = Literal["read", "launch", "admin"]
TokenName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), SOUND
]


class TokenRequest(Body):
    """A token for a program or a person."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "notebook of Ana", "scope": "launch"}]},
    )

    name: TokenName = Field(description="Whose it is; written beside what is done with it")
    scope: ScopeName = Field("read", description="Each allows what those before it do")


class TokenRead(BaseModel):
    """A token, without its text: that is nowhere kept."""

    id: str
    name: str
    scope: ScopeName
    created_at: datetime
    used_at: datetime | None = Field(description="When it was shown last, within seconds")


class TokenMade(TokenRead):
    """A new token."""

    token: str = Field(description="Sent as `Authorization: Bearer ...`; told this once")


class TokensRead(BaseModel):
    """Every token that may be used."""

    tokens: list[TokenRead]


class AuditEventRead(BaseModel):
    """Somebody did something."""

    at: datetime
    who: str = Field(description="The name of their token")
    what: str
    about: str


class AuditRead(BaseModel):
    """The latest events, newest first."""

    events: list[AuditEventRead]
