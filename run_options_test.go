package cloudconvert_test

import (
	"context"
	"iter"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// firstError returns the error that an iteration begins with.
func firstError[T any](entries iter.Seq2[T, error]) error {
	for _, err := range entries {
		return err
	}
	return nil
}

// errorOf drops the result of a call.
func errorOf[T any](_ T, err error) error { return err }

func TestNilOptionsAreRefused(t *testing.T) {
	t.Parallel()
	var (
		option  cloudconvert.Option
		call    cloudconvert.CallOption
		create  cloudconvert.CreateOption
		run     cloudconvert.RunOption
		convert cloudconvert.ConvertOption
		batch   cloudconvert.BatchOption
		wait    cloudconvert.WaitOption
	)
	client, script := testkit.NewScript(t)
	source := cloudconvert.FromBytes("a.txt", []byte("text"))
	dst := filepath.Join(t.TempDir(), "new", "a.pdf")
	for name, do := range map[string]func(ctx context.Context) error{
		"NewClient": func(context.Context) error { return errorOf(cloudconvert.NewClient(testkit.Key, option)) },
		"With":      func(context.Context) error { return errorOf(client.With(option)) },
		"Do":        func(ctx context.Context) error { return client.Do(ctx, http.MethodGet, "/users/me", nil, nil, call) },

		"Run":         func(ctx context.Context) error { return errorOf(client.Run(ctx, testkit.TextJob(), run)) },
		"RunFile":     func(ctx context.Context) error { return errorOf(client.RunFile(ctx, testkit.TextJob(), dst, run)) },
		"Start":       func(ctx context.Context) error { return errorOf(client.Start(ctx, testkit.TextJob(), run)) },
		"Convert":     func(ctx context.Context) error { return errorOf(client.Convert(ctx, source, "pdf", convert)) },
		"ConvertFile": func(ctx context.Context) error { return errorOf(client.ConvertFile(ctx, "a.txt", dst, convert)) },
		"Save":        func(ctx context.Context) error { return errorOf(client.Save(ctx, filepath.Dir(dst), nil, run)) },
		"SaveAs":      func(ctx context.Context) error { return errorOf(client.SaveAs(ctx, finishedJob(), dst, run)) },
		"RunAll": func(ctx context.Context) error {
			for result := range client.RunAll(ctx, slices.Values([]cloudconvert.Work{{Name: "a", Request: testkit.TextJob()}}), batch) {
				return result.Err
			}
			return nil
		},
		"Work": func(ctx context.Context) error {
			work := cloudconvert.Work{Name: "a", Request: testkit.TextJob(), Options: []cloudconvert.RunOption{run}}
			for result := range client.RunAll(ctx, slices.Values([]cloudconvert.Work{work})) {
				return result.Err
			}
			return nil
		},

		"Jobs.Create": func(ctx context.Context) error { return errorOf(client.Jobs.Create(ctx, testkit.TextJob(), create)) },
		"Jobs.CreateForURL": func(ctx context.Context) error {
			return errorOf(client.Jobs.CreateForURL(ctx, testkit.TextJob(), create))
		},
		"Jobs.Get": func(ctx context.Context) error { return errorOf(client.Jobs.Get(ctx, "1", call)) },
		"Jobs.List": func(ctx context.Context) error {
			return errorOf(client.Jobs.List(ctx, cloudconvert.JobListOptions{}, call))
		},
		"Jobs.All": func(ctx context.Context) error {
			return firstError(client.Jobs.All(ctx, cloudconvert.JobListOptions{}, call))
		},
		"Jobs.Wait":      func(ctx context.Context) error { return errorOf(client.Jobs.Wait(ctx, "1", wait)) },
		"Jobs.Watch":     func(ctx context.Context) error { return firstError(client.Jobs.Watch(ctx, "1", wait)) },
		"Jobs.Cancel":    func(ctx context.Context) error { return client.Jobs.Cancel(ctx, "1", call) },
		"Jobs.Delete":    func(ctx context.Context) error { return client.Jobs.Delete(ctx, "1", call) },
		"Jobs.ResultURL": func(ctx context.Context) error { return errorOf(client.Jobs.ResultURL(ctx, "1", call)) },

		"Tasks.Create": func(ctx context.Context) error { return errorOf(client.Tasks.Create(ctx, testkit.TextTask, call)) },
		"Tasks.Get":    func(ctx context.Context) error { return errorOf(client.Tasks.Get(ctx, "1", call)) },
		"Tasks.All": func(ctx context.Context) error {
			return firstError(client.Tasks.All(ctx, cloudconvert.TaskListOptions{}, call))
		},
		"Tasks.Wait":       func(ctx context.Context) error { return errorOf(client.Tasks.Wait(ctx, "1", wait)) },
		"Tasks.Delete":     func(ctx context.Context) error { return client.Tasks.Delete(ctx, "1", call) },
		"Tasks.UploadForm": func(ctx context.Context) error { return errorOf(client.Tasks.UploadForm(ctx, "1", call)) },

		"Users.Me":        func(ctx context.Context) error { return errorOf(client.Users.Me(ctx, call)) },
		"Webhooks.Delete": func(ctx context.Context) error { return client.Webhooks.Delete(ctx, "1", call) },
		"Formats.List": func(ctx context.Context) error {
			return errorOf(client.Formats.List(ctx, cloudconvert.FormatListOptions{}, call))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := do(t.Context())
			require.Error(t, err)
			require.Regexp(t, `option (1 )?is nil`, err.Error())
			if name != "NewClient" && name != "With" {
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			}
			assert.NoDirExists(t, filepath.Dir(dst))
		})
	}
	t.Cleanup(func() { assert.Empty(t, script.Requests) })
}

func TestErrorNamesAllInvalidRunOptions(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t)
	_, err := client.Run(t.Context(), testkit.TextJob(), cloudconvert.WithInlineLimit(-1), nil, cloudconvert.WithProgress(nil),
		cloudconvert.WithSignal(nil), cloudconvert.CaptureResponse(nil), cloudconvert.WithHeader("X Y", "1"))
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	for _, want := range []string{"WithInlineLimit", "option is nil", "WithProgress", "WithSignal", "CaptureResponse", "WithHeader"} {
		require.ErrorContains(t, err, want)
	}
	assert.Empty(t, script.Requests)
}
