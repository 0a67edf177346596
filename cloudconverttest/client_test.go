package cloudconverttest_test

import (
	"bytes"
	"strings"
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

	client, err := cloudconvert.NewClient("wrong", server.ClientOptions()...)
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

// A server in a container is reached by another host and another port than it listens on.
func TestPublicURL(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer(cloudconverttest.WithPublicURL("http://sandbox.test:9090/"))
	t.Cleanup(server.Close)
	assert.Equal(t, "http://sandbox.test:9090/v2", server.URL)
	assert.Regexp(t, `^http://sandbox\.test:\d+/v2$`, server.SyncURL)
	assert.Regexp(t, `^http://sandbox\.test:\d+$`, server.EventsURL)
	signed, _ := server.SignedURLBase()
	_, token := server.OAuthURLs()
	urls := []string{signed, token}

	client := server.Client()
	job, err := client.Run(t.Context(), cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("a")), cloudconvert.ExportURL{}))
	require.NoError(t, err)
	imported, err := client.Run(t.Context(), cloudconvert.Pipeline(cloudconvert.FromURL(job.Files()[0].URL), cloudconvert.ExportURL{}))
	require.NoError(t, err, "the server imports from its own storage")
	var text bytes.Buffer
	_, err = client.Download(t.Context(), imported.Files()[0], &text)
	require.NoError(t, err)
	assert.Equal(t, "a", text.String())
	urls = append(urls, imported.Files()[0].URL)

	upload, err := client.Jobs.Create(t.Context(), cloudconvert.Pipeline(cloudconvert.ImportUpload{}, cloudconvert.ExportURL{}))
	require.NoError(t, err)
	task, _ := upload.Task("import-upload")
	form, err := client.Tasks.UploadForm(t.Context(), task.ID)
	require.NoError(t, err)
	for _, url := range append(urls, form.URL) {
		assert.True(t, strings.HasPrefix(url, "http://sandbox.test:9090/"), url)
	}
}

func TestPublicURLNeedsHost(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"sandbox:8080", "http://$(id)", "http://sandbox/v2"} {
		_, err := cloudconverttest.Start(cloudconverttest.WithPublicURL(url))
		assert.ErrorContains(t, err, "want a scheme and a host", url)
	}
}
