import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.metrics.DoubleCounter;
import io.opentelemetry.api.metrics.LongCounter;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.export.AggregationTemporalitySelector;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Records known usage with the Java SDK: Send ENDPOINT CUSTOMER delta|cumulative none|gzip */
public class Send {
  public static void main(String[] arguments) throws InterruptedException {
    OtlpHttpMetricExporter exporter =
        OtlpHttpMetricExporter.builder()
            .setEndpoint(arguments[0])
            .setCompression(arguments[3])
            .setAggregationTemporalitySelector(
                arguments[2].equals("delta")
                    ? AggregationTemporalitySelector.deltaPreferred()
                    : AggregationTemporalitySelector.alwaysCumulative())
            .build();
    SdkMeterProvider provider =
        SdkMeterProvider.builder()
            .setResource(
                Resource.getDefault()
                    .merge(Resource.create(Attributes.builder().put("service.name", arguments[1]).build())))
            .registerMetricReader(
                PeriodicMetricReader.builder(exporter).setInterval(Duration.ofHours(1)).build())
            .build();
    Meter meter = provider.meterBuilder("interop").setInstrumentationVersion("1.0.0").build();
    LongCounter requests = meter.counterBuilder("usage.requests").setUnit("1").build();
    LongCounter largest = meter.counterBuilder("usage.largest").setUnit("1").build();
    DoubleCounter hours = meter.counterBuilder("usage.hours").setUnit("h").ofDoubles().build();
    Attributes europe = in(arguments[1], "eu");
    Attributes america = in(arguments[1], "us");

    requests.add(3, europe);
    hours.add(0.1, europe);
    flush(provider);
    requests.add(9007199254740990L, europe);
    largest.add(Long.MAX_VALUE, europe);
    hours.add(0.2, america);
    flush(provider);
    // An export without anything new: cumulative readings come again.
    flush(provider);
    hours.add(12.25, america);
    provider.shutdown().join(10, TimeUnit.SECONDS);
  }

  /**
   * The reader frees its exporter a moment after a flush is over, and an export that comes before is dropped without
   * a word, also the last one at shutdown.
   */
  private static void flush(SdkMeterProvider provider) throws InterruptedException {
    provider.forceFlush().join(10, TimeUnit.SECONDS);
    Thread.sleep(200);
  }

  private static Attributes in(String customer, String region) {
    return Attributes.builder().put("usage.customer.id", customer).put("region", region).build();
  }
}
