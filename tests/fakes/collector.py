"""A collector on loopback: takes OTLP over HTTP and keeps what it was sent, as the messages of the SDK read it."""

import gzip
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}
WAIT_S = 30.0


class KeptCollector:
    """What a collector was sent. `status` is what it answers from now on."""

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[bytes] = []
        self.asked = 0
        self._requests: list[tuple[str, Any]] = []
        self._news = threading.Condition()
        self.url = ""

    def take(self, path: str, body: bytes) -> int:
        """One request. Returns the status to answer with."""
        with self._news:
            self.asked += 1
            if self.status == 200:
                self.bodies.append(body)
                self._requests.append((path, KINDS[path].FromString(body)))
            self._news.notify_all()
        return self.status

    def wait_asked(self, count: int) -> None:
        """Wait until it was asked so often."""
        with self._news:
            assert self._news.wait_for(lambda: self.asked >= count, WAIT_S), "nobody came"

    def spans(self) -> list[Any]:
        """Every span so far, the first sent first."""
        return [
            span
            for path, request in self._requests
            if path == "/v1/traces"
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[str, Any]:
        """Every metric by name, as it was last sent."""
        return {
            metric.name: metric
            for path, request in self._requests
            if path == "/v1/metrics"
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def wait_spans(self, count: int) -> list[Any]:
        """The spans, once there are so many."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.spans()) >= count, WAIT_S), "no spans came"
        return self.spans()


@contextmanager
def open_collector() -> Generator[KeptCollector]:
    """A collector on a free port, until the block ends."""
    kept = KeptCollector()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            self.send_response(kept.take(self.path, body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        kept.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join(WAIT_S)
