"""Workers, and what is to be removed from their store."""

from datetime import datetime

from sqlalchemy import BigInteger, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base
from app.db.models.columns import Moment


class Worker(Base):
    """A process that takes runs, as it described itself when it was last heard of."""

    __tablename__ = "worker"

    name: Mapped[str] = mapped_column(Text, primary_key=True)  # as in `Run.worker`
    host: Mapped[str] = mapped_column(Text)
    pid: Mapped[int]
    device: Mapped[str] = mapped_column(Text)
    cores: Mapped[int]
    memory: Mapped[int] = mapped_column(BigInteger)  # bytes, of the machine
    memory_free: Mapped[int] = mapped_column(BigInteger)
    torch: Mapped[str] = mapped_column(Text)  # its version
    disk: Mapped[int | None] = mapped_column(BigInteger)  # bytes, of the fullest that it writes to
    disk_free: Mapped[int | None] = mapped_column(BigInteger)
    trouble: Mapped[str] = mapped_column(Text, server_default="")  # why it cannot train
    started_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    # By the database's clock, as it is compared: clocks of workers may be wrong.
    seen_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())


class FileRemoval(Base):
    """A file of the store, or a folder of it, that no row needs and that is to be removed."""

    __tablename__ = "file_removal"

    url: Mapped[str] = mapped_column(Text, primary_key=True)
    noted_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
