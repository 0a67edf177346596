package cloudconvert

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
)

// UploadForm is where an upload task expects its file: a form to be posted as
// multipart/form-data to URL, with the fields in their order and the file in a
// last field named "file". It needs no API key, so that a browser can post it. It
// is a secret until the file is uploaded. From Go, [TasksService.Upload] posts it.
type UploadForm struct {
	URL    string
	Fields []FormField
}

// FormField is one field of an [UploadForm].
type FormField struct {
	Name, Value string
}

// UnmarshalJSON reads the form and keeps the order of its fields. Values may
// be strings, numbers or booleans. Fields with other values are left out.
func (f *UploadForm) UnmarshalJSON(data []byte) error {
	var wire struct {
		URL        lenient.String  `json:"url"`
		Parameters json.RawMessage `json:"parameters"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.URL == "" {
		return errors.New("an upload form has no address")
	}
	fields, err := formFields(wire.Parameters)
	if err != nil {
		return err
	}
	*f = UploadForm{URL: string(wire.URL), Fields: fields}
	return nil
}

// formFields reads an object token by token, since a map has no order.
func formFields(object []byte) ([]FormField, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, nil //nolint:nilerr // a form without fields, whatever stands there instead.
	}
	var fields []FormField
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		if field, ok := newFormField(name, value); ok {
			fields = append(fields, field)
		}
	}
	return fields, nil
}

func newFormField(name json.Token, value json.RawMessage) (FormField, bool) {
	var text lenient.String
	if bytes.IndexAny(value, "n{[") == 0 || json.Unmarshal(value, &text) != nil {
		return FormField{}, false
	}
	key, ok := name.(string)
	return FormField{Name: key, Value: string(text)}, ok
}

// MarshalJSON writes the form as the API does, with its fields in their order.
func (f UploadForm) MarshalJSON() ([]byte, error) {
	var parameters bytes.Buffer
	parameters.WriteByte('{')
	for i, field := range f.Fields {
		name, nameErr := encodeJSON(field.Name)
		value, valueErr := encodeJSON(field.Value)
		if err := errors.Join(nameErr, valueErr); err != nil {
			return nil, err
		}
		if i > 0 {
			parameters.WriteByte(',')
		}
		parameters.Write(name)
		parameters.WriteByte(':')
		parameters.Write(value)
	}
	parameters.WriteByte('}')
	return encodeJSON(map[string]any{"url": f.URL, "parameters": json.RawMessage(parameters.Bytes())})
}

// multipart returns the fields as they are sent.
func (f UploadForm) multipart() []multipart.Field {
	fields := make([]multipart.Field, 0, len(f.Fields))
	for _, field := range f.Fields {
		fields = append(fields, multipart.Field(field))
	}
	return fields
}
