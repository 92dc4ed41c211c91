"""Who may do what."""

from dataclasses import dataclass
from enum import IntEnum


class Scope(IntEnum):
    """What a token allows; each allows what those before it do."""

    READ = 1  # pages, series, files
    LAUNCH = 2  # runs and studies: launch, pause, cancel, fork, rename
    ADMIN = 3  # delete; make and revoke tokens

    @classmethod
    def called(cls, name: str) -> "Scope":
        """By its name in lower case."""
        return cls[name.upper()]

    @property
    def word(self) -> str:
        """As users write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request, and what they may do."""

    name: str
    scope: Scope
    token_id: str | None = None  # None: the server's own token, or no token needed


THIS_MACHINE = Caller("this machine", Scope.ADMIN)
