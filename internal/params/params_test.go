package params_test

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/params"
)

type level string

type convert struct {
	Input   []string       `json:"input" task:"input,required"`
	Image   string         `json:"image" task:"input,one=mark"`
	Text    string         `json:"text" task:"one=mark"`
	Timeout time.Duration  `json:"timeout"`
	Wait    time.Duration  `json:"wait" task:"milliseconds"`
	Level   level          `json:"level"`
	Opacity *int           `json:"opacity"`
	Options map[string]any `json:"-"`
}

type raw struct {
	Op     string
	Fields map[string]any
}

type fixed struct {
	URL string `json:"url"`
}

func refuseRaw(value any) error {
	if _, ok := value.(raw); ok {
		return errors.New("is raw")
	}
	return nil
}

func encode(task any) params.Task { return params.Encode("new", task, refuseRaw) }

func TestEncode(t *testing.T) {
	t.Parallel()
	task := encode(convert{
		Input: []string{"a", "b"}, Image: "logo", Timeout: time.Minute, Wait: 1500 * time.Millisecond, Level: "high", Opacity: new(0),
		Options: map[string]any{"option": false},
	})
	assert.Equal(t, params.Task{
		Params: map[string]any{
			"operation": "new", "input": []string{"a", "b"}, "image": "logo", "timeout": int64(60), "wait": int64(1500),
			"level": level("high"), "opacity": new(0), "option": false,
		},
		Inputs: []string{"a", "b", "logo"},
	}, task)
	assert.Equal(t, params.Task{
		Params: map[string]any{"operation": "new", "input": "a"}, Inputs: []string{"a"},
	}, encode(raw{Op: "ignored", Fields: map[string]any{"input": "a"}}))
	assert.Equal(t, params.Task{Params: map[string]any{"operation": "new"}}, encode(fixed{}))
}

func TestEncodeProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		task             any
		broken, rejected string
	}{
		"missing":     {convert{}, "", `parameter "input" (field Input) is missing: name other tasks or, in a Pipeline, put a source or an import first` + "\n" + `one of the parameters image, text is needed`},
		"set twice":   {fixedWith("url"), `parameter "url" is set twice, by URL and in the options: remove one`, ""},
		"operation":   {raw{Fields: map[string]any{"operation": "x"}}, `parameter "operation" is set twice, by Operation and in the options: remove one`, ""},
		"fraction":    {convert{Input: []string{"a"}, Text: "x", Timeout: time.Millisecond}, `parameter "timeout" (field Timeout) is 1ms, which is not a multiple of 1s: round it`, ""},
		"task":        {raw{Fields: map[string]any{"a": []any{raw{}}}}, "parameter a[0] is raw", ""},
		"header":      {raw{Fields: map[string]any{"headers": map[string]string{"a b": ""}}}, "", `parameter "headers": the header "a b" has an invalid name or a control character in its value`},
		"credentials": {raw{Fields: map[string]any{"private_key": "x"}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task := encode(c.task)
			assert.Equal(t, c.broken, text(task.Broken))
			assert.Equal(t, c.rejected, text(task.Rejected))
		})
	}
	assert.Contains(t, text(encode(raw{Fields: map[string]any{"a\xe9": 1}}).Broken), `parameter "a\xe9" is not UTF-8 text`)
	task := params.Encode("import/sftp", raw{Fields: map[string]any{"private_key": "s3cr3t"}}, refuseRaw)
	assert.Contains(t, text(task.Rejected), `parameter "private_key" is not PEM`)
}

func fixedWith(name string) any {
	return struct {
		URL     string         `json:"url"`
		Options map[string]any `json:"-"`
	}{"x", map[string]any{name: "y"}}
}

func text(problems []error) string {
	if err := errors.Join(problems...); err != nil {
		return err.Error()
	}
	return ""
}

func TestDecodeReversesEncode(t *testing.T) {
	t.Parallel()
	var members map[string]json.RawMessage
	document := `{"operation": "new", "input": "a", "timeout": "60", "wait": 5, "level": "high", "opacity": 0, "text": "", "image": null, "x": 1.50}`
	require.NoError(t, json.Unmarshal([]byte(document), &members))
	var task convert
	require.NoError(t, params.Decode(&task, members))
	assert.Equal(t, convert{
		Input: []string{"a"}, Timeout: time.Minute, Wait: 5 * time.Millisecond, Level: "high", Opacity: new(0),
		Options: map[string]any{"text": "", "image": nil, "x": json.Number("1.50")},
	}, task)
	members["level"], members["timeout"] = json.RawMessage(`1`), json.RawMessage(`1e10`)
	require.EqualError(t, params.Decode(&task, members),
		`parameter "level" is a number: it must be a string`+"\n"+`parameter "timeout" is too long: it must be at most 2562047h47m16.854775807s`)
}

func TestWithInputChangesACopy(t *testing.T) {
	t.Parallel()
	names := []string{"a"}
	task := convert{Text: "x"}
	assert.Equal(t, convert{Text: "x", Input: names}, params.WithInput(task, names))
	assert.Nil(t, task.Input)
	fields := map[string]any{"input": "", "x": 1}
	assert.Equal(t, raw{Fields: map[string]any{"input": names, "x": 1}}, params.WithInput(raw{Fields: fields}, names))
	assert.Equal(t, map[string]any{"input": "", "x": 1}, fields)
	for _, task := range []any{convert{Input: []string{"b"}}, convert{Options: map[string]any{"input": "b"}}, raw{Fields: map[string]any{"input": "b"}}} {
		assert.Equal(t, task, params.WithInput(task, names))
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"logo"}, params.References(convert{Input: []string{"a"}, Image: "logo"}))
	assert.Equal(t, []string{"logo"}, params.References(convert{Options: map[string]any{"image": "logo"}}))
	assert.Empty(t, params.References(raw{Fields: map[string]any{"image": "logo"}}))
	assert.True(t, params.HasField(convert{}, "input"))
	assert.False(t, params.HasField(raw{}, "input"))
}

func TestCycle(t *testing.T) {
	t.Parallel()
	assert.Nil(t, params.Cycle(map[string][]string{"a": {"b", "c"}, "b": {"c"}, "c": {"unknown"}}))
	assert.Equal(t, []string{"b", "c", "b"}, params.Cycle(map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"b"}}))
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() { assert.Empty(t, encode(convert{Input: []string{"a"}, Text: "x"}).Broken) })
	}
	workers.Wait()
}

func TestFindCredentials(t *testing.T) {
	t.Parallel()
	value := map[string]any{
		"url": "https://user:pass@example.com", "Access-Key": "x", "empty_token": "", "list": []any{"https://example.com", "a: Cookie: x"},
		"nested": map[string]any{"password": "x"},
	}
	assert.Equal(t, []string{"Access-Key", "list", "password", "url"}, params.FindCredentials("", value))
}
