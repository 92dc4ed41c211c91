"""A real nginx in front of a web server, which it serves below a path."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.integration.support.web_server import free_port

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin:/usr/bin")
# As docs/operations.md shows it, with what nginx needs to run as a child in a folder of its own.
_CONFIG = """
daemon off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
  access_log access.log;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port};
    location {root}/ {{
      proxy_pass {url}/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_read_timeout 1h;
    }}
  }}
}}
"""


@contextmanager
def nginx(url: str, root: str, until: Callable[[Callable[[], bool], str], object]) -> Iterator[str]:
    """The address below which it serves what is at `url`, until the block ends."""
    assert NGINX is not None
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="optoscope-nginx-") as place:
        Path(place, "nginx.conf").write_text(_CONFIG.format(port=port, root=root, url=url))
        process = subprocess.Popen([NGINX, "-p", place, "-c", "nginx.conf", "-e", "stderr"])
        at = f"http://127.0.0.1:{port}{root}"

        def answers() -> bool:
            assert process.poll() is None, "nginx ended while starting"
            with suppress(httpx.TransportError):
                return httpx.get(f"{at}/healthz").status_code == httpx.codes.OK
            return False

        try:
            until(answers, "answer of nginx")
            yield at
        finally:
            process.terminate()
            process.wait(timeout=20)
