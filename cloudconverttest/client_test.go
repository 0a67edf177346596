package cloudconverttest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestClient(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer(cloudconverttest.WithCredits(7))
	t.Cleanup(server.Close)
	user, err := server.Client().Users.Me(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 7, user.Credits)

	client, err := cloudconvert.NewClient("wrong", server.Options()...)
	require.NoError(t, err)
	_, err = client.Users.Me(t.Context())
	require.ErrorIs(t, err, cloudconvert.ErrUnauthorized)
}

func TestClientInBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := cloudconverttest.NewServer(cloudconverttest.WithInProcess(), cloudconverttest.WithTaskDuration(time.Hour))
		defer server.Close()
		begin := time.Now()
		job, err := server.Client().Run(t.Context(), cloudconvert.Pipeline(
			cloudconvert.ImportRaw{File: "x", Filename: "a.txt"},
			cloudconvert.ExportURL{},
		))
		require.NoError(t, err)
		assert.Len(t, job.Files(), 1)
		assert.GreaterOrEqual(t, time.Since(begin), 2*time.Hour)
	})
}

func TestInvalidOptionsPanic(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	assert.Panics(t, func() { server.Client(cloudconvert.WithBaseURLs("", "")) })
}
