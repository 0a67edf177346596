package cloudconverttest

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestEveryEndpoint walks through the endpoints of the service, on the hosts that have
// them, in an order in which each one succeeds.
func TestEveryEndpoint(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	api, sync := x.s.URL, x.s.SyncURL
	job := dict{"tasks": dict{
		"in":  dict{"operation": "import/raw", "file": "text", "filename": "a.txt"},
		"out": dict{"operation": "export/url", "input": "in"},
	}}
	task := dict{"file": "text", "filename": "a.txt"}
	id := func(v dict) string { return str(v["id"]) }
	var created, synced, single, again, uploading, hook dict
	for _, step := range []struct {
		method string
		url    func() string
		body   any
		status int
		keep   *dict // what the response returns
	}{
		{http.MethodPost, func() string { return api + "/jobs" }, job, 201, &created},
		{http.MethodPost, func() string { return sync + "/jobs" }, job, 201, &synced},
		{http.MethodGet, func() string { return sync + "/jobs/" + id(created) }, nil, 200, &created},
		{http.MethodGet, func() string { return api + "/jobs/" + id(created) }, nil, 200, nil},
		{http.MethodGet, func() string { return api + "/jobs/" + id(created) + "/wait" }, nil, 200, nil},
		{http.MethodGet, func() string { return api + "/jobs" }, nil, 200, nil},
		{http.MethodPost, func() string { return api + "/import/raw" }, task, 201, &single},
		{http.MethodGet, func() string { return sync + "/tasks/" + id(single) }, nil, 200, &single},
		{http.MethodGet, func() string { return api + "/tasks/" + id(single) }, nil, 200, nil},
		{http.MethodGet, func() string { return api + "/tasks/" + id(single) + "/wait" }, nil, 200, nil},
		{http.MethodGet, func() string { return api + "/tasks" }, nil, 200, nil},
		{http.MethodPost, func() string { return api + "/tasks/" + id(single) + "/retry" }, nil, 201, &again},
		{http.MethodPost, func() string { return api + "/import/upload" }, dict{}, 201, &uploading},
		{http.MethodPost, func() string { return api + "/tasks/" + id(uploading) + "/cancel" }, nil, 200, nil},
		{http.MethodGet, func() string { return api + "/operations" }, nil, 200, nil},
		{http.MethodGet, func() string { return api + "/convert/formats" }, nil, 200, nil},
		{http.MethodGet, func() string { return api + "/users/me" }, nil, 200, nil},
		{http.MethodPost, func() string { return api + "/webhooks" }, dict{"url": api + "/hook", "events": []string{"job.failed"}}, 201, &hook},
		{http.MethodGet, func() string { return api + "/users/me/webhooks" }, nil, 200, nil},
		{http.MethodDelete, func() string { return api + "/webhooks/" + id(hook) }, nil, 204, nil},
		{http.MethodDelete, func() string { return api + "/tasks/" + id(again) }, nil, 204, nil},
		{http.MethodDelete, func() string { return api + "/jobs/" + id(created) }, nil, 204, nil},
	} {
		response := x.call(step.method, step.url(), step.body).expect(step.status)
		if step.keep != nil {
			*step.keep = response.data()
		}
	}
	for name, ended := range map[string]dict{"created": created, "synced": synced, "single": single} {
		assert.Equal(t, "finished", ended["status"], name)
	}
}
