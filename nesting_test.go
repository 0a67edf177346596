package cloudconvert_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// nested returns a task within a task, n times.
func nested(n int, open, shut string) []byte {
	return []byte(strings.Repeat(open, n) + `{"id": "innermost"}` + strings.Repeat(shut, n))
}

// Whoever makes tasks of jobs of tasks must not keep the program busy for minutes.
func TestTasksWithinTasksAreReadFast(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open, shut string
		levels     int
	}{
		"jobs":                 {`{"id": "1", "job": {"id": "2", "tasks": [`, `]}}`, 3000},
		"retries":              {`{"id": "1", "retries": [`, `]}`, 4500},
		"depends on":           {`{"id": "1", "depends_on_tasks": [`, `]}`, 4500},
		"both, by turns":       {`{"id": "1", "retries": [{"id": "2", "depends_on_tasks": [`, `]}]}`, 2000},
		"payload":              {`{"id": "1", "payload": {"a": [`, `]}}`, 3000},
		"metadata":             {`{"id": "1", "result": {"metadata": {"a": [`, `]}}}`, 2000},
		"files":                {`{"id": "1", "result": {"files": [`, `]}}`, 3000},
		"form":                 {`{"id": "1", "result": {"form": {"url": "u", "parameters": {"a": `, `}}}}`, 2000},
		"texts":                {`{"id": "1", "depends_on_task_ids": [`, `]}`, 4500},
		"texts in an object":   {`{"id": "1", "depends_on_task_ids": {"a": `, `}}`, 4500},
		"names of other tasks": {`{"id": "1", "depends_on_tasks": {"a": `, `}}`, 4500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := nested(c.levels, c.open, c.shut)
			begun := time.Now()
			var task cloudconvert.Task
			require.NoError(t, json.Unmarshal(data, &task))
			assert.Less(t, time.Since(begun), time.Minute)
			_, ok := stable[cloudconvert.Task](t, data)
			assert.True(t, ok)
		})
	}
}

func TestTasksWithinTasksAreReadTenLevelsDeep(t *testing.T) {
	t.Parallel()
	depth := func(n int) (levels int) {
		task := decodeTask(t, string(nested(n, `{"id": "1", "job": {"id": "2", "tasks": [`, `]}}`)))
		for at := &task; at.Job != nil; levels++ {
			if len(at.Job.Tasks) == 0 {
				return 2*levels + 1
			}
			at = &at.Job.Tasks[0]
		}
		return 2 * levels
	}
	assert.Equal(t, 8, depth(4))
	assert.Equal(t, 10, depth(5))
	assert.Equal(t, 10, depth(6))
}

// node is a value of a type of the user's own.
type node struct {
	Name   string
	Next   any   `json:",omitempty"`
	Parent *node `json:"-"`
}

// Encoding these would overflow the stack, which no program survives.
func TestOptionsThatContainThemselves(t *testing.T) {
	t.Parallel()
	for name, tie := range map[string]func(cloudconvert.Options) any{
		"the map":             func(o cloudconvert.Options) any { return o },
		"a map of it":         func(o cloudconvert.Options) any { return map[string]cloudconvert.Options{"a": o} },
		"a list of it":        func(o cloudconvert.Options) any { return []any{1, []cloudconvert.Options{o}} },
		"an array of it":      func(o cloudconvert.Options) any { return [1]any{o} },
		"a pointer to it":     func(o cloudconvert.Options) any { return &o },
		"its task":            func(o cloudconvert.Options) any { return convertWith(o) },
		"a pointer to a task": func(o cloudconvert.Options) any { return &cloudconvert.RawTask{Op: "new", Fields: o} },
		"tasks":               func(o cloudconvert.Options) any { return cloudconvert.Tasks{"a": convertWith(o)} },
		"a job":               func(o cloudconvert.Options) any { return cloudconvert.Pipeline(convertWith(o)) },
		"metadata":            func(o cloudconvert.Options) any { return cloudconvert.MetadataWrite{Metadata: o} },
		"a struct":            func(o cloudconvert.Options) any { return node{Next: &node{Next: o}} },
		"a list of itself": func(cloudconvert.Options) any {
			list := []any{nil}
			list[0] = list
			return list
		},
		"a pointer to itself": func(cloudconvert.Options) any {
			var p any
			p = &p
			return p
		},
		"very much": func(cloudconvert.Options) any {
			var deep any
			for range 101 {
				deep = []any{deep}
			}
			return deep
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, key := range []string{"extra", "input"} {
				options := cloudconvert.Options{}
				options[key] = tie(options)
				for _, task := range []cloudconvert.TaskRequest{
					cloudconvert.Convert{OutputFormat: "jpg", Options: options}, cloudconvert.RawTask{Op: "convert", Fields: options}, cloudconvert.MetadataWrite{Metadata: options},
				} {
					err := cloudconvert.Pipeline(cloudconvert.ImportUpload{}, task).Validate()
					require.ErrorIs(t, err, cloudconvert.ErrInvalid)
					require.ErrorContains(t, err, "contains itself")
					_, err = json.Marshal(task)
					require.ErrorContains(t, err, "contains itself")
					require.ErrorIs(t, pictures.Validate(task), cloudconvert.ErrInvalid)
					client, script := newScripted(t)
					_, err = client.Tasks.Create(t.Context(), task)
					require.ErrorIs(t, err, cloudconvert.ErrInvalid)
					_, err = client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{"a": task}})
					require.ErrorIs(t, err, cloudconvert.ErrInvalid)
					assert.Empty(t, script.urls())
					assert.NotEmpty(t, printed(t, task))
				}
			}
		})
	}
}

func TestOptionsThatOnlySeemToContainThemselves(t *testing.T) {
	t.Parallel()
	child := &node{Name: "child", Parent: &node{}}
	child.Parent.Next = child
	shared := map[string]any{"a": []any{1, "b", nil, true}}
	var deep any = "bottom"
	for range 49 {
		deep = map[string]any{"a": []string{}, "b": []any{deep}}
	}
	task := convertWith(cloudconvert.Options{
		"child": child, "shared": []any{shared, shared, &shared}, "time": time.Time{}, "pointer": new(7), "bytes": []byte("a"),
		"nil": (*cloudconvert.Convert)(nil), "task": cloudconvert.ImportURL{URL: "https://a.example"}, "deep": deep,
	})
	require.NoError(t, cloudconvert.Pipeline(&cloudconvert.ImportUpload{}).Validate())
	encoded := encode(t, task)
	assert.Contains(t, encoded, `"child":{"Name":"child"}`)
	assert.Contains(t, encoded, "bottom")
}
