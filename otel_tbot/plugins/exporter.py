"""What both anonymous exporters do: ask for consent, match the event, rebuild it, export it, warn once per cause.

The consent check is inside `export()`, where no sampler, processor or configuration can bypass it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from otel_tbot.errors import InvalidEventError
from otel_tbot.event import validate_attributes
from otel_tbot.log_warning import warn
from otel_tbot.opt_in import consent, is_opt_in_set
from otel_tbot.otlp.client import ExportResult, OTLPClient
from otel_tbot.otlp.failure_reason import without_numbers
from otel_tbot.records import build_resource
from otel_tbot.schema.constants import EVENT_NAME
from otel_tbot.session import Session, current_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from opentelemetry.sdk.resources import Resource

    from otel_tbot.event import EventAttributes
    from otel_tbot.otlp.settings import Signal


class EventMatcher:
    """Matches the events of one batch; the events of one session share one resource, as the encoder expects."""

    def __init__(self) -> None:
        self._resources: dict[str, Resource] = {}

    def match(self, name: object, attributes: object) -> tuple[EventAttributes, Resource] | None:
        """Return the event of a record or span and the resource of its session; None if it is not a `tbot.start`.

        Raises:
            InvalidEventError: it is a `tbot.start` with values that no start event may have.
        """
        # A name of another type could compare as equal to ours.
        if type(name) is not str or name != EVENT_NAME:
            return None
        values = attributes if isinstance(attributes, Mapping) else {}
        return validate_attributes(values), self._resource(values.get("session.id"))

    def _resource(self, session_id: object) -> Resource:
        """Return the resource of the named session, or of the process's session if it names no valid one."""
        # An object of another type could compare as equal to a session's id.
        key = session_id if type(session_id) is str else ""
        if key not in self._resources:
            session = _session(key)
            self._resources[key] = self._resources.setdefault(session.id, build_resource(session))
        return self._resources[key]


def _session(session_id: str) -> Session:
    try:
        return Session(id=session_id)
    except InvalidEventError:
        return current_session()


class _GivenExporter:
    """The host's exporter, with the interface of `OTLPClient`."""

    def __init__(self, exporter: Any) -> None:  # noqa: ANN401  any
        self._exporter = exporter

    def export(self, make_records: Callable[[], Sequence[Any]]) -> ExportResult:
        """Export. The host's exporter reports its failures itself."""
        return ExportResult(accepted=self._exporter.export(make_records()).name == "SUCCESS")

    def force_flush(self, timeout_millis: int) -> bool:
        """Flush."""
        return bool(self._exporter.force_flush(timeout_millis))

    def shutdown(self) -> None:
        """Shut down."""
        self._exporter.shutdown()


class ExportFilter:
    """Wraps an exporter, and exports only rebuilt events."""

    def __init__(self, signal: Signal, exporter: Any, keywords: Mapping[str, object]) -> None:  # noqa: ANN401  any
        """Wrap `exporter`, or where it is None the OTLP exporter that the settings describe.

        Raises nothing: an exception in a plug-in's constructor would abort the host's whole SDK configuration.
        """
        if not (exporter is None or _can_export(exporter)):
            # A declarative file can have anything under this name. The first export reports it as an unknown keyword.
            exporter, keywords = None, {**keywords, "exporter": exporter}
        self._client = OTLPClient(signal, keywords) if exporter is None else _GivenExporter(exporter)
        self._warned: set[str] = set()

    def export(self, records: Sequence[Any], rebuild: Callable[[Any, EventMatcher], Any]) -> bool:
        """Export what `rebuild` returns for each record; None, or an error, drops the record.

        Returns:
            False only if an event was not delivered. Without consent, or without an event, there is none.
        """
        if not is_opt_in_set():
            return True
        decision = consent()
        if not decision:
            if decision.tbot_would_accept:
                self._warn(decision.reason)
            return True
        try:
            rebuilt = list(self._rebuild_all(records, rebuild))
            if not rebuilt:
                return True
            accepted, reason = self._client.export(lambda: rebuilt)
        except Exception as error:  # noqa: BLE001  an exporter never raises into its host
            accepted, reason = False, f"the exporter failed ({type(error).__name__})"
        if reason:
            self._warn(f"tbot.start was not delivered: {reason}")
        return accepted

    def force_flush(self, timeout_millis: int) -> bool:
        """Flush a wrapped exporter; the OTLP exporter buffers nothing."""
        with suppress(Exception):
            return self._client.force_flush(timeout_millis)
        return False

    def shutdown(self) -> None:
        """Shut down the wrapped exporter."""
        with suppress(Exception):
            self._client.shutdown()

    def _rebuild_all(self, records: Sequence[Any], rebuild: Callable[[Any, EventMatcher], Any]) -> Iterator[Any]:
        matcher = EventMatcher()
        for record in records:
            # An invalid record must not keep the others from being exported.
            try:
                rebuilt = rebuild(record, matcher)
            except InvalidEventError as error:  # noqa: PERF203  each record is validated separately
                self._warn(f"a record of tbot.start was dropped: {error}")
            except Exception:  # noqa: BLE001, S112  an object that is not a record at all
                continue
            else:
                if rebuilt is not None:
                    yield rebuilt

    def _warn(self, cause: str) -> None:
        key = without_numbers(cause)
        if key not in self._warned:
            self._warned.add(key)
            warn("%s", cause)


def _can_export(exporter: object) -> bool:
    with suppress(Exception):  # the attribute may be a property that raises
        return callable(getattr(exporter, "export", None))
    return False
