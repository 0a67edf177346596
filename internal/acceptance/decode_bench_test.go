package acceptance_test

import (
	"bytes"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// BenchmarkDecode decodes typical responses: a job, a page of a hundred jobs with
// their tasks, and a catalog of some hundred kB.
func BenchmarkDecode(b *testing.B) {
	job, err := os.ReadFile("../../testdata/answers/job-finished.json")
	require.NoError(b, err)
	job = bytes.TrimSpace(job[bytes.IndexByte(job, ':')+1 : bytes.LastIndexByte(job, '}')]) // without its envelope
	format := []byte(`{"operation":"convert","input_format":"pdf","output_format":"jpg","engine":"poppler","credits":1,"meta":{"group":"image"},` +
		`"options":[{"name":"pixel_density","type":"integer","default":300,"possible_values":[72,150,300],"label":"Pixel Density"}]},`)
	list := func(entry []byte, n int) string {
		return `{"data":[` + string(bytes.TrimSuffix(bytes.Repeat(append(bytes.TrimSuffix(entry, []byte(",")), ','), n), []byte(","))) + `]}`
	}
	for name, bench := range map[string]struct {
		body string
		call func(*cloudconvert.Client) error
	}{
		"job": {`{"data":` + string(job) + `}`, func(c *cloudconvert.Client) error {
			_, err := c.Jobs.Get(b.Context(), "1")
			return err
		}},
		"jobs": {list(job, 100), func(c *cloudconvert.Client) error {
			_, err := c.Jobs.List(b.Context(), cloudconvert.JobListOptions{})
			return err
		}},
		"formats": {list(format, 1000), func(c *cloudconvert.Client) error {
			_, err := c.Formats.List(b.Context(), cloudconvert.FormatListOptions{})
			return err
		}},
	} {
		b.Run(name, func(b *testing.B) {
			client := testkit.NewClient(b, func(*http.Request) (int, string) { return http.StatusOK, bench.body })
			b.SetBytes(int64(len(bench.body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.call(client); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
