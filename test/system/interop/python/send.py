"""Records known usage with the Python SDK: send.py ENDPOINT CUSTOMER delta|cumulative none|gzip"""

import sys

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader

endpoint, customer, temporality, compression = sys.argv[1:]
exporter = OTLPMetricExporter(
    endpoint=endpoint,
    compression=Compression.Gzip if compression == "gzip" else Compression.NoCompression,
    preferred_temporality={
        Counter: AggregationTemporality.DELTA if temporality == "delta" else AggregationTemporality.CUMULATIVE
    },
)
provider = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)])
meter = provider.get_meter("interop", "1.0.0")
requests = meter.create_counter("usage.requests", unit="1")
largest = meter.create_counter("usage.largest", unit="1")
hours = meter.create_counter("usage.hours", unit="h")
attributes = {"usage.customer.id": customer, "region": "eu"}

requests.add(3, attributes)
hours.add(0.1, attributes)
provider.force_flush()
requests.add(9007199254740990, attributes)
largest.add(9223372036854775807, attributes)
hours.add(0.2, {**attributes, "region": "us"})
provider.force_flush()
# An export without anything new: cumulative readings come again.
provider.force_flush()
hours.add(12.25, {**attributes, "region": "us"})
provider.shutdown()
