package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// codeWords are the words of programmers.
const codeWords = `With[A-Z]|SaveAs|RunFile|RunAll|cloudconvert: |\bName\b|invalid request`

func TestMessages(t *testing.T) {
	t.Parallel()
	task := func(code cloudconvert.Code, message string) error {
		return &cloudconvert.JobError{
			Job: &cloudconvert.Job{ID: "J"}, Tasks: []*cloudconvert.TaskError{{Code: code, Message: message}},
		}
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"exists": {
			fmt.Errorf(`cloudconvert: the destination "x/a.jpg" already exists: remove it, or use WithOverwrite: %w`, fs.ErrExist),
			"x/a.jpg already exists: use -overwrite to replace it",
		},
		"exists elsewhere": {fs.ErrExist, "a.jpg already exists: use -overwrite to replace it"},
		"unreadable source": {
			fmt.Errorf("cloudconvert: %w", &fs.PathError{Op: "open", Path: "a.png", Err: os.ErrPermission}), "permission denied",
		},
		"other file": {
			fmt.Errorf("cloudconvert: save: %w", &fs.PathError{Op: "open", Path: "x", Err: os.ErrPermission}), "save: open x: permission denied",
		},
		"budget":          {fmt.Errorf("%w: spent", cloudconvert.ErrBudget), "not begun, since the 7 credits of -budget are spent"},
		"wrong key":       {&cloudconvert.Error{StatusCode: 401}, "the service does not accept the API key: set CLOUDCONVERT_API_KEY to one from https://cloudconvert.com/dashboard/api/v2/keys"},
		"no scope":        {&cloudconvert.Error{StatusCode: 403}, "the API key lacks a scope: it needs task.read and task.write"},
		"no credits":      {&cloudconvert.Error{StatusCode: 402}, "the account is out of credits: add some at https://cloudconvert.com, then run the same command again"},
		"too many jobs":   {&cloudconvert.Error{Code: cloudconvert.CodeParallelJobLimitExceeded}, "too many jobs of the account run at the same time: try again when some have ended, or use a smaller -n"},
		"limited":         {&cloudconvert.Error{StatusCode: 429}, "the service accepts no more jobs for now: try again in a minute"},
		"limited a while": {&cloudconvert.Error{StatusCode: 429, RetryAfter: 9 * time.Second}, "the service accepts no more jobs for now: try again in 9s"},
		"server":          {&cloudconvert.Error{StatusCode: 503, Message: "oops"}, "the service failed (503): try again later"},
		"conversion type": {&cloudconvert.Error{StatusCode: 422, Code: cloudconvert.CodeInvalidConversionType}, "png cannot be converted to jpg (INVALID_CONVERSION_TYPE)"},
		"invalid": {
			&cloudconvert.Error{StatusCode: 422, Code: "INVALID_DATA", Message: "The data was invalid.", Fields: map[string][]string{
				"tasks.convert.width": {"Must be a number."}, "tasks.convert.crop": {"No."},
			}},
			"the service refused it: The data was invalid; crop: No; width: Must be a number (INVALID_DATA)",
		},
		"gone":                {&cloudconvert.Error{StatusCode: 404}, "the service refused it (404)"},
		"interrupted":         {context.Canceled, "nothing was converted"},
		"failed":              {task("", "No luck."), "the conversion failed: No luck (job J)"},
		"failed with a code":  {task("X", ""), "the conversion failed (X, job J)"},
		"failed of its type":  {task(cloudconvert.CodeInvalidConversionType, "x"), "png cannot be converted to jpg (INVALID_CONVERSION_TYPE, job J)"},
		"failed to open":      {task(cloudconvert.CodeOpenFailed, "bad"), "the conversion failed: bad; if the file has another format than its name says, use -from FORMAT (OPEN_FAILED, job J)"},
		"failed without word": {&cloudconvert.JobError{Job: &cloudconvert.Job{ID: "J"}}, "the conversion failed, and the service does not say why (job J)"},
		"several":             {errors.Join(errors.New("one"), errors.New("two")), "one; two"},
		"outcome":             {&cloudconvert.OutcomeError{Tag: "T"}, `it is not known whether the conversion began, and is charged: look for a job with the tag "T" in the dashboard before you convert the file again`},
		"wait":                {&cloudconvert.WaitError{ID: "J"}, "the conversion goes on at the service as job J, and is charged: its result stays there for 24 hours"},
		"unwritten":           {&unwrittenError{"J", context.Canceled}, "converted, but not saved: interrupted. The files stay on the service for 24 hours, in job J; another conversion is charged again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &settings{to: "jpg", budget: 7}
			got := s.explain(c.err, file{name: "a.png", destination: "a.jpg"})
			assert.Equal(t, c.want, got)
			assert.NotRegexp(t, codeWords, got)
		})
	}
}

// The library's own errors, as the command meets them.
func TestMessagesOfRealFailures(t *testing.T) { //nolint:paralleltest // it sets the environment.
	type faults = []cloudconverttest.Fault
	for name, c := range map[string]struct { //nolint:paralleltest // as above.
		faults  faults
		args    []string
		message string
	}{
		"storage that fails": {
			faults{{Method: "GET", Path: "storage:download", Status: 403}},
			[]string{"$/a.png", "$/a.jpg"},
			"converted, but not saved: ",
		},
		"storage that fails, with a journal": {
			faults{{Method: "GET", Path: "storage:download", Status: 403}},
			[]string{"-to", "jpg", "-resume", "$/journal", "$/a.png"},
			"The same command saves the files without paying again, within 24 hours",
		},
		"destination with a null byte": {nil, []string{"$/a.png", "$/a\x00.jpg"}, "invalid argument"},
		"destination is the source":    {nil, []string{"$/a.png", "$/a.png"}, "$/a.png: $/a.png is the source: use -overwrite"},
		"name with a line break":       {nil, []string{"$/b\n.png", "$/b.jpg"}, "contains a control character: rename the file"},
		"several problems":             {nil, []string{"-option", "input=x", "$/a.png", "$/b.jpg"}, `; task "convert": `},
		"not a journal":                {nil, []string{"-to", "jpg", "-resume", "$/a.png", "$/a.png"}, `-resume: "$/a.png" is not a journal`},
		"unknown region":               {nil, []string{"-region", "mars", "$/a.png", "$/b.jpg"}, "convert: -region: invalid region"},
		"sandbox on other hosts":       {nil, []string{"-sandbox", "$/a.png", "$/b.jpg"}, "-sandbox and CLOUDCONVERT_API_URL: each sets the base URLs"},
		"name that is not UTF-8":       {nil, []string{"-to", "jpg", "-resume", "$/journal", "$/\xff.png"}, "rename the file"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serverFor(t)
			for _, fault := range c.faults {
				server.Inject(fault)
			}
			dir := album(t, "a.png")
			for test, file := range map[string]string{"name that is not UTF-8": "/\xff.png", "name with a line break": "/b\n.png"} {
				if name == test && os.WriteFile(dir+file, photo(t), 0o600) != nil {
					return // the system has no such names
				}
			}
			got := command(t.Context(), dir, c.args...)
			assert.Equal(t, exitFailed, got.code)
			assert.Empty(t, got.stdout)
			assert.Contains(t, got.stderr, c.message)
			assert.NotRegexp(t, codeWords, got.stderr)
		})
	}
}

// Outputs that only the service can name may collide too.
func TestMessageOfCommonDestination(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	work := cloudconvert.Work{
		Request:     cloudconvert.Pipeline(cloudconvert.FromBytes("a.png", photo(t)), cloudconvert.Convert{OutputFormat: "jpg"}),
		Destination: filepath.Join(t.TempDir(), "a.jpg"),
	}
	other := work
	other.Name = "other"
	var messages []string
	for result := range server.Client().RunAll(t.Context(), slices.Values([]cloudconvert.Work{work, other})) {
		if result.Err != nil {
			messages = append(messages, plain(result.Err))
		}
	}
	require.Len(t, messages, 1)
	assert.Contains(t, messages[0], ": convert one of them separately")
}

func TestJournalChangesTheAdvice(t *testing.T) {
	t.Parallel()
	s := &settings{to: "jpg", journal: "journal"}
	for want, err := range map[string]error{
		"run the same command again, which looks for it":          &cloudconvert.OutcomeError{Tag: "T"},
		"run the same command again to wait for it":               &cloudconvert.WaitError{ID: "J"},
		"The same command saves the files without paying again, ": &unwrittenError{"J", fs.ErrPermission},
	} {
		assert.Contains(t, s.explain(err, file{}), want)
	}
}

func TestUnreachableService(t *testing.T) {
	t.Parallel()
	client, err := cloudconvert.NewClient("key",
		cloudconvert.WithBaseURLs("http://127.0.0.1:1/v2", "http://127.0.0.1:1/v2"), cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1}))
	require.NoError(t, err)
	_, err = client.Convert(t.Context(), cloudconvert.FromBytes("a.png", photo(t)), "jpg")
	got := (&settings{to: "jpg"}).explain(err, file{name: "a.png"})
	assert.Regexp(t, "^the service cannot be reached: .*: check the network, and try again$", got)
	assert.NotRegexp(t, codeWords, got)
}

// A sandbox within this process ends with it, and so do its files.
func TestLocalSandboxKeepsNothing(t *testing.T) {
	t.Parallel()
	s := &settings{to: "jpg", local: true}
	for _, err := range []error{context.Canceled, fmt.Errorf("stopped: %w", context.Canceled)} {
		assert.Equal(t, "nothing was saved", s.explain(err, file{}))
	}
	assert.Equal(t, "converted, but not saved: permission denied", s.explain(&unwrittenError{"J", fs.ErrPermission}, file{}))
}

func TestLocalSandboxFetchesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"https://example.com/a.png", "$/a.jpg"},
		{"-to", "jpg", "-o", "$", "https://example.com/a.png"},
	} {
		got := command(t.Context(), dir, args...)
		assert.Equal(t, exitFailed, got.code)
		assert.Contains(t, got.stderr, "the local sandbox fetches nothing from the network: set CLOUDCONVERT_API_KEY")
		assert.NotRegexp(t, codeWords, got.stderr)
	}
}
