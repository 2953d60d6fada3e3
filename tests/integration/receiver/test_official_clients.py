"""The official Connect clients act as tbot: the receiver must understand their form of the protocol."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from connectrpc.code import Code
from connectrpc.codec import proto_binary_codec, proto_json_codec
from connectrpc.compression.gzip import GzipCompression
from connectrpc.errors import ConnectError
from connectrpc.protocol import ProtocolType
from protobuf import Oneof
from protobuf.wkt import FileDescriptorSet

from otel_tbot.receiver.wire import tbot_pb
from otel_tbot.receiver.wire.tbot_connect import TbotReportingServiceClientSync
from otel_tbot.receiver.wire.tbot_pb import SubmitTbotEventRequest
from tests.integration.receiver.http_client import SESSION, START
from tests.support.node import installed

if TYPE_CHECKING:
    from connectrpc.codec import Codec
    from connectrpc.compression import Compression

    from otel_tbot.testing import OTLPReceiver

EVENT = SubmitTbotEventRequest(distinct_id=SESSION, event=Oneof("start", START))
NODE = Path(__file__).with_name("node")
_RUN_WITHIN = 50  # seconds


@pytest.mark.parametrize("protocol", [ProtocolType.CONNECT, ProtocolType.GRPC_WEB])
@pytest.mark.parametrize("codec", [proto_binary_codec(), proto_json_codec()], ids=["binary", "JSON"])
@pytest.mark.parametrize("compression", [None, GzipCompression()], ids=["identity", "gzip"])
def test_python(
    port: int, backend: OTLPReceiver, protocol: ProtocolType, codec: Codec, compression: Compression | None
) -> None:
    """The Python client's event arrives, in every encoding and compression; an invalid one is refused."""
    address = f"http://127.0.0.1:{port}/some/prefix"
    with TbotReportingServiceClientSync(
        address, protocol=protocol, codec=codec, send_compression=compression, timeout_ms=20_000
    ) as client:
        client.submit_tbot_event(EVENT)
        with pytest.raises(ConnectError) as refused:
            client.submit_tbot_event(SubmitTbotEventRequest(distinct_id=SESSION))
    assert refused.value.code is Code.INVALID_ARGUMENT
    assert refused.value.message == "the request has no start event"
    assert [record.attributes["tbot.version"] for record in backend.log_records] == [START.version]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the Node.js client, pinned by its lock file, into its own folder."""
    folder = installed(NODE, tmp_path_factory.mktemp("client"))
    file = tbot_pb.desc()
    files = [dependency.proto for dependency in file.dependencies]
    (folder / "descriptors").write_bytes(FileDescriptorSet(file=[*files, file.proto]).to_binary())
    return folder


def _run_client(node: Path, port: int, version: str) -> subprocess.CompletedProcess[str]:
    """Run the client over a version of HTTP."""
    command = ["node", "play_tbot.js", f"http://127.0.0.1:{port}/some/prefix", version, "descriptors"]
    return subprocess.run(
        command,
        cwd=node,
        capture_output=True,
        text=True,
        check=False,
        timeout=_RUN_WITHIN,
        stdin=subprocess.DEVNULL,
    )


def test_node(port: int, backend: OTLPReceiver, node: Path) -> None:
    """The events of the Node.js client arrive over HTTP/1.1, and it understands the refusal of an invalid one."""
    played = _run_client(node, port, "1.1")
    assert (played.returncode, played.stdout, played.stderr) == (0, "", "")
    versions = [record.attributes["tbot.version"] for record in backend.log_records]
    assert versions == ["1.0.0", "2.0.0", "3.0.0", "4.0.0"]


def test_node_over_http2(port: int, backend: OTLPReceiver, node: Path) -> None:
    """Over HTTP/2, the Node.js client fails at once, because the receiver does not support it."""
    played = _run_client(node, port, "2")
    assert played.returncode == 1
    assert "ConnectError" in played.stderr
    assert backend.log_records == []
