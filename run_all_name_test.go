package cloudconvert_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// A result without a name would be the failure of the batch itself.
func TestRunAllNamesRefusedWorks(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	toJPG := cloudconvert.Convert{OutputFormat: "jpg"}
	works := []cloudconvert.Work{
		{Request: cloudconvert.Pipeline(cloudconvert.FromBytes("README", []byte("x")), toJPG)},                        // no extension
		{Request: cloudconvert.Pipeline(cloudconvert.FromBytes("a.png", []byte("x")), toJPG), Destination: "out.pdf"}, // another format
		{Request: cloudconvert.Pipeline(cloudconvert.FromBytes("b.png", []byte("x")), toJPG), Options: []cloudconvert.RunOption{nil}},
	}
	names := []string{}
	for result := range server.Client().RunAll(t.Context(), slices.Values(works)) {
		require.ErrorIs(t, result.Err, cloudconvert.ErrInvalid)
		names = append(names, result.Work.Name)
	}
	assert.ElementsMatch(t, []string{"README", "a.png", "b.png"}, names)
	assert.Empty(t, server.Jobs())
}
