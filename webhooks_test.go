package cloudconvert_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

const wireWebhook = `{
	"id": "d3c7f3a0-5a0b-4d0e-8f0c-1b2a3c4d5e6f", "url": "https://example.com/hook/s3cr3t-path", "events": ["job.finished", "job.new"],
	"disabled": false, "failing": true, "signing_secret": "s3cr3t-signing", "created_at": "2026-09-14T08:15:30+00:00",
	"updated_at": "2026-09-14T09:15:30+00:00",
	"links": {"self": "https://api.cloudconvert.com/v2/webhooks/d3c7f3a0-5a0b-4d0e-8f0c-1b2a3c4d5e6f"}
}`

func TestWebhooksCreate(t *testing.T) {
	t.Parallel()
	client := testkit.NewClient(t, func(r *http.Request) (int, string) {
		body, err := io.ReadAll(r.Body)
		assert.Equal(t, "POST https://api.cloudconvert.com/v2/webhooks", r.Method+" "+r.URL.String())
		assert.JSONEq(t, `{"url": "https://example.com/hook?a=1&b=2", "events": ["job.finished", "job.failed"]}`, string(body))
		assert.Contains(t, string(body), "&")
		assert.NoError(t, err)
		return http.StatusCreated, `{"data": ` + wireWebhook + `}`
	})
	webhook, err := client.Webhooks.Create(t.Context(), cloudconvert.WebhookRequest{
		URL:    "https://example.com/hook?a=1&b=2",
		Events: []cloudconvert.Event{cloudconvert.EventJobFinished, cloudconvert.EventJobFailed},
	})
	require.NoError(t, err)
	created := time.Date(2026, 9, 14, 8, 15, 30, 0, time.UTC)
	assert.WithinDuration(t, created, webhook.CreatedAt, 0)
	assert.WithinDuration(t, created.Add(time.Hour), webhook.UpdatedAt, 0)
	webhook.CreatedAt, webhook.UpdatedAt = time.Time{}, time.Time{}
	id := "d3c7f3a0-5a0b-4d0e-8f0c-1b2a3c4d5e6f"
	assert.Equal(t, &cloudconvert.Webhook{
		ID: id, URL: "https://example.com/hook/s3cr3t-path", Events: []cloudconvert.Event{"job.finished", "job.new"},
		Failing: true, SigningSecret: "s3cr3t-signing", Links: cloudconvert.Links{Self: "https://api.cloudconvert.com/v2/webhooks/" + id},
	}, webhook)
}

func TestWebhooksCreateRefusesInvalidRequests(t *testing.T) {
	t.Parallel()
	some := []cloudconvert.Event{cloudconvert.EventJobFinished}
	for name, request := range map[string]cloudconvert.WebhookRequest{
		"empty":        {},
		"no URL":       {Events: some},
		"no events":    {URL: "https://example.com/s3cr3t"},
		"a path":       {URL: "/hook/s3cr3t", Events: some},
		"no host":      {URL: "https:///s3cr3t", Events: some},
		"not http":     {URL: "ftp://example.com/s3cr3t", Events: some},
		"control byte": {URL: "https://example.com/s3cr3t\x00", Events: some},
		"not escaped":  {URL: "https://example.com/s3cr3t%zz", Events: some},
		"a blank host": {URL: "https:// /s3cr3t", Events: some},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := testkit.NewClient(t, func(*http.Request) (int, string) {
				assert.Fail(t, "no request may be sent")
				return http.StatusCreated, ""
			})
			_, err := client.Webhooks.Create(t.Context(), request)
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			assert.NotContains(t, err.Error(), "s3cr3t")
		})
	}
}

func TestWebhooksListAndAll(t *testing.T) {
	t.Parallel()
	var queries []string
	client := testkit.NewClient(t, func(r *http.Request) (int, string) {
		assert.Equal(t, "GET /v2/users/me/webhooks", r.Method+" "+r.URL.Path)
		queries = append(queries, r.URL.RawQuery)
		next, webhook := `"https://api.cloudconvert.com/v2/users/me/webhooks?page=3"`, wireWebhook
		if r.URL.Query().Get("page") == "3" {
			next, webhook = "null", strings.Replace(wireWebhook, "d3c7", "d3c8", 1)
		}
		return http.StatusOK, `{"data": [` + webhook + `], "links": {"next": ` + next + `}, "meta": {"current_page": 2}}`
	})
	options := cloudconvert.WebhookListOptions{URL: "https://example.com/hook?x", PerPage: 1, Page: 2}
	page, err := client.Webhooks.List(t.Context(), options)
	require.NoError(t, err)
	require.Len(t, page.Data, 1)
	assert.Equal(t, "s3cr3t-signing", page.Data[0].SigningSecret)

	count := 0
	for webhook, err := range client.Webhooks.All(t.Context(), options) {
		require.NoError(t, err)
		assert.True(t, webhook.Failing)
		count++
	}
	assert.Equal(t, 2, count)
	filter := "filter%5Burl%5D=https%3A%2F%2Fexample.com%2Fhook%3Fx&"
	assert.Equal(t, []string{filter + "page=2&per_page=1", filter + "page=2&per_page=1", filter + "page=3&per_page=1"}, queries)
}

func TestWebhooksDelete(t *testing.T) {
	t.Parallel()
	sent := 0
	client := testkit.NewClient(t, func(r *http.Request) (int, string) {
		sent++
		assert.Equal(t, "DELETE /v2/webhooks/some-id", r.Method+" "+r.URL.Path)
		return http.StatusNoContent, ""
	})
	require.NoError(t, client.Webhooks.Delete(t.Context(), "some-id"))
	for _, id := range []string{"", ".", ".."} {
		require.ErrorIs(t, client.Webhooks.Delete(t.Context(), id), cloudconvert.ErrInvalid)
	}
	assert.Equal(t, 1, sent)
}

// Only VerifySignature and the JSON that a program stores need the secret.
func TestWebhookDoesNotPrintItsSecret(t *testing.T) {
	t.Parallel()
	webhook := new(cloudconvert.Webhook)
	require.NoError(t, json.Unmarshal([]byte(wireWebhook), webhook))
	var printed bytes.Buffer
	for _, value := range []any{
		webhook, *webhook,
		[]cloudconvert.Webhook{*webhook},
		cloudconvert.Page[cloudconvert.Webhook]{Data: []cloudconvert.Webhook{*webhook}},
		struct{ Webhook cloudconvert.Webhook }{*webhook},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&printed, verb+"\n", value)
		}
	}
	fmt.Fprintln(&printed, webhook.String())
	for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
		slog.New(handler).Info("webhook", slog.Any("pointer", webhook), slog.Any("value", *webhook))
	}
	assert.Contains(t, printed.String(), webhook.ID)
	assert.NotContains(t, printed.String(), "s3cr3t")
	assert.NotContains(t, printed.String(), fmt.Sprintf("%x", "s3cr3t"))

	encoded, err := json.Marshal(webhook)
	require.NoError(t, err)
	assert.Contains(t, string(encoded), "s3cr3t-signing")
}

func TestWebhookToleratesUnexpectedTypes(t *testing.T) {
	t.Parallel()
	webhook := new(cloudconvert.Webhook)
	require.NoError(t, json.Unmarshal([]byte(`{"id": 7, "events": {"0": "job.failed"}, "disabled": 1, "failing": null, "links": []}`), webhook))
	assert.Equal(t, "7", webhook.ID)
	assert.True(t, webhook.Disabled)
	assert.False(t, webhook.Failing)
	require.Error(t, json.Unmarshal([]byte(`{"url": "https://example.com"}`), webhook))
}

func TestWebhookDelivery(t *testing.T) {
	t.Parallel()
	received := make(chan *cloudconvert.WebhookEvent, 4)
	webhook := new(cloudconvert.Webhook)
	receiver := testkit.API(func(r *http.Request) (int, string) {
		event, err := cloudconvert.ParseWebhook(r, webhook.SigningSecret)
		if !assert.NoError(t, err) {
			return http.StatusBadRequest, ""
		}
		received <- event
		return http.StatusNoContent, ""
	})
	server := cloudconverttest.NewServer(cloudconverttest.WithTransport(receiver))
	t.Cleanup(server.Close)
	client := server.Client()
	created, err := client.Webhooks.Create(t.Context(), cloudconvert.WebhookRequest{
		URL: "https://example.com/hook", Events: []cloudconvert.Event{cloudconvert.EventJobFinished},
	})
	require.NoError(t, err)
	*webhook = *created

	job, err := client.Run(t.Context(), cloudconvert.Pipeline(
		cloudconvert.ImportRaw{File: "hello", Filename: "hello.txt"}, cloudconvert.ExportURL{},
	))
	require.NoError(t, err)
	event := <-received
	assert.Equal(t, cloudconvert.EventJobFinished, event.Event)
	assert.Equal(t, job.ID, event.Job.ID)
	assert.Equal(t, job.Files(), event.Job.Files())
	require.NoError(t, client.Webhooks.Delete(t.Context(), webhook.ID))
}
