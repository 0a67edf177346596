package cloudconvert_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// A transferCall is an upload or a download from storage.example.com.
type transferCall struct {
	method string
	do     func(ctx context.Context, client *cloudconvert.Client) error
}

func transferCalls() map[string]transferCall {
	return map[string]transferCall{
		"upload": {http.MethodPost, func(ctx context.Context, client *cloudconvert.Client) error {
			return client.Tasks.Upload(ctx, testkit.WaitingTask(), textSource())
		}},
		"download": {http.MethodGet, func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Download(ctx, cloudconvert.File{Filename: "a", Size: 7, URL: "https://storage.example.com/bucket"}, io.Discard)
			return err
		}},
	}
}

// byHost replies with what the host of a request is to say, and with 404 for others.
func byHost(replies map[string]testkit.Reply) testkit.Reply {
	return func(req *http.Request) (*http.Response, error) {
		if next, found := replies[req.URL.Host]; found {
			return next(req)
		}
		return testkit.Says(http.StatusNotFound, "")(req)
	}
}

func redirects(status int, location string) testkit.Reply {
	return testkit.Says(status, "", "Location", location)
}

// A URL behind a redirect is signed as well, and its host may quote it.
func TestRedirectsKeepSecrets(t *testing.T) {
	t.Parallel()
	const secret, password, location = "fedcba9876543210", "a-long-password-of-the-user", "https://user:a-long-password-of-the-user@second.example.com/object?X-Amz-Signature=fedcba9876543210&X-Amz-Expires=900"
	quote := func(status int, format func(string) string) testkit.Reply {
		return func(req *http.Request) (*http.Response, error) {
			return testkit.Says(status, format(req.URL.String()))(req)
		}
	}
	inJSON := func(text string) string {
		quoted, err := json.Marshal(map[string]string{"code": "Expired", "message": "expired: " + text})
		require.NoError(t, err)
		return string(quoted)
	}
	inXML := func(text string) string {
		return "<Error><Code>Expired</Code><Message>expired: " + html.EscapeString(text) + "</Message></Error>"
	}
	plain := func(text string) string { return "cannot reach " + text }
	page := func(text string) string { return "<html>You sent: " + html.EscapeString(text) + "</html>" }
	escaped := func(text string) string { return `{"message":"at ` + strings.ToLower(url.QueryEscape(text)) + `"}` }
	twice := func(text string) string { return `{"message":"at ` + url.PathEscape(url.QueryEscape(text)) + `"}` }
	quoted := func(req *http.Request) (*http.Response, error) {
		user, _ := req.URL.User.Password()
		return nil, fmt.Errorf("malformed HTTP response %q for %s", "GET "+req.URL.RequestURI()+" HTTP/1.1", user)
	}
	for name, replies := range map[string]map[string]testkit.Reply{
		"message":       {"storage.example.com": redirects(307, location), "second.example.com": quote(400, inJSON)},
		"XML":           {"storage.example.com": redirects(307, location), "second.example.com": quote(403, inXML)},
		"body":          {"storage.example.com": redirects(308, location), "second.example.com": quote(404, plain)},
		"server error":  {"storage.example.com": redirects(307, location), "second.example.com": quote(502, plain)},
		"escaped":       {"storage.example.com": redirects(307, location), "second.example.com": quote(400, escaped)},
		"escaped twice": {"storage.example.com": redirects(307, location), "second.example.com": quote(400, twice)},
		"page": {"storage.example.com": redirects(307, location), "second.example.com": func(req *http.Request) (*http.Response, error) {
			return testkit.Says(200, page(req.URL.String()), "Content-Type", "text/html")(req)
		}},
		"malformed":       {"storage.example.com": redirects(307, location), "second.example.com": quoted},
		"next host knows": {"storage.example.com": redirects(307, location), "second.example.com": redirects(307, "https://third.example.com/"), "third.example.com": testkit.Says(400, inJSON(location))},
		"refused":         {"storage.example.com": redirects(307, strings.Replace(location, "https", "http", 1))},
		"unparsable":      {"storage.example.com": redirects(307, "https://%zz/?"+secret+"&"+password)},
		"unparsable, then quoted": {"storage.example.com": func(req *http.Request) (*http.Response, error) {
			return testkit.Says(307, plain(location), "Location", "https://[/"+location)(req)
		}},
		"redirect without location": {"storage.example.com": redirects(307, location), "second.example.com": quote(307, inJSON)},
	} {
		for kind, call := range transferCalls() {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var log testkit.Log
					client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{log.Option()}, byHost(replies))
					err := call.do(t.Context(), client)
					require.Error(t, err)
					var failure *cloudconvert.Error
					require.ErrorAs(t, err, &failure)
					shown := []string{fmt.Sprintf("%v %+v %s %s", err, err, failure.Message, failure.Body), log.String()}
					for current := err; current != nil; current = errors.Unwrap(current) {
						shown = append(shown, current.Error())
					}
					for _, text := range shown {
						assert.NotContains(t, text, secret)
						assert.NotContains(t, text, password)
					}
				})
			})
		}
	}
}

// Comparing the secrets of each redirect with all others would take minutes here.
func TestRedirectWithAMillionParametersIsFast(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	t.Parallel()
	var location strings.Builder
	location.WriteString("https://second.example.com/?secret=s3cr3t")
	for i := range 1_000_000 {
		fmt.Fprintf(&location, "&%x", i)
	}
	for kind, call := range transferCalls() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, _ := testkit.NewScript(t, byHost(map[string]testkit.Reply{
					"storage.example.com": redirects(307, location.String()),
					"second.example.com":  testkit.Says(403, `{"code":"AccessDenied","message":"s3cr3t is wrong"}`),
				}))
				err := call.do(t.Context(), client)
				require.ErrorIs(t, err, cloudconvert.ErrForbidden)
				assert.NotContains(t, everythingIn(t, err), "s3cr3t")
			})
		})
	}
}

// The error of one URL may quote the other.
func TestRenewedURLKeepsSecrets(t *testing.T) {
	t.Parallel()
	const first, second = "signature-of-the-first-url", "signature-of-the-second-url"
	for name, quoting := range map[string]string{"the first": first, "the second": second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log testkit.Log
				client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{log.Option()}, byHost(map[string]testkit.Reply{
					"api.example.com": testkit.Says(200, `{"data":{"id":"task-1","operation":"export/url","status":"finished","result":{"files":[`+
						`{"filename":"a","url":"https://storage.example.com/a?sig=`+second+`"}]}}}`),
					"storage.example.com": testkit.Says(403, `{"code":"AccessDenied","message":"`+quoting+`"}`),
				}))
				file := cloudconvert.File{Filename: "a", TaskID: "task-1", URL: "https://storage.example.com/a?sig=" + first}
				_, err := client.Download(t.Context(), file, io.Discard)
				require.ErrorIs(t, err, cloudconvert.ErrForbidden)
				assert.NotContains(t, fmt.Sprintf("%+v", err)+log.String(), "signature-of")
			})
		})
	}
}

func TestRefusedRedirectIsNotRetried(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		redirect testkit.Reply
		message  string
		requests int
	}{
		"loop":           {redirects(307, "/bucket"), "more than 10 redirects", 10},
		"http":           {redirects(307, "http://storage.example.com/"), "redirected from https to http", 1},
		"no host":        {redirects(308, "https:///bucket"), "has no host", 1},
		"another scheme": {redirects(307, "ftp://storage.example.com/"), "from https", 1},
		"no location":    {testkit.Says(307, ""), "307", 1},
		"unparsable":     {redirects(307, "https://%zz/"), "redirected to an invalid URL", 1},
		"Retry-After":    {testkit.Says(307, "", "Location", "http://storage.example.com/", "Retry-After", "1"), "from https to http", 1},
		"not modified":   {testkit.Says(304, ""), "304", 1},
		"another hop": {func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/bucket" {
				return redirects(307, "/second")(req)
			}
			return redirects(307, "http://storage.example.com/")(req)
		}, "from https to http", 2},
	} {
		for kind, call := range transferCalls() {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					client, script := testkit.NewScript(t, tt.redirect)
					err := call.do(t.Context(), client)
					require.ErrorContains(t, err, tt.message)
					assert.Len(t, script.Requests, tt.requests)
					var failure *cloudconvert.Error
					require.ErrorAs(t, err, &failure)
					assert.Contains(t, []int{304, 307, 308}, failure.StatusCode)
					assert.Equal(t, 1, failure.Attempts)
					assert.False(t, cloudconvert.IsRetryable(err))
				})
			})
		}
	}
}

// A redirect by 301 or 302 turns a POST into a GET: storage has no file.
func TestRedirectToGETFailsTheUpload(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302} {
		synctest.Test(t, func(t *testing.T) {
			client, script := testkit.NewScript(t, redirects(status, "https://other.example.com/"), testkit.Says(200, ""))
			err := client.Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource())
			assert.Len(t, script.Requests, 1)
			require.ErrorContains(t, err, "redirected to a page that does not accept uploads")
			assert.False(t, cloudconvert.IsRetryable(err))
		})
	}
}

// With 303 storage has the file. The page behind it is not needed.
func TestSeeOtherEndsTheUpload(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"https://other.example.com/thanks", "http://other.example.com/", ""} {
		synctest.Test(t, func(t *testing.T) {
			taken := testkit.Says(303, "<html>", "Content-Type", "text/html", "Location", location)
			client, script := testkit.NewScript(t, taken, testkit.Says(500, ""))
			require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource()))
			assert.Len(t, script.Requests, 1)
		})
	}
}

// The source is read once for each host.
func TestRedirectRepeatsTheUpload(t *testing.T) {
	t.Parallel()
	for _, status := range []int{307, 308} {
		synctest.Test(t, func(t *testing.T) {
			replies := []testkit.Reply{redirects(status, "https://other.example.com/"), testkit.Says(201, "")}
			client, script := testkit.NewScript(t, replies...)
			require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource()))
			require.Len(t, script.Requests, 2)
			assert.Equal(t, []part{{"file", "a.txt", testkit.SourceText}}, partsOf(t, script.Requests[1], script.Bodies[1]))

			client, script = testkit.NewScript(t, replies...)
			source := cloudconvert.FromReader("a.txt", lenOnly{strings.NewReader(testkit.SourceText), len(testkit.SourceText)})
			err := client.Tasks.Upload(t.Context(), testkit.WaitingTask(), source)
			require.ErrorContains(t, err, "the source can be read only once")
			assert.Len(t, script.Requests, 1)
			assert.False(t, cloudconvert.IsRetryable(err))
		})
	}
}
