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
			w := &work{plan: p, client: client, sources: map[string]*openSource{}}
			for _, source := range p.sources {
				w.sources[source.task] = &openSource{Source: source.Source, task: source.task, inline: true, size: int64(len(file))}
			}
			body, err := w.body(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if _, err := strictjson.Marshal(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
