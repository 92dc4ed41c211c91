"""Doors to servers, with TLS where these have none: the wheels of Postgres and Valkey are built
without."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SSL_REQUEST = bytes.fromhex("00000008 04d2162f")  # Postgres's, before anything is encrypted


@dataclass(frozen=True)
class Certificate:
    """Of a server, signed by itself: who trusts this file trusts that server alone."""

    public: Path
    key: Path


def certificate_for(address: str, folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, address)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False
        )
        .sign(key, hashes.SHA256())
    )
    found = Certificate(folder / "server.crt", folder / "server.key")
    found.public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    found.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return found


@contextmanager
def door(
    listener: socket.socket,
    reach: Callable[[], socket.socket],
    certificate: Certificate | None = None,
    *,
    is_postgres: bool = False,
) -> Iterator[int]:
    """A port where clients reach a server, with a certificate by TLS and not without; until the
    block ends."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.public, certificate.key)
    door = _Door(context, reach, is_postgres)
    with listener:
        thread = threading.Thread(target=door.serve, args=(listener,), daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        door.close()
        thread.join()


class _Door:
    def __init__(
        self, context: ssl.SSLContext | None, reach: Callable[[], socket.socket], is_postgres: bool
    ) -> None:
        self._context, self._reach, self._is_postgres = context, reach, is_postgres
        self._open: set[socket.socket] = set()

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Ends what is connected, also to a machine that is gone."""
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _connect(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if self._is_postgres:
                if client.recv(8, socket.MSG_WAITALL) != SSL_REQUEST:
                    return
                client.sendall(b"S")
            if self._context is None:
                self._hand_on(client)
                return
            with self._context.wrap_socket(client, server_side=True) as inside:
                self._hand_on(inside)

    def _hand_on(self, client: socket.socket) -> None:
        with self._reach() as server:
            ends = {client, server}
            self._open |= ends
            there = threading.Thread(target=_pump, args=(client, server), daemon=True)
            there.start()
            _pump(server, client)
            there.join()
            self._open -= ends


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
