package cloudconvert_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestFormKeepsFields(t *testing.T) {
	t.Parallel()
	client, _ := testkit.NewScript(t, testkit.Says(http.StatusCreated, testkit.Recorded(t, "job-created.json")))
	job, err := client.Jobs.Get(t.Context(), "1")
	require.NoError(t, err)
	task, ok := job.Task("in")
	require.True(t, ok)
	require.NotNil(t, task.Result.Form)
	assert.Equal(t, "https://eu-central.storage.example/tasks", task.Result.Form.URL)
	assert.Equal(t, []cloudconvert.FormField{
		{Name: "acl", Value: "private"},
		{Name: "key", Value: "11111111-aaaa-4bbb-8ccc-000000000001/${filename}"},
		{Name: "success_action_status", Value: "201"},
		{Name: "X-Amz-Credential", Value: "example/20260914/fra/s3/aws4_request"},
		{Name: "X-Amz-Algorithm", Value: "AWS4-HMAC-SHA256"},
		{Name: "X-Amz-Date", Value: "20260914T081530Z"},
		{Name: "Policy", Value: "eyJleHBpcmF0aW9uIjoiMjAyNi0wOS0xNFQyMDoxNTozMFoifQ=="},
		{Name: "X-Amz-Signature", Value: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
	}, task.Result.Form.Fields, "in the order of the response")
}

func TestFormKeepsParametersOf2019(t *testing.T) {
	t.Parallel()
	client, _ := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.Recorded(t, "task-upload-2019.json")))
	form, err := client.Tasks.UploadForm(t.Context(), "1")
	require.NoError(t, err)
	assert.Equal(t, &cloudconvert.UploadForm{
		URL: "https://upload.example/storage.de1/abc?with=query",
		Fields: []cloudconvert.FormField{
			{Name: "expires", Value: "1559383200"},
			{Name: "max_file_count", Value: "1"},
			{Name: "max_file_size", Value: "10000000000"},
			{Name: "signature", Value: "79fda6c5ffbfaa857ae9a1430641cc68c5a72297"},
			{Name: "strict", Value: "true"},
			{Name: "ratio", Value: "1.50"},
			{Name: "empty", Value: ""},
			{Name: "blank", Value: " a b "},
		},
	}, form)
}

func TestFormToleratesUnexpectedTypes(t *testing.T) {
	t.Parallel()
	for data, want := range map[string][]cloudconvert.FormField{
		`{"url": "https://a.example"}`:                                      nil,
		`{"url": "https://a.example", "parameters": null}`:                  nil,
		`{"url": "https://a.example", "parameters": []}`:                    nil,
		`{"url": "https://a.example", "parameters": "a"}`:                   nil,
		`{"url": "https://a.example", "parameters": {}}`:                    nil,
		`{"parameters": {"b": 1, "a": 2}, "url": "https://a.example"}`:      {{Name: "b", Value: "1"}, {Name: "a", Value: "2"}},
		`{"url": "https://a.example", "parameters": {"a":"1","a":"2"}}`:     {{Name: "a", Value: "1"}, {Name: "a", Value: "2"}},
		`{"url": "https://a.example", "parameters": {"":"\u00e4\n<&>"}}`:    {{Name: "", Value: "ä\n<&>"}},
		`{"url": "https://a.example", "parameters": { "a" : null , "b":0}}`: {{Name: "b", Value: "0"}},
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			var form cloudconvert.UploadForm
			require.NoError(t, json.Unmarshal([]byte(data), &form))
			assert.Equal(t, cloudconvert.UploadForm{URL: "https://a.example", Fields: want}, form)
		})
	}
	for _, data := range []string{`{}`, `{"url": null}`, `{"url": ""}`, `{"url": []}`, `[]`, `"https://a.example"`} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			var form cloudconvert.UploadForm
			require.Error(t, json.Unmarshal([]byte(data), &form))
		})
	}
}

func TestFormKeepsItsOrderWhenEncoded(t *testing.T) {
	t.Parallel()
	form := cloudconvert.UploadForm{URL: "https://a.example/?b=<c>", Fields: []cloudconvert.FormField{
		{Name: "z", Value: "1"}, {Name: "a", Value: "<&>"}, {Name: "m", Value: ""},
	}}
	encoded, err := json.Marshal(form)
	require.NoError(t, err)
	assert.Contains(t, string(encoded), `"z":"1","a":`)
	var again cloudconvert.UploadForm
	require.NoError(t, json.Unmarshal(encoded, &again))
	assert.Equal(t, form, again)
}

func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		`{"url": "https://a.example", "parameters": {"b": 1, "a": "x", "n": null, "t": true}}`, `{"url": 1, "parameters": {"a": "1", "a": 2}}`,
		`{"url": "u", "parameters": []}`, `null`, `{}`, "{\"url\": \"\xff\", \"parameters\": {\"\xfe\": \"\x00\"}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		form, ok := testkit.Stable[cloudconvert.UploadForm](t, data)
		if ok {
			require.NotEmpty(t, form.URL)
		}
	})
}
