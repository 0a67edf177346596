package cloudconverttest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func FuzzParseJob(f *testing.F) {
	f.Add([]byte(`{"tasks":{"in":{"operation":"import/url","url":"https://example.com/a.txt"}},"tag":"x"}`))
	f.Add([]byte(`{"tasks":{"a":{"operation":"archive","input":["a",1,null],"output_format":"zip"}}}`))
	f.Add([]byte(`{"tasks":{"":{"operation":1}}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := parseJob(jsonFields(body), true)
		if err != nil {
			return
		}
		require.NotEmpty(t, req.tasks)
		for _, task := range req.tasks {
			assert.Regexp(t, taskName, task.name)
			assert.Contains(t, operations, task.operation)
		}
	})
}
