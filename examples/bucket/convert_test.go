package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestConvertsWhatIsLacking(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.s3.pageSize = 3
	for _, key := range []string{
		"docs/a.docx", "docs/a-1.docx", "docs/a.docx-1.docx", "docs/sub folder/b+c.docx", "docs/100%41.docx", "docs/\u00fc \U0001f600.DOCX",
		"docs/\x01.docx", "docs//double.docx", "docs/q?x=1&y#z.docx", "docs/converted.docx", // more than a page
		"docs/", "docs/folder/", "docs/notes", "docs/.docx", "docs/x.unknown", "docs/done.pdf", "docs/page-%d.docx", "docs/page-%03d.docx",
		"docs-old/other.docx", "other.docx",
	} {
		w.s3.put("in", key, "text", day)
	}
	w.s3.put("in", "docs/empty.docx", "", day)
	w.s3.put("out", "pdfs/converted.docx.pdf", "old", day.Add(time.Hour))
	w.s3.put("out", "pdfs/foreign.txt", "old", day)
	w.s3.put("out", "a.docx.pdf", "elsewhere", day)
	require.NoError(t, w.run(t), w.stderr.String())

	want := map[string]int{"pdfs/converted.docx.pdf": 1, "pdfs/foreign.txt": 1, "a.docx.pdf": 1}
	for _, name := range []string{
		"a.docx", "a-1.docx", "a.docx-1.docx", "sub folder/b+c.docx", "100%41.docx", "\u00fc \U0001f600.DOCX", "\x01.docx", "/double.docx", "q?x=1&y#z.docx",
	} {
		want["pdfs/"+name+".pdf"] = 1
	}
	assert.Equal(t, want, w.puts())
	assert.Len(t, w.server.Jobs(), 9)
	assert.Contains(t, w.stdout.String(), "s3://in/docs/a.docx -> s3://out/pdfs/a.docx.pdf\n")
	assert.Contains(t, w.stderr.String(), "9 converted, 1 converted before; skipped: folder markers (2), empty (1), "+
		"in the format already (1), not convertible to the format (3), with %d in the key (2); credits: 9,")
	assert.NotContains(t, w.stdout.String()+w.stderr.String(), "\x01")

	require.NoError(t, w.run(t))
	assert.Len(t, w.server.Jobs(), 9, "there is nothing left")
	assert.Empty(t, w.stdout.String())
	assert.Contains(t, w.stderr.String(), "0 converted, 10 converted before")
}

func TestJobsHaveTheCredentialsOfTheServiceOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.s3.put("in", "docs/a.docx", "broken", day)
	require.ErrorIs(t, w.run(t), errIncomplete)
	assert.Contains(t, w.stderr.String(), "s3://in/docs/a.docx -> s3://out/pdfs/a.docx.pdf: ")
	assert.Contains(t, w.stderr.String(), "1 failed")
	assert.NotContains(t, w.stderr.String(), "\x1b")
	for _, secret := range []string{"service-secret", "lister-secret", w.token, w.server.Key()} {
		assert.NotContains(t, w.stderr.String(), secret)
	}
	regions := map[string]any{}
	for _, task := range w.server.Jobs()[0].Tasks {
		if task.Operation != "convert" {
			regions[task.Operation] = task.Params["region"]
			assert.Equal(t, "http://s3.test", task.Params["endpoint"])
		}
	}
	assert.Equal(t, map[string]any{"import/s3": "eu-central-1", "export/s3": "us-east-1"}, regions)

	w.s3.put("in", "docs/a.docx", "mended", day)
	require.NoError(t, w.run(t))
	assert.Equal(t, map[string]int{"pdfs/a.docx.pdf": 1}, w.puts())
}

func TestNewer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(3)
	require.NoError(t, w.run(t))
	w.s3.put("in", "docs/01.docx", "revised", time.Now().Add(time.Hour))
	require.NoError(t, w.run(t))
	assert.Contains(t, w.stderr.String(), "0 converted, 2 converted before, 1 newer than their results")
	assert.Len(t, w.server.Jobs(), 3)
	require.NoError(t, w.run(t, "-newer"))
	assert.Contains(t, w.stderr.String(), "1 converted, 2 converted before; ")
	result, _ := w.s3.get("out", "pdfs/01.docx.pdf")
	assert.Equal(t, "%PDF of revised", result.content)
	assert.Equal(t, 2, result.puts)

	w.s3.put("in", "docs/01.docx", "revised", time.Now().Add(2*time.Hour))
	require.NoError(t, w.run(t, "-newer"))
	result, _ = w.s3.get("out", "pdfs/01.docx.pdf")
	assert.Equal(t, 3, result.puts, "the source was stored again")
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(3)
	w.s3.put("out", "pdfs/01.docx.pdf", "old", day)
	require.NoError(t, w.run(t, "-dry-run"))
	assert.Equal(t, "s3://in/docs/00.docx -> s3://out/pdfs/00.docx.pdf\ns3://in/docs/02.docx -> s3://out/pdfs/02.docx.pdf\n", w.stdout.String())
	assert.Contains(t, w.stderr.String(), "2 to convert, 1 converted before")
	assert.Empty(t, w.server.Jobs())
}

func TestBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(10)
	require.ErrorIs(t, w.run(t, "-budget=4", "-concurrency=1"), errIncomplete)
	assert.Len(t, w.server.Jobs(), 4)
	assert.Contains(t, w.stderr.String(), "4 converted, 1 left by the budget; credits: 4,")
	require.NoError(t, w.run(t))
	assert.Len(t, w.server.Jobs(), 10)
}

func TestContinuesJobsOfAnInterruptedRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gate = make(chan struct{})
	w.fill(3)
	ctx, interrupt := context.WithCancel(t.Context())
	c := w.converter(t, "-fresh")
	ended := make(chan error, 1)
	go func() { ended <- c.run(ctx) }()
	require.Eventually(t, func() bool { return len(w.server.Jobs()) == 3 }, time.Minute, time.Millisecond)
	interrupt()
	require.ErrorIs(t, <-ended, errInterrupted)
	c.close()
	assert.Contains(t, w.stderr.String(), "0 converted, 3 interrupted")
	assert.Empty(t, w.puts())

	w.token = "second-token" // as temporary credentials have
	lookups := w.lookups()
	c = w.converter(t, "-fresh")
	go func() { ended <- c.run(t.Context()) }()
	require.Eventually(t, func() bool { return w.lookups() == lookups+3 }, time.Minute, time.Millisecond)
	close(w.gate)
	require.NoError(t, <-ended, w.stderr.String())
	c.close()
	assert.Contains(t, w.stderr.String(), "3 converted")
	assert.Equal(t, 3, w.creations())
	assert.Len(t, w.puts(), 3)

	w.s3.put("in", "docs/01.docx", "new content", day)
	w.s3.remove("out", "pdfs/01.docx.pdf")
	require.NoError(t, w.run(t))
	assert.Equal(t, 4, w.creations(), "another content is another job")
}

func TestRemovedResult(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(1)
	require.NoError(t, w.run(t))
	w.s3.remove("out", "pdfs/00.docx.pdf")
	require.ErrorIs(t, w.run(t), errIncomplete)
	assert.Contains(t, w.stderr.String(), "its object is gone")
	require.NoError(t, w.server.Client().Jobs.Delete(t.Context(), w.server.Jobs()[0].ID))
	require.NoError(t, w.run(t))
	assert.Equal(t, map[string]int{"pdfs/00.docx.pdf": 1}, w.puts())
}

func TestSeveralFilesForOneKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.s3.put("in", "docs/a.docx", "two", day)
	require.ErrorIs(t, w.run(t), errIncomplete)
	assert.Contains(t, w.stderr.String(), "made 2 files, of which one is stored")
}

func TestListingThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(8)
	w.s3.pageSize = 4
	w.s3.fail = func(r *http.Request) error {
		if r.URL.Query().Get("continuation-token") != "" {
			return errOffline
		}
		return nil
	}
	err := w.run(t)
	require.ErrorIs(t, err, errOffline)
	assert.NotContains(t, err.Error(), "lister-secret")
	assert.Len(t, w.puts(), 3, "what was begun continues, and the last one of the page is still held")

	w.s3.fail, w.s3.disorder = nil, true
	require.ErrorContains(t, w.run(t), "list s3://in/docs/: it is not sorted by key")
}

func TestFormatThatNothingCanBeConvertedTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.converter(t)
	defer c.close()
	c.format = "docx2"
	require.ErrorContains(t, c.run(t.Context()), `converts nothing to "docx2"`)
}

func TestWithoutEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(2)
	w.server.Inject(cloudconverttest.Fault{Path: "/v2/users/me", Status: http.StatusForbidden, Code: "FORBIDDEN"})
	require.NoError(t, w.run(t))
	assert.Contains(t, w.stderr.String(), "There are no events")
	assert.Len(t, w.puts(), 2)
}

// full is an output whose writes fail.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(2)
	for _, args := range [][]string{{"-dry-run"}, {"-fresh"}} {
		c := w.converter(t, args...)
		c.stdout = full{}
		require.ErrorContains(t, c.run(t.Context()), "no space left")
		c.close()
	}
}

// The request of a run that was killed may arrive after the next run has begun.
func TestLooksForJobsOfAKilledRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cloudconverttest.WithInProcess())
		w.fill(9)
		c := w.converter(t, "-concurrency=2")
		var sent conversion
		for found, err := range c.lacking(t.Context(), map[string]bool{"docx": true}) {
			require.NoError(t, err)
			sent = found
			break
		}
		work, err := c.work(t.Context(), sent)
		require.NoError(t, err)
		work.Request.Tag = c.key(sent)
		time.AfterFunc(10*time.Second, func() {
			_, err := c.client.Jobs.Create(t.Context(), work.Request)
			assert.NoError(t, err)
		})
		require.NoError(t, c.run(t.Context()), w.stderr.String())
		assert.Less(t, time.Since(c.started), 40*time.Second, "only the first works look")
		<-time.After(time.Minute) // the request arrives in any case
		assert.Equal(t, 9, w.creations())
		assert.Len(t, w.puts(), 9)
		c.close()
	})
}

func TestUsage(t *testing.T) {
	t.Parallel()
	const ok = " -to pdf -service-profile s s3://a/in s3://a/out"
	for _, test := range []struct {
		args, want string
		code       int
	}{
		{"-fast", "-fast", exitUsage},
		{"-to pdf -service-profile s s3://a", "got 1 arguments", exitUsage},
		{"-to p/df -service-profile s s3://a s3://b", `-to "p/df"`, exitUsage},
		{"-service-profile s s3://a s3://b", `-to ""`, exitUsage},
		{"-to pdf s3://a s3://b", "-service-profile is missing", exitUsage},
		{"-budget 0" + ok, "-budget 0", exitUsage},
		{"-concurrency 0" + ok, "-concurrency 0", exitUsage},
		{"-to pdf -service-profile s s3:///a s3://b", "does not name a bucket", exitUsage},
		{"-to pdf -service-profile s s3://a https://b", "does not name a bucket", exitUsage},
		{"-to pdf -service-profile s s3://a s3://a", "overlap", exitUsage},
		{"-to pdf -service-profile s s3://a/in s3://a/in/out", "overlap", exitUsage},
		{"-to pdf -service-profile s s3://a/in/docs s3://a/in/", "overlap", exitUsage},
		{"-help", "usage: bucket [flags]", exitOK},
	} {
		var stdout, stderr buffer
		assert.Equal(t, test.code, run(t.Context(), strings.Fields(test.args), &stdout, &stderr), test.args)
		assert.Contains(t, stderr.String(), test.want)
		assert.Empty(t, stdout.String())
	}
	for _, locations := range []string{"s3://a s3://b", "s3://a/in s3://a/in-pdf", "s3://a/x s3://b/x"} {
		s, err := parse(append([]string{"-to=pdf", "-dry-run"}, strings.Fields(locations)...))
		require.NoError(t, err)
		assert.NotEmpty(t, s.from.bucket)
	}
}
