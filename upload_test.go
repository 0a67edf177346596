package cloudconvert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func textSource() cloudconvert.Source {
	return cloudconvert.FromBytes("a.txt", []byte(testkit.SourceText))
}

// The local sandbox checks uploads as strictly as the real storage.
func TestUpload(t *testing.T) {
	t.Parallel()
	large := testkit.Content(3 << 20)
	for name, text := range map[string]string{"text": testkit.SourceText, "empty": "", "large": large} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				created, task := testkit.UploadJob(t, client)
				require.NoError(t, client.Tasks.Upload(t.Context(), task, cloudconvert.FromBytes("a.txt", []byte(text))))
				_, err := client.Jobs.Wait(t.Context(), created.ID)
				require.NoError(t, err)
				assert.Equal(t, text, testkit.StoredText(t, server))
				sent := server.Requests()[1]
				assert.Equal(t, cloudconverttest.RoleStorage, sent.Role)
				assert.Greater(t, sent.ContentLength, int64(len(text)))
				assert.Empty(t, sent.Header.Get("Authorization"))
				assert.Empty(t, sent.Header.Get("Cookie"))
			})
		})
	}
}

func TestUploadKeepsOrderOfForm(t *testing.T) {
	t.Parallel()
	fields := []cloudconvert.FormField{
		{Name: "z", Value: "last"},
		{Name: "key", Value: "task/${filename}"},
		{Name: "a", Value: ""},
		{Name: "Policy", Value: "line\r\n--break"},
		{Name: "z", Value: "twice"},
	}
	client, script, _ := testkit.NewUploader(t, testkit.Says(http.StatusNoContent, ""))
	require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(fields...), textSource()))
	want := make([]part, 0, len(fields)+1)
	for _, field := range fields {
		want = append(want, part{name: field.Name, content: field.Value})
	}
	want = append(want, part{"file", "a.txt", testkit.SourceText})
	assert.Equal(t, want, partsOf(t, script.Requests[0], script.Bodies[0]))
	assert.Empty(t, script.Requests[0].Header.Get("Authorization"))
	assert.Equal(t, "https://storage.example.com/bucket", script.Requests[0].URL.String())
}

func TestUploadResponses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reply testkit.Reply
		sent  int // attempts, if each gets this response
		again bool
		want  error
	}{
		"200":              {testkit.Says(200, ""), 1, false, nil},
		"201":              {testkit.Says(201, "<PostResponse/>"), 1, false, nil},
		"204":              {testkit.Says(204, ""), 1, false, nil},
		"201, body broken": {testkit.BreaksOff(201, "<Post"), 1, false, nil},
		"200, a page":      {testkit.Says(200, "<html>", "Content-Type", "text/html; charset=UTF-8"), 6, true, nil},
		"400":              {testkit.Says(400, ""), 1, false, cloudconvert.ErrInvalid},
		"403": {
			testkit.Says(403, `<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>`),
			1, false, cloudconvert.Code("AccessDenied"),
		},
		"404":   {testkit.Says(404, ""), 1, false, cloudconvert.ErrNotFound},
		"408":   {testkit.Says(408, ""), 6, true, nil},
		"411":   {testkit.Says(411, ""), 1, false, nil},
		"413":   {testkit.Says(413, ""), 1, false, nil},
		"429":   {testkit.Says(429, ""), 6, true, cloudconvert.ErrRateLimited},
		"500":   {testkit.Says(500, ""), 6, true, cloudconvert.ErrServer},
		"501":   {testkit.Says(501, ""), 1, false, cloudconvert.ErrServer},
		"503":   {testkit.Says(503, "<html>", "Content-Type", "text/html"), 6, true, cloudconvert.ErrServer},
		"reset": {testkit.Fails(io.ErrUnexpectedEOF), 6, true, io.ErrUnexpectedEOF},
		"dial":  {testkit.Fails(testkit.ErrRefused), 6, true, testkit.ErrRefused},
		"never": {never, 6, true, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, script, _ := testkit.NewUploader(t, tt.reply)
				err := client.Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource())
				assert.Len(t, script.Requests, tt.sent)
				if tt.sent == 1 && tt.want == nil && !strings.HasPrefix(name, "4") {
					require.NoError(t, err)
					return
				}
				require.Error(t, err)
				if tt.want != nil {
					require.ErrorIs(t, err, tt.want)
				}
				var failure *cloudconvert.Error
				require.ErrorAs(t, err, &failure)
				assert.Equal(t, http.MethodPost, failure.Method)
				assert.Equal(t, "storage.example.com/bucket", failure.Path)
				assert.Equal(t, map[bool]int{true: 6, false: 1}[tt.again], failure.Attempts)
				assert.Equal(t, tt.again, cloudconvert.IsRetryable(err))
				require.NotErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
			})
		})
	}
}

func TestBrokenUploadIsRetried(t *testing.T) {
	t.Parallel()
	faults := map[string]cloudconverttest.Fault{
		"reset":         {Kind: cloudconverttest.Reset},
		"response lost": {Kind: cloudconverttest.Reset, Phase: cloudconverttest.After},
		"response cut":  {Kind: cloudconverttest.Reset, Phase: cloudconverttest.During},
		"stuck":         {Kind: cloudconverttest.Stall, Bytes: 100_000},
		"never":         {Kind: cloudconverttest.Stall, Phase: cloudconverttest.After},
		"slow down":     {Status: http.StatusServiceUnavailable, Code: "SlowDown", Message: "Please reduce your request rate."},
		"HTML":          {Status: http.StatusBadGateway},
		"late response": {Kind: cloudconverttest.Slow, Delay: 140 * time.Second, Phase: cloudconverttest.After},
		"slow storage":  {Kind: cloudconverttest.Slow, Delay: 20 * time.Second},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				created, task := testkit.UploadJob(t, client)
				fault.Path, fault.Times = "storage:upload", 1
				server.Inject(fault)
				text := testkit.Content(1 << 20)
				require.NoError(t, client.Tasks.Upload(t.Context(), task, cloudconvert.FromBytes("a.txt", []byte(text))))
				_, err := client.Jobs.Wait(t.Context(), created.ID)
				require.NoError(t, err)
				assert.Equal(t, text, testkit.StoredText(t, server))
				want := 2
				if fault.Kind == cloudconverttest.Slow || fault.Phase == cloudconverttest.During {
					want = 1
				}
				assert.Equal(t, want, testkit.CountRequests(server, "POST storage"))
				assert.Equal(t, 1, testkit.JobCount(server))
			})
		})
	}
}

// As long as bytes are sent, the duration of an upload is not limited.
func TestSlowUploadIsNotAStall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, script, _ := testkit.NewUploader(t, testkit.Says(http.StatusCreated, ""))
		start := time.Now()
		source := cloudconvert.FromReader("a.txt", lenOnly{&slowReader{strings.NewReader(testkit.SourceText), 25 * time.Second}, len(testkit.SourceText)})
		require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), source))
		assert.Greater(t, time.Since(start), 5*time.Minute)
		assertUploaded(t, script, 1)
	})
}

// slowReader returns a byte after each pause.
type slowReader struct {
	reader io.Reader
	pause  time.Duration
}

func (r *slowReader) Read(p []byte) (int, error) {
	testkit.Advance(r.pause)
	return r.reader.Read(p[:min(len(p), 1)])
}

// blocked is a reader whose methods all block until it is released.
type blocked struct{ release chan struct{} }

func (b blocked) Read([]byte) (int, error) {
	<-b.release
	return 0, io.EOF
}
func (b blocked) ReadAt([]byte, int64) (int, error) { return b.Read(nil) }
func (b blocked) Seek(_ int64, whence int) (int64, error) {
	return map[int]int64{io.SeekEnd: 100}[whence], nil
}

// An upload from a source that blocks ends with its context, or as a stall.
func TestUploadFromBlockedSourceEnds(t *testing.T) {
	t.Parallel()
	sources := map[string]func(b blocked) io.Reader{
		"reader":    func(b blocked) io.Reader { return readOnly{b} },
		"length":    func(b blocked) io.Reader { return lenOnly{b, 100} },
		"seeker":    func(b blocked) io.Reader { return seekOnly{b} },
		"reader at": func(b blocked) io.Reader { return b },
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				dir := t.TempDir()
				client := server.Client(cloudconvert.WithTransfers(cloudconvert.TransferPolicy{TempDir: dir}))
				_, task := testkit.UploadJob(t, client)
				b := blocked{make(chan struct{})}
				defer close(b.release)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				start := time.Now()
				err := client.Tasks.Upload(ctx, task, cloudconvert.FromReader("a.txt", source(b)))
				assert.Equal(t, 20*time.Second, time.Since(start))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Empty(t, testkit.Listed(t, dir))
				if name == "reader" {
					return // it is read before the upload, without a stall timeout
				}
				start = time.Now()
				err = client.Tasks.Upload(t.Context(), task, cloudconvert.FromReader("a.txt", source(b)))
				require.Error(t, err)
				require.NotErrorIs(t, err, context.Canceled)
				assert.Contains(t, err.Error(), "no byte moved")
				assert.Less(t, time.Since(start), 5*time.Minute)
			})
		})
	}
}

// An upload from a source that only returns empty reads fails, at once or as a stall.
func TestUploadFromEmptyReadsFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pause time.Duration // of each read
		known bool          // whether the length is known
		want  string
	}{
		"spinning":                 {0, true, io.ErrNoProgress.Error()},
		"slow":                     {time.Second, true, "no byte moved in time (30s)"},
		"spinning, unknown length": {0, false, io.ErrNoProgress.Error()},
		"slow, unknown length":     {time.Second, false, io.ErrNoProgress.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				client, script, _ := testkit.NewUploader(t, testkit.Says(http.StatusCreated, ""))
				var source io.Reader = readOnly{readerFunc(func([]byte) (int, error) {
					testkit.Advance(c.pause)
					return 0, ctx.Err() // not reached
				})}
				if c.known {
					source = lenOnly{source, 10}
				}
				require.ErrorContains(t, client.Tasks.Upload(ctx, testkit.WaitingTask(), cloudconvert.FromReader("a.txt", source)), c.want)
				assert.LessOrEqual(t, len(script.Requests), 1)
				testkit.Advance(time.Minute) // until an abandoned read has ended
			})
		})
	}
}

func TestUploadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	faults := map[string]cloudconverttest.Fault{
		"while sending":            {Kind: cloudconverttest.Stall, Bytes: 100_000},
		"waiting for the response": {Kind: cloudconverttest.Stall, Phase: cloudconverttest.After},
		"between two attempts":     {Status: http.StatusServiceUnavailable},
		"between, after a reset":   {Kind: cloudconverttest.Reset},
		"reading the response":     {Kind: cloudconverttest.Stall, Phase: cloudconverttest.During},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client(cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: 1000}))
				_, task := testkit.UploadJob(t, client)
				fault.Path = "storage:upload"
				server.Inject(fault)
				ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
				want := context.DeadlineExceeded
				if strings.HasPrefix(name, "between") { // a pause that would exceed the deadline is not begun
					ctx, cancel = context.WithCancel(t.Context())
					time.AfterFunc(7*time.Second, cancel)
					want = context.Canceled
				}
				defer cancel()
				start := time.Now()
				err := client.Tasks.Upload(ctx, task, cloudconvert.FromBytes("a.txt", []byte(testkit.Content(1<<20))))
				assert.Equal(t, 7*time.Second, time.Since(start))
				if name == "reading the response" {
					require.NoError(t, err, "the status is enough")
					return
				}
				require.ErrorIs(t, err, want)
				assert.False(t, cloudconvert.IsRetryable(err))
			})
		})
	}
}

func TestUploadResumptions(t *testing.T) {
	t.Parallel()
	for resumptions, attempts := range map[int]int{0: 6, 1: 2, 3: 4, -1: 1} {
		synctest.Test(t, func(t *testing.T) {
			client, script := testkit.NewScriptWith(t, []cloudconvert.Option{
				cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: resumptions}),
			}, testkit.Says(http.StatusInternalServerError, ""))
			require.ErrorIs(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource()), cloudconvert.ErrServer)
			assert.Len(t, script.Requests, attempts)
		})
	}
}

// A success response before the whole file was sent is not a success.
func TestEarlyUploadResponseIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		client, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithHTTPClient(&http.Client{
			Transport: testkit.Reply(func(req *http.Request) (*http.Response, error) {
				if asked++; asked < 3 {
					_, err := io.CopyN(io.Discard, req.Body, 10)
					return &http.Response{StatusCode: http.StatusCreated}, err
				}
				if _, err := io.Copy(io.Discard, req.Body); err != nil {
					return nil, err
				}
				return testkit.Says(http.StatusCreated, "")(req)
			}),
		}))
		require.NoError(t, err)
		require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource()))
		assert.Equal(t, 3, asked)
	})
}

func TestUploadRefusesTasks(t *testing.T) {
	t.Parallel()
	change := func(change func(*cloudconvert.Task)) cloudconvert.Task {
		task := testkit.WaitingTask()
		change(&task)
		return task
	}
	for name, task := range map[string]cloudconvert.Task{
		"zero":        {},
		"other":       change(func(t *cloudconvert.Task) { t.Operation = cloudconvert.OperationConvert }),
		"processing":  change(func(t *cloudconvert.Task) { t.Status = cloudconvert.StatusProcessing }),
		"finished":    change(func(t *cloudconvert.Task) { t.Status = cloudconvert.StatusFinished }),
		"error":       change(func(t *cloudconvert.Task) { t.Status = cloudconvert.StatusError }),
		"no form":     change(func(t *cloudconvert.Task) { t.Result.Form = nil }),
		"invalid URL": change(func(t *cloudconvert.Task) { t.Result.Form.URL = "https://a b/%zz" }),
		"file field":  change(func(t *cloudconvert.Task) { t.Result.Form.Fields = []cloudconvert.FormField{{Name: "File"}} }),
		"empty field": change(func(t *cloudconvert.Task) { t.Result.Form.Fields = []cloudconvert.FormField{{}} }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script, dir := testkit.NewUploader(t, testkit.Says(http.StatusCreated, ""))
			require.ErrorIs(t, client.Tasks.Upload(t.Context(), task, textSource()), cloudconvert.ErrInvalid)
			assert.Empty(t, script.Requests)
			assert.Empty(t, testkit.Listed(t, dir))
		})
	}
}

func TestUploadRefusesPlainHTTP(t *testing.T) {
	t.Parallel()
	client, script, _ := testkit.NewUploader(t, testkit.Says(http.StatusTemporaryRedirect, "", "Location", "http://storage.example.com/"))
	for _, address := range []string{"http://storage.example.com/", "ftp://storage.example.com/", "/bucket", "https:///bucket"} {
		task := testkit.WaitingTask()
		task.Result.Form.URL = address
		require.Error(t, client.Tasks.Upload(t.Context(), task, textSource()))
	}
	assert.Empty(t, script.Requests)
	synctest.Test(t, func(t *testing.T) {
		require.Error(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource()))
	})
	for _, asked := range script.URLs() {
		assert.Equal(t, "POST https://storage.example.com/bucket", asked)
	}
}

func TestUploadFilenames(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ name, sent string }{
		"plain":          {"a.txt", "a.txt"},
		"letters":        {"Größe 文件.txt", "Größe 文件.txt"},
		"quotes":         {`a"; filename="b.exe.txt`, `a%22; filename=%22b.exe.txt`},
		"path":           {"/etc/../a.txt", "a.txt"},
		"two extensions": {"a.tar.gz", "a.tar.gz"},
		"line break":     {"a\r\nContent-Type: b.txt", ""},
		"zero byte":      {"a\x00.txt", ""},
		"not UTF-8":      {"a\xff.txt", ""},
		"no extension":   {"README", ""},
		"only a dot":     {"a.", ""},
		"hidden":         {".txt", ""},
		"empty":          {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script, _ := testkit.NewUploader(t, testkit.Says(http.StatusCreated, ""))
			err := client.Tasks.Upload(t.Context(), testkit.WaitingTask(), cloudconvert.FromBytes(tt.name, []byte(testkit.SourceText)))
			if tt.sent == "" {
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
				assert.Empty(t, script.Requests)
				return
			}
			require.NoError(t, err)
			assert.Contains(t, script.Bodies[0], `filename="`+tt.sent+`"`+"\r\n")
		})
	}
}

// The name adds an extension that the file name of the source lacks.
func TestUploadWithAnotherName(t *testing.T) {
	t.Parallel()
	client, script, _ := testkit.NewUploader(t, testkit.Says(http.StatusCreated, ""))
	source := cloudconvert.FromBytes("README", []byte(testkit.SourceText))
	err := client.Tasks.Upload(t.Context(), testkit.WaitingTask(), source)
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, err, "WithName")
	assert.Empty(t, script.Requests)
	require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), source.WithName("README.md")))
	assert.Equal(t, "README.md", partsOf(t, script.Requests[0], script.Bodies[0])[0].filename)
}

// Errors and logs must not have the secrets of the form.
func TestUploadKeepsTheFormSecret(t *testing.T) {
	t.Parallel()
	secrets := []string{"secret-policy-of-the-form", "secret-signature-of-the-form", "secret-query-of-the-form"}
	task := testkit.WaitingTask(cloudconvert.FormField{Name: "Policy", Value: secrets[0]}, cloudconvert.FormField{Name: "X-Amz-Signature", Value: secrets[1]})
	task.Result.Form.URL += "?signature=" + secrets[2]
	for name, reply := range map[string]testkit.Reply{
		"reset": testkit.Fails(io.ErrUnexpectedEOF),
		"refused": testkit.Says(403, "<Error><Code>SignatureDoesNotMatch</Code><Message>secret-policy-of-the-form, secret-signature-of-the-form"+
			" and secret-query-of-the-form</Message></Error>"),
		"redirected wrongly": testkit.Says(302, "", "Location", "https://[secret-query-of-the-form"),
		"redirected":         testkit.Says(307, "", "Location", "ftp://storage.example.com/?secret-query-of-the-form"),
		"never":              never,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log testkit.Log
				client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{log.Option()}, reply)
				err := client.Tasks.Upload(t.Context(), task, textSource())
				require.Error(t, err)
				for _, secret := range append(secrets, testkit.Key) {
					assert.NotContains(t, err.Error(), secret)
					assert.NotContains(t, log.String(), secret)
				}
				assert.NotEmpty(t, log.Lines(slog.LevelDebug))
			})
		})
	}
}

func TestUploadLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log testkit.Log
		client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{log.Option()}, testkit.Says(503, ""), testkit.Says(201, ""))
		require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource()))
		attempts, warnings := log.Lines(slog.LevelDebug), log.Lines(slog.LevelWarn)
		require.Len(t, attempts, 2)
		require.Len(t, warnings, 1)
		for _, part := range []string{`"method":"POST"`, `"path":"storage.example.com/bucket"`, `"status":503`, `"attempt":1`, `"duration":`} {
			assert.Contains(t, attempts[0], part)
		}
		assert.Contains(t, warnings[0], `"status":503`)
	})
}

// Progress always ends at the total and never exceeds it, even if parts are sent twice.
func TestUploadProgress(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		var reports []cloudconvert.Progress
		client := server.Client(cloudconvert.WithTransfers(cloudconvert.TransferPolicy{
			Progress: func(p cloudconvert.Progress) { reports = append(reports, p) },
		}))
		_, task := testkit.UploadJob(t, client)
		server.Inject(cloudconverttest.Fault{Path: "storage:upload", Kind: cloudconverttest.Stall, Bytes: 300_000, Nth: 1})
		const size = 1 << 20
		require.NoError(t, client.Tasks.Upload(t.Context(), task, cloudconvert.FromBytes("a.txt", bytes.Repeat([]byte("a"), size))))
		require.NotEmpty(t, reports)
		for _, report := range reports {
			assert.Equal(t, cloudconvert.PhaseUpload, report.Phase)
			assert.Equal(t, "a.txt", report.Name)
			assert.LessOrEqual(t, report.Done, report.Total)
			assert.Equal(t, int64(size), report.Total)
		}
		assert.Equal(t, int64(size), reports[len(reports)-1].Done)
	})
}

// A transport may still read the body after RoundTrip has returned.
func TestTransportReadsAfterRoundTrip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var readers sync.WaitGroup
		var asked atomic.Int32
		client, err := cloudconvert.NewClient(testkit.Key,
			cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Progress: func(cloudconvert.Progress) {}}),
			cloudconvert.WithHTTPClient(&http.Client{
				Transport: testkit.Reply(func(req *http.Request) (*http.Response, error) {
					readers.Go(func() { _, _ = io.Copy(io.Discard, &slowReader{req.Body, time.Second}) })
					if asked.Add(1) == 1 {
						return nil, errors.New("lost")
					}
					readers.Wait()
					return testkit.Says(http.StatusCreated, "")(req)
				}),
			}))
		require.NoError(t, err)
		require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource()))
		assert.EqualValues(t, 2, asked.Load())
	})
}

func TestUploadForm(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		_, task := testkit.UploadJob(t, client)
		form, err := client.Tasks.UploadForm(t.Context(), task.ID)
		require.NoError(t, err)
		assert.NotEmpty(t, form.URL)
		assert.NotEmpty(t, form.Fields)
		_, err = client.Tasks.UploadForm(t.Context(), testkit.RunTask(t, client).ID)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		_, err = client.Tasks.UploadForm(t.Context(), "some-task")
		require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	})
}

// Storage refuses an expired form.
func TestUploadWithExpiredForm(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		_, task := testkit.UploadJob(t, client)
		server.Advance(2 * time.Hour)
		err := client.Tasks.Upload(t.Context(), task, textSource())
		require.ErrorIs(t, err, cloudconvert.ErrForbidden)
		require.ErrorIs(t, err, cloudconvert.Code("AccessDenied"))
		assert.Contains(t, err.Error(), "Policy expired")
		assert.Equal(t, 1, testkit.CountRequests(server, "POST storage"))
	}, cloudconverttest.WithUploadExpiry(time.Hour))
}

// A network timeout is not the end of the caller's context.
func TestUploadNetworkTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, script, _ := testkit.NewUploader(t, testkit.Fails(&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}), testkit.Fails(context.DeadlineExceeded))
		err := client.Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource())
		require.Error(t, err)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		assert.True(t, cloudconvert.IsRetryable(err))
		assert.Len(t, script.Requests, 6)
	})
}

// An upload honors Retry-After, as API requests do.
func TestUploadHonorsRetryAfter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status     int
		retryAfter string
		least      time.Duration
	}{
		"429":       {429, "5", 5 * time.Second},
		"503":       {503, "30", 30 * time.Second},
		"408":       {408, "7", 7 * time.Second},
		"500":       {500, "7", 7 * time.Second},
		"capped":    {503, "86400", 40 * time.Second},
		"a date":    {503, time.Date(2000, 1, 1, 0, 0, 20, 0, time.UTC).Format(http.TimeFormat), 20 * time.Second},
		"none":      {503, "", 0},
		"negative":  {503, "-5", 0},
		"malformed": {503, "soon", 0},
	} {
		for _, redirected := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/redirected=%t", name, redirected), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					refusal := testkit.Says(tt.status, "", "Retry-After", tt.retryAfter)
					script := []testkit.Reply{refusal, testkit.Says(201, "")}
					if redirected {
						onward := redirects(307, "https://other.example.com/")
						script = []testkit.Reply{onward, refusal, onward, testkit.Says(201, "")}
					}
					client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{
						cloudconvert.WithRetry(cloudconvert.RetryPolicy{MaxRetryAfter: 40 * time.Second}),
					}, script...)
					begun := time.Now()
					require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource()))
					assert.GreaterOrEqual(t, time.Since(begun), tt.least)
					assert.LessOrEqual(t, time.Since(begun), tt.least+time.Second)
				})
			})
		}
	}
}

// A pause that would exceed the deadline is not begun.
func TestUploadRetryAfterBeyondDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, script, _ := testkit.NewUploader(t, testkit.Says(503, "", "Retry-After", "60"))
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		begun := time.Now()
		err := client.Tasks.Upload(ctx, testkit.WaitingTask(), textSource())
		require.ErrorIs(t, err, cloudconvert.ErrServer)
		assert.True(t, cloudconvert.IsRetryable(err))
		assert.Zero(t, time.Since(begun))
		assert.Len(t, script.Requests, 1)
		var failure *cloudconvert.Error
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, time.Minute, failure.RetryAfter)
	})
}
