package request

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
)

func FuzzParseJob(f *testing.F) {
	f.Add([]byte(`{"tasks":{"in":{"operation":"import/url","url":"https://example.com/a.txt"}},"tag":"x"}`))
	f.Add([]byte(`{"tasks":{"a":{"operation":"archive","input":["a",1,null],"output_format":"zip"}}}`))
	f.Add([]byte(`{"tasks":{"":{"operation":1}}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := ParseJob(JSON(body), true)
		if err != nil {
			return
		}
		require.NotEmpty(t, req.Tasks)
		for _, task := range req.Tasks {
			assert.Regexp(t, Name, task.Name)
			assert.Contains(t, catalog.Operations, task.Operation)
		}
	})
}
