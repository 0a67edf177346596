package cloudconvert

import (
	"context"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Without an observer, the cost of an activity does not grow with the job.
func TestUnobservedActivitiesAllocateLittle(t *testing.T) { //nolint:paralleltest // it counts allocations.
	tasks := map[string]map[string]any{}
	for i := range 20 {
		tasks[strconv.Itoa(i)] = map[string]any{"operation": string(OperationConvert)}
	}
	c := &core{}
	w := &work{client: &Client{core: c}, plan: &plan{body: jobBody{Tasks: tasks}}}
	creation := &creation{body: jobBody{Tasks: tasks}}
	ctx := t.Context()
	do := func(context.Context) (*Job, error) { return nil, nil }
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = w.observe(ctx, do) }), 9.0) // 5 for the cleanup
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = creation.observe(ctx, c, do) }), 6.0)
}

func BenchmarkObserve(b *testing.B) {
	for name, observer := range map[string]Observer{
		"none": nil,
		"some": func(ctx context.Context, _ Activity) (context.Context, func(Activity)) { return ctx, func(Activity) {} },
	} {
		b.Run(name, func(b *testing.B) {
			c := &core{config: config{observer: observer, apiKey: newSecret("an-invented-key-of-40-characters-00000000")}}
			begun := Activity{Kind: ActivityRequest, Method: "GET", Path: "/v2/jobs/4b6ee8e2-e293-4805-b48e-a03876d1ec66"}
			b.ReportAllocs()
			for b.Loop() {
				_ = c.observe(b.Context(), begun, func(context.Context, *activity) error { return nil })
			}
		})
	}
}
