package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/otel"
)

// traceTo makes a client print a tree of spans whenever an activity has ended.
func traceTo(w io.Writer) cloudconvert.Option {
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(&treeExporter{w: w, children: map[trace.SpanID][]sdktrace.ReadOnlySpan{}}))
	return cloudconvert.WithObserver(otel.NewObserver(otel.WithTracerProvider(provider)))
}

// treeExporter prints spans as trees. A real service exports them to a collector.
type treeExporter struct {
	mu       sync.Mutex
	w        io.Writer
	children map[trace.SpanID][]sdktrace.ReadOnlySpan // of spans that have not ended
}

// ExportSpans prints the spans without a parent, with all within them, and keeps the
// others until theirs have ended.
func (e *treeExporter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, span := range spans {
		if parent := span.Parent().SpanID(); parent.IsValid() {
			e.children[parent] = append(e.children[parent], span)
		} else {
			e.print(span, "")
		}
	}
	return nil
}

func (e *treeExporter) print(span sdktrace.ReadOnlySpan, indent string) {
	fmt.Fprintf(e.w, "%s%s %s", indent, span.Name(), span.EndTime().Sub(span.StartTime()).Round(time.Millisecond))
	for _, attr := range span.Attributes() {
		fmt.Fprintf(e.w, " %s=%s", strings.TrimPrefix(string(attr.Key), "cloudconvert."), attr.Value.String())
	}
	fmt.Fprintln(e.w)
	id := span.SpanContext().SpanID()
	children := e.children[id]
	delete(e.children, id)
	slices.SortFunc(children, func(a, b sdktrace.ReadOnlySpan) int {
		return cmp.Compare(a.StartTime().UnixNano(), b.StartTime().UnixNano())
	})
	for _, child := range children {
		e.print(child, indent+"  ")
	}
}

// Shutdown implements [sdktrace.SpanExporter].
func (*treeExporter) Shutdown(context.Context) error { return nil }
