package cloudconvert_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// signed is a secret in URLs and forms.
const signed = "fedcba9876543210fedcba9876543210"

// jobWithSecrets is the JSON of a job, with a secret wherever one can be.
const jobWithSecrets = `{"data":{"id":"job-1","status":"finished","tasks":[
	{"id":"t1","operation":"import/upload","status":"waiting","result":{"form":{"url":"https://up.example/` + signed + `",
		"parameters":{"acl":"private","X-Amz-Signature":"` + signed + `","expires":1767225600}}}},
	{"id":"t2","operation":"import/s3","status":"finished","payload":{"bucket":"b","secret_access_key":"` + signed + `"}},
	{"id":"t3","operation":"export/url","status":"finished","message":"see https://s.example/a?sig=` + signed + `",
		"result":{"files":[{"filename":"a.pdf","size":12,"url":"https://s.example/a?X-Amz-Signature=` + signed + `"}]}},
	{"id":"t4","operation":"new/one","result":{"list":["https://me:` + signed + `@s.example/a"]},"signing_secret":"` + signed + `"}]}}`

// everythingIn returns an error in all forms in which it can be printed or logged.
func everythingIn(t *testing.T, err error) string {
	t.Helper()
	var all strings.Builder
	for current := err; current != nil; current = errors.Unwrap(current) {
		all.WriteString(testkit.Printed(t, current) + testkit.Logged(current) + testkit.Encode(t, current))
	}
	if e, ok := errors.AsType[*cloudconvert.Error](err); ok {
		fmt.Fprintf(&all, "%s %v %s %s %s", e.Body, e.Fields, e.Message, e.Code, e.RequestID)
	}
	return all.String()
}

// repeats returns a reply that echoes the request, as written by write.
func repeats(status int, write func(sent string) string, headers ...string) testkit.Reply {
	return func(req *http.Request) (*http.Response, error) {
		sent, err := httputil.DumpRequest(req, true)
		if err != nil {
			return nil, err
		}
		return testkit.Says(status, write(string(sent)), headers...)(req)
	}
}

func plainly(sent string) string { return "Welcome! You sent: " + sent }

func inJSON(sent string) string {
	encoded, _ := json.Marshal(map[string]any{"message": sent, "code": sent, "errors": map[string]any{sent: sent}})
	return string(encoded)
}

func TestErrorsOfEchoedRequestsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	request := &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
		"s3": cloudconvert.ImportS3{
			Bucket: "bucket", Region: "eu-west-1", Key: "a.docx", AccessKeyID: "s3cr3t-id-0123456", SecretAccessKey: "s3cr3t+acc/ess", SessionToken: "s3cr3t",
		},
		"url": cloudconvert.ImportURL{
			URL: "https://me:s3cr3t-pw@a.example/a?X-Amz-Signature=" + signed, Headers: map[string]string{"X-Any": "s3cr3t-header"},
		},
		"raw": cloudconvert.RawTask{Op: "import/new", Fields: map[string]any{"nested": []any{map[string]any{"password": "s3cr3t"}}}},
	}, WebhookURL: "https://hook.example/?token=s3cr3t-hook"}
	calls := map[string]func(context.Context, *cloudconvert.Client) error{
		"get": func(ctx context.Context, c *cloudconvert.Client) error {
			_, err := c.Jobs.Get(ctx, "job-1")
			return err
		},
		"delete": func(ctx context.Context, c *cloudconvert.Client) error { return c.Jobs.Delete(ctx, "job-1") },
		"list": func(ctx context.Context, c *cloudconvert.Client) error {
			_, err := c.Webhooks.List(ctx, cloudconvert.WebhookListOptions{URL: "https://hook.example/?token=s3cr3t-hook"})
			return err
		},
		"create": func(ctx context.Context, c *cloudconvert.Client) error {
			_, err := c.Tasks.Create(ctx, request.Tasks["s3"])
			return err
		},
		"job": func(ctx context.Context, c *cloudconvert.Client) error {
			return c.Do(ctx, http.MethodPost, "/jobs", request, nil)
		},
		"job, out": func(ctx context.Context, c *cloudconvert.Client) error {
			return c.Do(ctx, http.MethodPost, "/jobs", request, new(int))
		},
		"redirect": func(ctx context.Context, c *cloudconvert.Client) error {
			_, err := c.Jobs.ResultURL(ctx, "job-1")
			return err
		},
	}
	for form, write := range map[string]func(string) string{
		"text": plainly, "JSON": inJSON,
		"HTML":             func(sent string) string { return "<html><pre>" + html.EscapeString(sent) },
		"JSON in HTML":     func(sent string) string { return "<html><pre>" + html.EscapeString(inJSON(sent)) },
		"a query":          func(sent string) string { return "/error?sent=" + url.QueryEscape(sent) },
		"a query, no mark": url.QueryEscape,
		"lower case":       strings.ToLower,
		"XML": func(sent string) string {
			return "<Error><Code>" + html.EscapeString(sent) + "</Code><Message>" + html.EscapeString(sent) + "</Message></Error>"
		},
		"base64":      func(string) string { return base64.StdEncoding.EncodeToString([]byte("api:" + testkit.Key)) },
		"JSON itself": func(sent string) string { _, body, _ := strings.Cut(sent, "\r\n\r\n"); return body + " " },
	} {
		for name, call := range calls {
			for _, status := range []int{200, 422, 500} {
				t.Run(fmt.Sprint(form, "/", name, "/", status), func(t *testing.T) {
					t.Parallel()
					client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, repeats(status, write, "X-Request-Id", "for "+testkit.Key))
					shown := strings.ToLower(everythingIn(t, call(t.Context(), client)))
					assert.NotContains(t, shown, testkit.Key[:12])
					assert.NotContains(t, shown, strings.ToLower(base64.StdEncoding.EncodeToString([]byte("key:" + testkit.Key))[8:20]))
					assert.NotContains(t, shown, "s3cr3t")
					assert.NotContains(t, shown, signed[:12])
				})
			}
		}
	}
}

func TestBodiesOfBrokenResponsesHaveNoSecrets(t *testing.T) {
	t.Parallel()
	for end := 0; end <= len(jobWithSecrets); end += 11 {
		body := jobWithSecrets[:end]
		for name, reply := range map[string]testkit.Reply{
			"cut":            testkit.BreaksOff(200, body),
			"not understood": testkit.Says(200, strings.Replace(body, `"id":"job-1"`, `"id":{}`, 1)),
			"no JSON behind": testkit.Says(200, body+"}"+jobWithSecrets[end:]),
			"refused":        testkit.Says(500, body),
			"a text before":  testkit.Says(200, "\ufeff"+body),
		} {
			client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, reply)
			_, err := client.Jobs.Get(t.Context(), "job-1")
			require.NotContains(t, everythingIn(t, err), signed[:12], "%s after %d bytes", name, end)
		}
	}
}

func TestErrorsOfEchoingStorageHaveNoSecrets(t *testing.T) {
	t.Parallel()
	task := testkit.WaitingTask(cloudconvert.FormField{Name: "X-Amz-Signature", Value: signed}, cloudconvert.FormField{Name: "Policy", Value: "s3cr3t+po/licy"})
	task.Result.Form.URL += "?token=s3cr3t"
	file := cloudconvert.File{Filename: "a.txt", Size: 3, URL: "https://storage.example.com/a?X-Amz-Signature=" + signed + "&token=s3cr3t"}
	for form, write := range map[string]func(string) string{"text": plainly, "JSON": inJSON, "HTML": html.EscapeString} {
		for _, status := range []int{200, 403} {
			t.Run(fmt.Sprint(form, status), func(t *testing.T) {
				t.Parallel()
				client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce(), cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: -1})},
					repeats(status, write, "Content-Type", "text/html", "X-Request-Id", signed))
				upload := client.Tasks.Upload(t.Context(), task, cloudconvert.FromBytes("a.txt", []byte("abc")))
				_, download := client.Download(t.Context(), file, io.Discard)
				for _, err := range []error{upload, download} {
					require.Error(t, err)
					assert.NotContains(t, everythingIn(t, err), "s3cr3t")
					assert.NotContains(t, everythingIn(t, err), signed[:12])
				}
			})
		}
	}
}

func TestTaskMessagesHaveNoQueries(t *testing.T) {
	t.Parallel()
	body := `{"data":{"id":"job-1","status":"error","tasks":[{"id":"t","name":"in","operation":"import/url","status":"error",
		"message":"cannot fetch https://me:s3cr3t@a.example/b?sig=s3cr3t now"}]}}`
	client, _ := testkit.NewScript(t, testkit.Says(200, body))
	job, err := client.Jobs.Wait(t.Context(), "job-1")
	require.EqualError(t, err, "cloudconvert: job job-1 failed: task in (import/url) failed: cannot fetch https://...@a.example/b?... now")
	assert.NotContains(t, testkit.Printed(t, job)+testkit.Printed(t, job.Tasks), "s3cr3t")
}

// Redacting a quoted URL must keep the quote.
func TestRedactionKeepsQuotes(t *testing.T) {
	t.Parallel()
	const said = "The url \"https://me:s3cr3t@a.example/b?sig=s3cr3t\" and client_secret=\"s3cr3t\" are invalid"
	body, err := json.Marshal(map[string]any{"message": said, "code": "INVALID_DATA", "errors": map[string]any{"url": said}})
	require.NoError(t, err)
	e := failure(t, http.MethodPost, testkit.Says(422, string(body)))
	const want = "The url \"https://...@a.example/b?...\" and client_secret=\"...\" are invalid"
	assert.Equal(t, cloudconvert.CodeInvalidData, e.Code)
	assert.Equal(t, want, e.Message)
	assert.Equal(t, map[string][]string{"url": {want}}, e.Fields)
	assert.NotContains(t, everythingIn(t, e), "s3cr3t")
	assert.True(t, json.Valid(e.Body))
}

// A short value of a query may also be a word of the response.
func TestSecretsDoNotChangeTheCode(t *testing.T) {
	t.Parallel()
	words := []string{"message", "code", "errors", "limit", "data", "tasks", "INVALID_DATA", "PARALLEL_JOB_LIMIT_EXCEEDED"}
	request := cloudconvert.Pipeline(cloudconvert.ImportURL{URL: "https://a.example/a.png?a=" + strings.Join(words, "&a=")}, cloudconvert.ExportURL{})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		client, _ := testkit.NewScript(t, testkit.Says(422, `{"message":"The code a0b1 is wrong","code":"INVALID_DATA","errors":{"tasks.in.url":["The tasks are wrong."]}}`))
		_, err := client.Jobs.Create(t.Context(), request)
		require.ErrorIs(t, err, cloudconvert.CodeInvalidData)
		var e *cloudconvert.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "The ... a0b1 is wrong", e.Message)
		assert.Equal(t, map[string][]string{"tasks.in.url": {"The ... are wrong."}}, e.Fields)
	})
	t.Run("too many jobs", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client, _ := testkit.NewScript(t, testkit.Says(402, `{"message":"Full.","code":"PARALLEL_JOB_LIMIT_EXCEEDED"}`), testkit.Says(201, `{"data":{"id":"job-1"}}`))
			_, err := client.Jobs.Create(t.Context(), request)
			require.ErrorIs(t, err, cloudconvert.ErrTooManyJobs)
			client, _ = testkit.NewScript(t, testkit.Says(402, `{"message":"Full.","code":"PARALLEL_JOB_LIMIT_EXCEEDED"}`), testkit.Says(201, `{"data":{"id":"job-1"}}`))
			_, err = client.Jobs.Create(t.Context(), request, cloudconvert.WithQueueing())
			require.NoError(t, err)
		})
	})
}

// The time must not be proportional to secrets times body, which would take
// minutes here.
func TestRefusalOfALargeJobIsReadFast(t *testing.T) {
	t.Parallel()
	request := &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{}}
	refusal := map[string][]string{}
	for i := range 1000 {
		name := fmt.Sprint("in-", i)
		address := fmt.Sprintf("https://a.example/%s?X-Amz-Date=20261128T%06dZ&X-Amz-Signature=%064d", name, i, i*7919)
		request.Tasks[name] = cloudconvert.ImportURL{URL: address}
		refusal["tasks."+name+".url"] = []string{"Wrong: " + address}
	}
	body, err := json.Marshal(map[string]any{"message": "Wrong.", "code": "INVALID_DATA", "errors": refusal})
	require.NoError(t, err)
	for name, body := range map[string]string{"refusal": string(body), "page": "<html>" + strings.Repeat("some words of a page. ", 1<<20)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := testkit.NewScript(t, testkit.Says(422, body))
			_, err := client.Jobs.Create(t.Context(), request)
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			var e *cloudconvert.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, name == "refusal", len(e.Fields) == len(refusal))
			for field, texts := range e.Fields {
				assert.Equal(t, []string{"Wrong: https://a.example/" + strings.Split(field, ".")[1] + "?..."}, texts)
			}
			assert.NotContains(t, string(e.Body), "7919")
		})
	}
}

func TestErrorBodyKeepsReadableText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status     int
		sent, kept string
	}{
		{200, `{"data":{"id":"1","status":"x","tasks":[{"message":"why","percent":5,"result":null}]`, `{"data":{"id":"1","status":"x","tasks":[{"message":"why","percent":5,"result":null}]`},
		{422, `{"data": {"form": {"url": "u", "parameters": {"a": "b", "c": [1, null, true]}}, "d": "e"}}`, `{"data": {"form": {"url": "...", "parameters": {"a": "...", "c": ["...", null, "..."]}}, "d": "e"}}`},
		{200, `{"data":{"url":"https://a.exam`, `{"data":{"url"...`},
		{200, "<html>Log in at https://portal.example/login?from=1 first", "<html>Log in at https://portal.example/login?... first"},
		{200, "[error] no space left", "[error] no space left"},
		{200, "{error} no space left", "{error} no space left"},
		{200, "warning: deprecated\n{ \"data\": {\"secret\": 1}}", "warning: deprecated\n{ \"data\": {\"secret\": \"...\"}}"},
		{422, `{"errors":{"url":["The url is invalid."],"secret_access_key":["is required"]}}`, `{"errors":{"url":["The url is invalid."],"secret_access_key":["is required"]}}`},
		{422, `{"message":"m","errors":{"url":["https://a.example/?sig=1 is invalid."]},"data":{"errors":{"url":"u"}}}`, `{"message":"m","errors":{"url":["https://a.example/?... is invalid."]},"data":{"errors":{"url":"..."}}}`},
		{500, `["a",{"password":"b"}] rest`, `["a",{"password":"..."}]...`},
		{500, "  \n", "  \n"},
	} {
		assert.Equal(t, c.kept, string(failure(t, http.MethodGet, testkit.Says(c.status, c.sent)).Body))
	}
}

func TestErrorBodyIsNotCutWithinSecret(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 500} {
		for before := 8<<10 - 600; before < 8<<10; before += 13 {
			text := strings.Repeat("-", before) + testkit.Key + " https://a.example/?sig=" + signed + "\n" + strings.Repeat("-", 600)
			e := failure(t, http.MethodGet, testkit.Says(status, text))
			require.LessOrEqual(t, len(e.Body), 8<<10)
			require.NotContains(t, string(e.Body), testkit.Key[:4])
			require.NotContains(t, string(e.Body), signed[:4])
		}
	}
}

func TestErrorsHaveNoShortKeys(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"k", "the", "message", "s3cr3t"} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			script := &testkit.Script{Replies: []testkit.Reply{repeats(200, func(sent string) string { return sent + "\nthe messages" })}}
			client, err := cloudconvert.NewClient(key, cloudconvert.WithHTTPClient(&http.Client{Transport: script}))
			require.NoError(t, err)
			_, err = client.Users.Me(t.Context())
			var e *cloudconvert.Error
			require.ErrorAs(t, err, &e)
			assert.NotContains(t, string(e.Body), "Bearer "+key)
			assert.Contains(t, string(e.Body), "\nthe messages")
		})
	}
}

func TestErrorsHaveNoTokens(t *testing.T) {
	t.Parallel()
	tokens := []string{"s3cr3t-token-that-was-first", "s3cr3t-token-that-came-then"}
	var given int
	source := sourceFunc(func() (*oauth2.Token, error) {
		given++
		return &oauth2.Token{AccessToken: tokens[given-1]}, nil
	})
	script := &testkit.Script{Replies: []testkit.Reply{repeats(401, inJSON), repeats(200, func(sent string) string { return sent + tokens[0] })}}
	client, err := cloudconvert.NewClient("", cloudconvert.WithTokenSource(source), cloudconvert.WithHTTPClient(&http.Client{Transport: script}))
	require.NoError(t, err)
	_, err = client.Users.Me(t.Context())
	require.Error(t, err)
	assert.NotContains(t, everythingIn(t, err), "s3cr3t")
	assert.Len(t, script.Requests, 2)
}

func TestTokenErrorsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"code":        `{"error":"no client s3cr3t-client","error_description":"s3cr3t-refresh"}`,
		"description": `{"error":"invalid_grant","error_description":"s3cr3t-refresh of s3cr3t-client"}`,
		"text":        `client_secret=s3cr3t-client&refresh_token=s3cr3t-refresh`,
	} {
		for _, status := range []int{400, 503} {
			t.Run(fmt.Sprint(name, status), func(t *testing.T) {
				t.Parallel()
				source := configFor(t, &tokenEndpoint{status: status, body: body}).TokenSource(t.Context(), expired())
				client, err := cloudconvert.NewClient("", cloudconvert.WithTokenSource(source), testkit.OnlyOnce())
				require.NoError(t, err)
				_, err = client.Users.Me(t.Context())
				require.ErrorContains(t, err, fmt.Sprint("the token endpoint responded ", status))
				assert.NotContains(t, everythingIn(t, err), "s3cr3t")
			})
		}
	}
	t.Run("a source's own error", func(t *testing.T) {
		t.Parallel()
		var asked int
		source := sourceFunc(func() (*oauth2.Token, error) {
			if asked++; asked == 1 {
				return &oauth2.Token{AccessToken: "s3cr3t-token-that-was-first"}, nil
			}
			return nil, &url.Error{Op: "Post", URL: "https://login.example/?code=s3cr3t", Err: fmt.Errorf(
				"malformed HTTP response \"client_secret=s3cr3t-client s3cr3t-token-that-was-first\": %w", io.ErrUnexpectedEOF)}
		})
		script := &testkit.Script{Replies: []testkit.Reply{testkit.Says(401, `{}`)}}
		c, err := cloudconvert.NewClient("", cloudconvert.WithTokenSource(source), cloudconvert.WithHTTPClient(&http.Client{Transport: script}))
		require.NoError(t, err)
		_, err = c.Users.Me(t.Context())
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.NotContains(t, everythingIn(t, err), "s3cr3t")
	})
}
