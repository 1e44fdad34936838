"""Reports by OpenTelemetry: printed, or sent to Application Insights. It is loaded only when `TELEMETRY` asks for it.

The providers are our own, never the process's global ones. So nothing gets out but what this module receives.
Libraries that would trace by themselves (the Azure SDKs, with whole URLs) find no provider.
"""

import logging
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from opentelemetry import context as otel_context
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from connector.errors import ConnectorError
from connector.telemetry import MEASURES, Fact, Kind, Telemetry

_NAME = "connector"
_LOGGER = logging.getLogger(_NAME)
_W3C = TraceContextTextMapPropagator()
_KINDS = {"request": SpanKind.SERVER, "step": SpanKind.CONSUMER}
_SECONDS_BETWEEN_METRICS = 60

EXTRAS = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
)
"""Environment variables, the only way to turn off what the exporters would tell Microsoft, or add to the bill."""


class OpenTelemetry(Telemetry):
    """Sends spans and measures to these processors, and the connector's log lines too if there is one for them.

    `close` it when done: it waits until everything is out.
    """

    def __init__(self, spans: SpanProcessor, metrics: MetricReader, logs: LogRecordProcessor | None = None) -> None:
        resource = Resource.create({"service.name": "video-connector"})
        # The default sampler would drop each span below one of the host that is not marked as sampled.
        self._traces = TracerProvider(ALWAYS_ON, resource)
        self._traces.add_span_processor(spans)
        self._tracer = self._traces.get_tracer(_NAME)
        self._metrics = MeterProvider([metrics], resource=resource)
        meter = self._metrics.get_meter(_NAME)
        self._measures = {
            name: meter.create_histogram(name, unit, description) for name, (unit, description) in MEASURES.items()
        }
        self._handler = None if logs is None else _Handler(resource, logs)
        if self._handler is not None:
            _LOGGER.addHandler(self._handler)

    @contextmanager
    def invocation(self, parent: str) -> Iterator[None]:
        # Worker threads are reused, so the context that the thread had before must not apply.
        token = otel_context.attach(_remote(parent))
        try:
            yield
        finally:
            otel_context.detach(token)

    @contextmanager
    def span(self, name: str, facts: Mapping[str, Fact], parent: str = "", kind: Kind = "step") -> Iterator[None]:
        outer = get_current_span().get_span_context()
        given = _remote(parent) if parent else None
        # The span continues the video's trace. What started it now, a request or the host's span, is another trace.
        links = [Link(outer)] if given is not None and outer.is_valid else []
        # Application Insights makes a request of each SERVER or CONSUMER span, and the outer span is a request already.
        shown = SpanKind.INTERNAL if outer.is_valid else _KINDS[kind]
        with self._tracer.start_as_current_span(
            name,
            given,
            shown,
            facts,
            links,
            record_exception=False,  # its text may say too much
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise

    def add(self, **facts: Fact) -> None:
        get_current_span().set_attributes(facts)

    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier.get("traceparent", "")

    def measure(self, name: str, value: float, **facts: Fact) -> None:
        self._measures[name].record(value, facts)

    def close(self) -> None:
        if self._handler is not None:
            _LOGGER.removeHandler(self._handler)
            _LOGGER.propagate = True
            self._handler.close()
        self._traces.shutdown()
        self._metrics.shutdown()


def _remote(traceparent: str) -> otel_context.Context:
    """Returns a context whose current span is `traceparent`; it has none if that is empty or malformed."""
    return _W3C.extract({"traceparent": traceparent}, otel_context.Context())


class _Handler(logging.Handler):
    """Sends log lines, with the values in `extra`, under the current span."""

    def __init__(self, resource: Resource, processor: LogRecordProcessor) -> None:
        super().__init__()
        self._provider = LoggerProvider(resource)
        self._provider.add_log_record_processor(processor)
        self._logger = self._provider.get_logger(_NAME)

    def emit(self, record: logging.LogRecord) -> None:
        facts = {name: value for name, value in vars(record).items() if name not in _STANDARD_ATTRIBUTES}
        if record.exc_info and record.exc_info[0] is not None:
            facts["exception.type"] = record.exc_info[0].__name__
            if isinstance(record.exc_info[1], ConnectorError):  # texts of our own hold no secret
                facts["exception.message"] = str(record.exc_info[1])
            facts["exception.stacktrace"] = "".join(traceback.format_tb(record.exc_info[2]))
        self._logger.emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                severity_text=record.levelname,
                severity_number=_severity(record.levelno),
                body=record.getMessage(),
                attributes={name: value for name, value in facts.items() if isinstance(value, Fact)},
            )
        )

    def close(self) -> None:
        self._provider.shutdown()
        super().close()


_STANDARD_ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


def _severity(level: int) -> SeverityNumber:
    """Returns the number of a level: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber"""
    if level >= logging.ERROR:
        return SeverityNumber.ERROR
    return SeverityNumber.WARN if level >= logging.WARNING else SeverityNumber.INFO


def printed(out: TextIO | None = None) -> OpenTelemetry:
    """Returns telemetry that prints each span as a line of JSON when it ends, and all measures once a minute.

    Log lines are printed anyway.
    """
    out = out or sys.stdout
    return OpenTelemetry(
        SimpleSpanProcessor(ConsoleSpanExporter(out=out, formatter=_line)),
        PeriodicExportingMetricReader(
            ConsoleMetricExporter(out=out, formatter=lambda data: f"{data.to_json(indent=None)}\n"),
            _SECONDS_BETWEEN_METRICS * 1000,
        ),
    )


def _line(span: ReadableSpan) -> str:
    return f"{span.to_json(indent=None)}\n"


def application_insights(connection_string: str) -> OpenTelemetry:
    """Returns telemetry that is sent from threads of its own.

    The exporters sign in as APPLICATIONINSIGHTS_AUTHENTICATION_STRING says. Nothing waits on disk: what cannot be sent
    in time is lost. Raises ValueError for a wrong connection string.
    """
    from azure.monitor.opentelemetry.exporter import (
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    for name in EXTRAS:
        os.environ.setdefault(name, "true")
    options = {"connection_string": connection_string, "disable_offline_storage": True}
    # The Functions host would send again what reaches the root logger, and without the facts.
    _LOGGER.propagate = False
    _LOGGER.setLevel(logging.INFO)
    # The exporters write a line at INFO about each batch that they sent.
    logging.getLogger("azure").setLevel(logging.WARNING)
    return OpenTelemetry(
        BatchSpanProcessor(AzureMonitorTraceExporter(**options)),
        PeriodicExportingMetricReader(AzureMonitorMetricExporter(**options), _SECONDS_BETWEEN_METRICS * 1000),
        BatchLogRecordProcessor(AzureMonitorLogExporter(**options)),
    )
