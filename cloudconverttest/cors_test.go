package cloudconverttest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const pageOrigin = "https://app.example.com"

// fromPage sends a request as a browser does for a page.
func (x *tester) fromPage(method, rawURL string, header map[string]string, body []byte) response {
	x.t.Helper()
	req, err := http.NewRequestWithContext(x.t.Context(), method, rawURL, bytes.NewReader(body))
	require.NoError(x.t, err)
	req.Header.Set("Origin", pageOrigin)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	return x.send(req)
}

// exposes asserts that a page may read a response.
func (a response) exposes() response {
	a.t.Helper()
	assert.Equal(a.t, pageOrigin, a.header.Get("Access-Control-Allow-Origin"))
	assert.Contains(a.t, a.header.Values("Vary"), "Origin")
	for _, name := range []string{"X-RateLimit-Remaining", "Retry-After", "ETag", "Location", "Content-Disposition"} {
		assert.Contains(a.t, a.header.Get("Access-Control-Expose-Headers"), name)
	}
	return a
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	signed, _ := x.s.SignedURLBase()
	storage, _ := formOf(t, x.call(http.MethodPost, "/import/upload", dict{}).expect(http.StatusCreated).data())
	_, token := x.s.OAuthURLs()
	before := len(x.s.Requests())
	x.s.Inject(Fault{Kind: Reset})
	for rawURL, credentials := range map[string]string{
		x.s.URL + "/jobs": "", x.s.URL + "/unknown": "", x.s.SyncURL + "/jobs/1": "true", storage: "", signed: "", token: "",
	} {
		got := x.fromPage(http.MethodOptions, rawURL, map[string]string{
			"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type,x-mine",
		}, nil).expect(http.StatusNoContent)
		assert.Equal(t, pageOrigin, got.header.Get("Access-Control-Allow-Origin"), rawURL)
		assert.Equal(t, "GET, HEAD, POST, DELETE", got.header.Get("Access-Control-Allow-Methods"))
		assert.Equal(t, "authorization,content-type,x-mine", got.header.Get("Access-Control-Allow-Headers"))
		assert.Equal(t, "3600", got.header.Get("Access-Control-Max-Age"))
		assert.Equal(t, credentials, got.header.Get("Access-Control-Allow-Credentials"), rawURL)
		assert.Empty(t, got.body)
	}
	assert.Len(t, x.s.Requests(), before, "preflights are not recorded")
	x.s.ClearFaults()
	x.call(http.MethodOptions, "/jobs", nil).expect(http.StatusNotFound)
}

func TestPagesReadResponses(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithRateLimit(2, 1<<62))
	key := map[string]string{"Authorization": "Bearer " + x.key, "Content-Type": "application/json"}
	quickBody, err := json.Marshal(dict{"tasks": quick})
	require.NoError(t, err)
	created := x.fromPage(http.MethodPost, x.s.URL+"/jobs", key, quickBody).
		expect(http.StatusCreated).exposes().data()
	waited := x.fromPage(http.MethodGet, x.s.SyncURL+"/jobs/"+str(created["id"]), key, nil).expect(http.StatusOK).exposes()
	assert.Equal(t, "true", waited.header.Get("Access-Control-Allow-Credentials"))
	assert.Equal(t, []string{"Origin", "Accept-Encoding"}, waited.header.Values("Vary"))

	x.fromPage(http.MethodGet, x.s.URL+"/jobs", nil, nil).expect(http.StatusUnauthorized).exposes()
	x.fromPage(http.MethodGet, x.s.SyncURL+"/jobs/1", key, nil).expect(http.StatusNotFound).exposes()
	x.fromPage(http.MethodPost, x.s.URL+"/jobs", key, []byte("{}")).expect(http.StatusUnprocessableEntity).exposes()
	limited := x.fromPage(http.MethodPost, x.s.URL+"/jobs", key, []byte("{}")).expect(http.StatusTooManyRequests).exposes()
	assert.NotEmpty(t, limited.header.Get("Retry-After"))
	x.fromPage(http.MethodGet, x.s.origin+"/storage/tasks/x", nil, nil).expect(http.StatusForbidden).exposes()
	x.fromPage(http.MethodGet, x.s.origin+"/s/x", nil, nil).expect(http.StatusNotFound).exposes()

	x.s.Inject(Fault{Status: http.StatusServiceUnavailable})
	x.fromPage(http.MethodGet, x.s.URL+"/jobs", key, nil).expect(http.StatusServiceUnavailable).exposes()
}

func TestOtherResponsesHaveNoOrigin(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	job := x.job(quick)
	got := x.call(http.MethodGet, "/jobs/"+str(job["id"]), nil).expect(http.StatusOK)
	assert.Empty(t, got.header.Get("Vary"))
	assert.Empty(t, got.header.Get("Access-Control-Allow-Origin"))
	got = x.call(http.MethodGet, x.s.SyncURL+"/jobs/"+str(job["id"]), nil).expect(http.StatusOK)
	assert.Equal(t, "true", got.header.Get("Access-Control-Allow-Credentials"), "as recorded of the service")
	assert.Equal(t, []string{"Accept-Encoding"}, got.header.Values("Vary"))
}
