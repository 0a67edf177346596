package otel_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	ccotel "github.com/cloudconvert/cloudconvert-go/otel" // beside go.opentelemetry.io/otel
)

// Print the spans and the credits of a conversion. A program that sets the global
// providers of OpenTelemetry needs no options.
func Example() {
	server := cloudconverttest.NewServer()
	defer server.Close()
	ctx := context.Background()

	traces := tracetest.NewInMemoryExporter()
	reader := metric.NewManualReader()
	client, err := cloudconvert.NewClient(server.Key(), append(server.ClientOptions(),
		cloudconvert.WithObserver(ccotel.NewObserver(
			ccotel.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(traces))),
			ccotel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(reader))),
		)))...)
	if err != nil {
		log.Print(err)
		return
	}

	_, err = client.Run(ctx, cloudconvert.Pipeline(
		cloudconvert.FromBytes("notes.txt", []byte("some notes")),
		cloudconvert.Archive{OutputFormat: "zip"},
	))
	if err != nil {
		log.Print(err)
		return
	}

	for _, span := range traces.GetSpans() { // in the order of their ends
		fmt.Println(span.Name)
	}
	var metrics metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &metrics); err != nil {
		log.Print(err)
		return
	}
	for _, m := range metrics.ScopeMetrics[0].Metrics {
		if credits, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == "cloudconvert.credits" {
			fmt.Println(m.Name, credits.DataPoints[0].Value)
		}
	}
	// Output:
	// cloudconvert.request
	// cloudconvert.create
	// cloudconvert.run
	// cloudconvert.credits 1
}

// Report to the global providers of OpenTelemetry.
func ExampleNewObserver() {
	key := "an-invented-key"

	client, err := cloudconvert.NewClient(key, cloudconvert.WithObserver(ccotel.NewObserver()))

	fmt.Println(client, err)
	// Output: cloudconvert.Client(api.cloudconvert.com) <nil>
}
