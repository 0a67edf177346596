package cloudconverttest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNoCredentialsInRecords sends credentials in every place of a request.
func TestNoCredentialsInRecords(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithWebhookRetryDelays())
	const form = "application/x-www-form-urlencoded"
	send := func(path, contentType, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, x.s.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+x.key)
		req.Header.Set("Content-Type", contentType)
		x.send(req)
	}
	send("/import/sftp", form, "host=h&username=u&file=f.txt&password=HUNTER2")
	send("/import/sftp?password=HUNTER2", form, "host=h&headers[x]=HUNTER2&tasks[in][password]=HUNTER2")
	send("/import/sftp", "text/plain", "host=h&password=HUNTER2")
	send("/import/sftp", "application/json", `{"password": "HUNTER2`)
	send("/import/sftp", "application/json", `{"host":"h","username":"u","file":"f","password":424242,"private_key":[true,424242]}`)
	send("/import/url", "application/json", `{"url":"http://127.0.0.1:1/a?b=1&X-Amz-Signature=HUNTER2&c=%2F"}`)
	send("/import/url", "application/json", `{"url":"http:\/\/me:HUNTER2@127.0.0.1:1/a","headers":{"x":424242}}`)
	send("/import/url", form, "url=http://me:HUNTER2@127.0.0.1:1/a")
	send("/import/url", "application/json", `{"url":"http://127.0.0.1:1/%zz?token=HUNTER2"}`)
	send("/jobs", "application/json",
		`{"webhook_url":"http://me:HUNTER2@127.0.0.1:1/","tasks":{"in":{"operation":"import/raw","file":"x","filename":"a.txt"}}}`)
	require.NoError(t, x.s.WaitIdle(t.Context()))

	var out strings.Builder
	for _, r := range x.s.Requests() {
		fmt.Fprintf(&out, "%s %s %s %s\n", r.Path, r.Query, r.Header, r.Body)
	}
	for _, task := range x.s.Tasks() {
		fmt.Fprintln(&out, task.Operation, task.Params, task.Message)
	}
	for _, job := range x.s.Jobs() {
		fmt.Fprintln(&out, job.WebhookURL)
	}
	for _, d := range x.s.Deliveries() {
		fmt.Fprintln(&out, d.URL)
	}
	text := out.String()
	assert.Contains(t, text, "http://127.0.0.1:1/a?b=1&X-Amz-Signature=REDACTED&c=%2F")
	assert.Contains(t, text, "http://REDACTED@127.0.0.1:1/a")
	assert.Contains(t, text, "host=h&password=REDACTED")
	assert.Contains(t, text, `"password":"REDACTED","private_key":["REDACTED","REDACTED"]`)
	assert.Equal(t, 3, strings.Count(text, "http://REDACTED@127.0.0.1:1/\n")+strings.Count(text, `"http://REDACTED@127.0.0.1:1/"`),
		"in the request, the job and its deliveries")
	assert.NotContains(t, text, "HUNTER2")
	assert.NotContains(t, text, "424242")
}
