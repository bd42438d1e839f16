// Records known usage with the Go SDK: interop ENDPOINT CUSTOMER delta|cumulative none|gzip
package main

import (
	"context"
	"log"
	"math"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func main() {
	endpoint, customer, temporality, compression := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	ctx := context.Background()

	options := []otlpmetrichttp.Option{
		otlpmetrichttp.WithEndpointURL(endpoint),
		otlpmetrichttp.WithTemporalitySelector(func(sdk.InstrumentKind) metricdata.Temporality {
			if temporality == "delta" {
				return metricdata.DeltaTemporality
			}
			return metricdata.CumulativeTemporality
		}),
	}
	if compression == "gzip" {
		options = append(options, otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression))
	}
	exporter, err := otlpmetrichttp.New(ctx, options...)
	must(err)
	provider := sdk.NewMeterProvider(sdk.WithReader(sdk.NewPeriodicReader(exporter)))
	meter := provider.Meter("interop", metric.WithInstrumentationVersion("1.0.0"))
	requests, err := meter.Int64Counter("usage.requests", metric.WithUnit("1"))
	must(err)
	largest, err := meter.Int64Counter("usage.largest", metric.WithUnit("1"))
	must(err)
	hours, err := meter.Float64Counter("usage.hours", metric.WithUnit("h"))
	must(err)

	in := func(region string) metric.MeasurementOption {
		return metric.WithAttributes(
			attribute.String("usage.customer.id", customer),
			attribute.String("region", region),
		)
	}
	requests.Add(ctx, 3, in("eu"))
	hours.Add(ctx, 0.1, in("eu"))
	must(provider.ForceFlush(ctx))
	requests.Add(ctx, 9007199254740990, in("eu"))
	largest.Add(ctx, math.MaxInt64, in("eu"))
	hours.Add(ctx, 0.2, in("us"))
	must(provider.ForceFlush(ctx))
	// An export without anything new: cumulative readings come again.
	must(provider.ForceFlush(ctx))
	hours.Add(ctx, 12.25, in("us"))
	must(provider.Shutdown(ctx))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
