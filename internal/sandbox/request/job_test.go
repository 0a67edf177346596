package request

import (
	"maps"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
)

// chain returns tasks that depend on each other in a row.
func chain(n int) []Task {
	tasks := make([]Task, n)
	for i := range tasks {
		tasks[i].Name = strconv.Itoa(i)
		if i > 0 {
			tasks[i].Inputs = []string{strconv.Itoa(i - 1)}
		}
	}
	return tasks
}

func TestInputs(t *testing.T) {
	t.Parallel()
	tasks := chain(5) // 0 <- 1 <- 2 <- 3 <- 4
	tasks[1].Inputs = []string{"0", "2", "0"}
	tasks = append(tasks, Task{Name: "lost", Inputs: []string{"unknown"}}, Task{Name: "behind", Inputs: []string{"lost"}})
	p := Problems{}
	p.inputs(tasks)
	assert.Equal(t, []string{"tasks.1.input", "tasks.2.input", "tasks.3.input", "tasks.4.input", "tasks.lost.input"},
		slices.Sorted(maps.Keys(p)))
}

// TestChainsAreLinear compares the memory that is allocated for chains of two lengths.
func TestChainsAreLinear(t *testing.T) { //nolint:paralleltest // it measures the process
	allocated := func(n int) float64 {
		tasks := chain(n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Problems{}.inputs(tasks)
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
	}
	assert.Less(t, allocated(4000), 4*allocated(400))
}

func FuzzParseJob(f *testing.F) {
	f.Add([]byte(`{"tasks":{"in":{"operation":"import/url","url":"https://example.com/a.txt"}},"tag":"x"}`))
	f.Add([]byte(`{"tasks":{"a":{"operation":"archive","input":["a",1,null],"output_format":"zip"}}}`))
	f.Add([]byte(`{"tasks":{"":{"operation":1}}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := ParseJob(JSON(body), true)
		if err != nil {
			return
		}
		require.NotEmpty(t, req.Tasks)
		for _, task := range req.Tasks {
			assert.Regexp(t, Name, task.Name)
			assert.Contains(t, catalog.Operations, task.Operation)
		}
	})
}
