package otel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// signedURL is a URL that the service fetches, of a caller.
const signedURL = "https://files.example/a.txt?X-Amz-Credential=s3cr3t&X-Amz-Signature=s3cr3t"

// exported returns everything that was exported, as JSON.
func (w *world) exported() string {
	w.t.Helper()
	var text strings.Builder
	for _, span := range w.traces.GetSpans() {
		attrs, err := json.Marshal(span.Attributes)
		require.NoError(w.t, err)
		fmt.Fprintf(&text, "%s %s %q %v %v %s\n", span.Name, attrs, span.Status.Description, span.Events, span.Links, span.InstrumentationScope.Name)
	}
	var collected metricdata.ResourceMetrics
	require.NoError(w.t, w.reader.Collect(w.t.Context(), &collected))
	metrics, err := json.Marshal(collected)
	require.NoError(w.t, err)
	text.Write(metrics)
	return text.String()
}

// each consumes an iterator and returns its last error.
func each[T any](values iter.Seq2[T, error]) error {
	var last error
	for _, err := range values {
		last = err
	}
	return last
}

// failingWriter fails as a writer to another storage may.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) {
	return 0, errors.New("put " + signedURL + ": broken pipe")
}

// password is a parameter of a task, which the service may quote when the task fails.
const password = "s3cr3t-password"

// prepared has what the calls need.
type prepared struct {
	done    *cloudconvert.Job   // has files
	waiting []*cloudconvert.Job // each waits for an upload
	webhook *cloudconvert.Webhook
}

func (w *world) prepare() prepared {
	w.t.Helper()
	client, ctx := w.server.Client(), w.t.Context() // not observed
	var p prepared
	var err error
	p.done, err = client.Run(ctx, textJob("done.txt"))
	require.NoError(w.t, err)
	for range 6 {
		job, err := client.Jobs.Create(ctx, cloudconvert.Pipeline(cloudconvert.ImportUpload{}, cloudconvert.ExportURL{}))
		require.NoError(w.t, err)
		p.waiting = append(p.waiting, job)
	}
	p.webhook, err = client.Webhooks.Create(ctx, cloudconvert.WebhookRequest{
		URL: signedURL, Events: []cloudconvert.Event{cloudconvert.EventJobFinished},
	})
	require.NoError(w.t, err)
	return p
}

// calls returns a call of each method that sends something, by its name.
func (w *world) calls() map[string]func(ctx context.Context) error {
	w.t.Helper()
	p, c, dir := w.prepare(), w.client, w.t.TempDir()
	remote := func() *cloudconvert.JobRequest {
		r := cloudconvert.Pipeline(cloudconvert.FromURL(signedURL), cloudconvert.ExportURL{})
		r.Tag = signedURL
		return r
	}
	return map[string]func(ctx context.Context) error{
		"Client.Convert": func(ctx context.Context) error {
			_, err := c.Convert(ctx, cloudconvert.FromURL(signedURL), "pdf")
			return err
		},
		"Client.ConvertFile": func(ctx context.Context) error {
			_, err := c.ConvertFile(ctx, signedURL, dir+"/convert.pdf")
			return err
		},
		"Client.Run": func(ctx context.Context) error {
			_, err := c.Run(ctx, textJob("a.txt"), cloudconvert.WithInlineLimit(0), cloudconvert.WithKey(signedURL))
			return err
		},
		"Client.RunFile": func(ctx context.Context) error {
			_, err := c.RunFile(ctx, remote(), dir+"/run.txt")
			return err
		},
		"Client.Start": func(ctx context.Context) error {
			_, err := c.Start(ctx, remote())
			return err
		},
		"Client.RunAll": func(ctx context.Context) error {
			works := []cloudconvert.Work{{Name: signedURL, Request: remote(), Destination: dir + "/all.txt"}}
			var last error
			for result := range c.RunAll(ctx, slices.Values(works)) {
				last = result.Err
			}
			return last
		},
		"Client.SaveAs": func(ctx context.Context) error {
			_, err := c.SaveAs(ctx, p.done, dir+"/saved.txt")
			return err
		},
		"Client.Save": func(ctx context.Context) error {
			_, err := c.Save(ctx, dir, p.done.Files())
			return err
		},
		"Client.Open": func(ctx context.Context) error {
			file, err := c.Open(ctx, p.done.Files()[0])
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, file)
			_ = file.Close()
			return err
		},
		"Client.Download": func(ctx context.Context) error {
			_, err := c.Download(ctx, p.done.Files()[0], io.Discard)
			return err
		},
		"Client.Do": func(ctx context.Context) error {
			return c.Do(ctx, http.MethodGet, "/jobs?filter[tag]=s3cr3t", nil, nil)
		},
		"Jobs.Create": func(ctx context.Context) error {
			_, err := c.Jobs.Create(ctx, remote())
			return err
		},
		"Jobs.CreateForURL": func(ctx context.Context) error {
			_, err := c.Jobs.CreateForURL(ctx, remote())
			return err
		},
		"Jobs.Get":  func(ctx context.Context) error { _, err := c.Jobs.Get(ctx, p.done.ID); return err },
		"Jobs.Find": func(ctx context.Context) error { _, err := c.Jobs.Find(ctx, p.done.Tag); return err },
		"Jobs.List": func(ctx context.Context) error {
			_, err := c.Jobs.List(ctx, cloudconvert.JobListOptions{Tag: "s3cr3t"})
			return err
		},
		"Jobs.All":    func(ctx context.Context) error { return each(c.Jobs.All(ctx, cloudconvert.JobListOptions{})) },
		"Jobs.Wait":   func(ctx context.Context) error { _, err := c.Jobs.Wait(ctx, p.done.ID); return err },
		"Jobs.Watch":  func(ctx context.Context) error { return each(c.Jobs.Watch(ctx, p.done.ID)) },
		"Jobs.Cancel": func(ctx context.Context) error { return c.Jobs.Cancel(ctx, p.waiting[0].ID) },
		"Jobs.Delete": func(ctx context.Context) error { return c.Jobs.Delete(ctx, p.waiting[1].ID) },
		"Jobs.ResultURL": func(ctx context.Context) error {
			_, err := c.Jobs.ResultURL(ctx, p.done.ID)
			return err
		},
		"Tasks.Create": func(ctx context.Context) error {
			_, err := c.Tasks.Create(ctx, cloudconvert.ImportURL{URL: signedURL})
			return err
		},
		"Tasks.Get": func(ctx context.Context) error { _, err := c.Tasks.Get(ctx, p.done.Tasks[0].ID); return err },
		"Tasks.List": func(ctx context.Context) error {
			_, err := c.Tasks.List(ctx, cloudconvert.TaskListOptions{})
			return err
		},
		"Tasks.All":    func(ctx context.Context) error { return each(c.Tasks.All(ctx, cloudconvert.TaskListOptions{})) },
		"Tasks.Wait":   func(ctx context.Context) error { _, err := c.Tasks.Wait(ctx, p.done.Tasks[0].ID); return err },
		"Tasks.Cancel": func(ctx context.Context) error { _, err := c.Tasks.Cancel(ctx, p.waiting[2].Tasks[0].ID); return err },
		"Tasks.Retry":  func(ctx context.Context) error { _, err := c.Tasks.Retry(ctx, p.done.Tasks[0].ID); return err },
		"Tasks.Delete": func(ctx context.Context) error { return c.Tasks.Delete(ctx, p.waiting[3].Tasks[0].ID) },
		"Tasks.Upload": func(ctx context.Context) error {
			task, _ := p.waiting[4].Task("import-upload")
			return c.Tasks.Upload(ctx, task, cloudconvert.FromBytes("a.txt", []byte("text")))
		},
		"Tasks.UploadForm": func(ctx context.Context) error {
			task, _ := p.waiting[5].Task("import-upload")
			_, err := c.Tasks.UploadForm(ctx, task.ID)
			return err
		},
		"Users.Me": func(ctx context.Context) error { _, err := c.Users.Me(ctx); return err },
		"Webhooks.Create": func(ctx context.Context) error {
			_, err := c.Webhooks.Create(ctx, cloudconvert.WebhookRequest{URL: signedURL, Events: []cloudconvert.Event{cloudconvert.EventJobFailed}})
			return err
		},
		"Webhooks.List": func(ctx context.Context) error {
			_, err := c.Webhooks.List(ctx, cloudconvert.WebhookListOptions{})
			return err
		},
		"Webhooks.All":    func(ctx context.Context) error { return each(c.Webhooks.All(ctx, cloudconvert.WebhookListOptions{})) },
		"Webhooks.Delete": func(ctx context.Context) error { return c.Webhooks.Delete(ctx, p.webhook.ID) },
		"Formats.List": func(ctx context.Context) error {
			_, err := c.Formats.List(ctx, cloudconvert.FormatListOptions{})
			return err
		},
		"Formats.ListConversions": func(ctx context.Context) error {
			_, err := c.Formats.ListConversions(ctx, cloudconvert.FormatListOptions{})
			return err
		},
		"Formats.All": func(ctx context.Context) error { return each(c.Formats.All(ctx, cloudconvert.FormatListOptions{})) },
	}
}

// No method is missing in calls.
func TestCallsAreComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	calls := w.calls()
	isContext := reflect.TypeFor[context.Context]()
	for name, receiver := range map[string]any{
		"Client": w.client, "Jobs": w.client.Jobs, "Tasks": w.client.Tasks, "Users": w.client.Users,
		"Webhooks": w.client.Webhooks, "Formats": w.client.Formats,
	} {
		for method := range reflect.TypeOf(receiver).Methods() {
			if method.Type.NumIn() > 1 && method.Type.In(1) == isContext {
				assert.Contains(t, calls, name+"."+method.Name)
			}
		}
	}
}

// No span and no metric has a secret, whatever is called and whatever fails.
func TestNothingSecretIsExported(t *testing.T) {
	t.Parallel()
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { testSecrets(t, nil) })
	})
	for name, fault := range map[string]cloudconverttest.Fault{
		"refused":   {Status: http.StatusForbidden},
		"gone":      {Status: http.StatusNotFound},
		"invalid":   {Status: http.StatusUnprocessableEntity, Code: "INVALID_DATA"},
		"limited":   {Status: http.StatusTooManyRequests},
		"failing":   {Status: http.StatusInternalServerError},
		"redirect":  {Status: http.StatusFound},
		"reset":     {Kind: cloudconverttest.Reset},
		"lost":      {Kind: cloudconverttest.Reset, Phase: cloudconverttest.After},
		"truncated": {Kind: cloudconverttest.Truncate},
		"garbage":   {Kind: cloudconverttest.Garbage},
		"stalled":   {Kind: cloudconverttest.Stall},
	} {
		for _, role := range []cloudconverttest.Role{cloudconverttest.RoleAPI, cloudconverttest.RoleStorage} {
			fault := fault
			fault.Role = role
			t.Run(fmt.Sprint(name, " ", role), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { testSecrets(t, &fault) })
			})
		}
	}
}

// What succeeds and what fails without a fault of the service.
func TestNothingSecretIsExportedWithoutFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	request := cloudconvert.Pipeline(cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.ExportURL{})
	url, err := w.client.Jobs.CreateForURL(ctx, request) // a redirect of the sync host
	require.NoError(t, err)
	assert.Contains(t, url, "X-Amz-Signature=")
	url, err = w.client.Jobs.ResultURL(ctx, w.server.Jobs()[0].ID)
	require.NoError(t, err)
	assert.Contains(t, url, "X-Amz-Signature=")

	job, err := w.client.Run(ctx, request)
	require.NoError(t, err)
	for _, dst := range []io.Writer{io.Discard, failingWriter{}} {
		_, downloaded := w.client.Download(ctx, job.Files()[0], dst)
		file, err := w.client.Open(ctx, job.Files()[0])
		require.NoError(t, err)
		_, copied := io.Copy(dst, file)
		require.NoError(t, file.Close())
		assert.Equal(t, dst == failingWriter{}, downloaded != nil)
		assert.Equal(t, dst == failingWriter{}, copied != nil)
	}

	for _, secret := range []string{signedURL, w.server.Key()} {
		_, err = w.client.Jobs.Wait(ctx, secret)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		_, err = w.client.Tasks.Wait(ctx, secret)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		_, err = w.client.Run(ctx, request, cloudconvert.WithKey(secret))
		require.NoError(t, err)
	}

	w.server.Handle("pdf/encrypt", func(context.Context, *cloudconverttest.Run) error {
		return cloudconverttest.Fail("INVALID_PASSWORD", "wrong password "+password)
	})
	encrypted := cloudconvert.Pipeline(
		cloudconvert.FromBytes("a.pdf", []byte("%PDF-1.7")), cloudconvert.PDFEncrypt{SetPassword: password})
	_, err = w.client.Run(ctx, encrypted)
	require.ErrorContains(t, err, password)
	_, err = w.client.Run(ctx, encrypted, cloudconvert.WithInlineLimit(0))
	require.ErrorContains(t, err, password)
	w.checkSecrets()
}

// query matches the query of a URL, but not the dots in its place, which may be cut off.
var query = regexp.MustCompile(`\?[^". ;:,)]`)

// testSecrets makes all calls with a fault, or without if it is nil.
func testSecrets(t *testing.T, fault *cloudconverttest.Fault) {
	t.Helper()
	w := newWorld(t, cloudconverttest.WithInProcess())
	w.server.HandleURL(signedURL, "go.mod")
	w.server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write(run.OutputName(run.Input()), []byte("%PDF-1.7"))
	})
	calls := w.calls()
	if fault != nil {
		w.server.Inject(w.quoting(*fault))
	}
	for _, call := range slices.Sorted(maps.Keys(calls)) {
		if fault != nil && fault.Role != cloudconverttest.RoleAPI && !strings.HasPrefix(call, "Client.") && !strings.HasPrefix(call, "Tasks.Upload") {
			continue // it uses only the API host
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		err := calls[call](ctx)
		cancel()
		if fault == nil {
			require.NoError(t, err, call)
		}
	}
	w.checkSecrets()
}

// checkSecrets checks that nothing exported has a secret.
func (w *world) checkSecrets() {
	w.t.Helper()
	for line := range strings.Lines(w.exported()) {
		for _, secret := range []string{"X-Amz-", "s3cr3t", w.server.Key()} {
			assert.NotContains(w.t, line, secret)
		}
		assert.NotRegexp(w.t, query, line)
	}
}

// quoting returns a fault whose response has secrets: an error may quote the request, and
// the target of a redirect may be signed.
func (w *world) quoting(fault cloudconverttest.Fault) cloudconverttest.Fault {
	message := "no: " + signedURL
	if fault.Role != cloudconverttest.RoleStorage { // it does not get the key
		message += " " + w.server.Key()
	}
	if fault.Status != 0 {
		fault.Body = fmt.Sprintf(`{"message":%q,"code":%q}`, message, fault.Code)
	}
	if fault.Status == http.StatusFound {
		fault.Header = http.Header{"Location": {w.server.URL + "/moved?X-Amz-Signature=s3cr3t"}}
	}
	return fault
}
