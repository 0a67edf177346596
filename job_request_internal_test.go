package cloudconvert

import (
	"bytes"
	"testing"

	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

// BenchmarkJobRequest builds what is sent to convert a file in memory: the pipeline, its
// plan with an export, and the JSON.
func BenchmarkJobRequest(b *testing.B) {
	client, err := NewClient("key")
	if err != nil {
		b.Fatal(err)
	}
	file := bytes.Repeat([]byte("text "), 2000)
	build := func() *JobRequest { return Pipeline(FromBytes("a.txt", file), Convert{OutputFormat: "pdf"}) }
	b.Run("Pipeline", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			build()
		}
	})
	b.Run("Validate", func(b *testing.B) {
		request := build()
		b.ReportAllocs()
		for b.Loop() {
			if err := request.Validate(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("body", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p, err := newPlan(build())
			if err != nil {
				b.Fatal(err)
			}
			sources := newSources(client.core, p.sources)
			if err := sources.openAll(b.Context(), defaultInlineLimit); err != nil {
				b.Fatal(err)
			}
			body := p.body
			if body.Tasks, err = sources.fill(b.Context(), body.Tasks); err != nil {
				b.Fatal(err)
			}
			if _, err := strictjson.Marshal(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
