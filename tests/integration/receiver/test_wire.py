"""The wire format is a contract with tbot: addresses, numbers and types must never change."""

from __future__ import annotations

from protobuf import DescFieldValueEnum, DescFieldValueScalar

from otel_tbot.receiver.wire import tbot_pb
from tests.integration.receiver.http_client import PATH


def test_address() -> None:
    """The service and its method have the names that tbot calls."""
    (service,) = tbot_pb.desc().services
    assert [f"/{service.type_name}/{method.name}" for method in service.methods] == [PATH]


def test_request() -> None:
    """The session, the time and the event have tbot's numbers."""
    fields = {field.name: field.number for field in tbot_pb.SubmitTbotEventRequest.desc().fields}
    assert fields == {"distinct_id": 1, "timestamp": 2, "start": 3}


def test_start_event() -> None:
    """The nine values have tbot's numbers and types."""
    numbers = {field.number: field.name for field in tbot_pb.TbotStartEvent.desc().fields}
    assert numbers == {
        1: "run_mode",
        2: "version",
        3: "join_type",
        4: "helper",
        5: "helper_version",
        6: "destinations_other",
        7: "destinations_database",
        8: "destinations_kubernetes",
        9: "destinations_application",
    }
    run_mode, *others = [field.value for field in tbot_pb.TbotStartEvent.desc().fields]
    assert isinstance(run_mode, DescFieldValueEnum)
    assert all(isinstance(value, DescFieldValueScalar) for value in others)


def test_run_modes() -> None:
    """The run modes have tbot's numbers, and the names of the JSON form."""
    run_mode = tbot_pb.TbotStartEvent.desc().fields[0].value
    assert isinstance(run_mode, DescFieldValueEnum)
    assert run_mode.enum.type_name == "prehog.v1alpha.TbotStartEvent.RunMode"
    modes = {mode.name: mode.number for mode in run_mode.enum.values}
    assert modes == {"RUN_MODE_UNSPECIFIED": 0, "RUN_MODE_ONE_SHOT": 1, "RUN_MODE_DAEMON": 2}


def test_bytes() -> None:
    """The bytes of an event of tbot are decoded correctly."""
    data = bytes.fromhex("0a0161") + bytes.fromhex("12060885f2a7ca06") + bytes.fromhex("1a0c080112023138300138024807")
    request = tbot_pb.SubmitTbotEventRequest.from_binary(data)
    assert (request.distinct_id, request.timestamp.seconds if request.timestamp else 0) == ("a", 1_766_455_557)
    assert request.event is not None
    start = request.event.value
    assert (start.run_mode, start.version) == (tbot_pb.TbotStartEvent.RunMode.ONE_SHOT, "18")
    assert (start.destinations_other, start.destinations_database, start.destinations_application) == (1, 2, 7)
