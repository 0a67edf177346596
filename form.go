package cloudconvert

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

// UploadForm is the form that uploads the file of an import/upload task. It is
// posted as multipart/form-data to URL, with Fields in their order, followed by the
// file in a field named "file". It requires no API key, so a browser can post it. It
// is a secret until the file has been uploaded. In Go, use [TasksService.Upload].
type UploadForm struct {
	URL    string
	Fields []FormField
}

// FormField is a field of an [UploadForm]. It is printed without its value.
type FormField struct {
	Name, Value string
}

// UnmarshalJSON decodes the form and keeps the order of its fields. Values may be
// strings, numbers or booleans. Fields with other values are left out.
func (f *UploadForm) UnmarshalJSON(data []byte) error {
	var wire struct {
		URL        lenient.String  `json:"url"`
		Parameters json.RawMessage `json:"parameters"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.URL == "" {
		return errors.New("the upload form has no URL")
	}
	*f = UploadForm{URL: string(wire.URL), Fields: formFields(wire.Parameters)}
	return nil
}

// formFields decodes an object member by member, since a map has no order. A
// value that is not an object has no fields.
func formFields(object []byte) []FormField {
	return lenient.Collect(object, '{', func(entry []byte, field *FormField) bool {
		name, value := lenient.Member(entry)
		var text lenient.String
		if bytes.IndexAny(value, "n{[") == 0 || text.UnmarshalJSON(value) != nil {
			return false
		}
		*field = FormField{Name: name, Value: string(text)}
		return true
	})
}

// MarshalJSON encodes the form as the API does, with its fields in their order.
func (f UploadForm) MarshalJSON() ([]byte, error) {
	var parameters bytes.Buffer
	parameters.WriteByte('{')
	for i, field := range f.Fields {
		name, nameErr := strictjson.Marshal(field.Name)
		value, valueErr := strictjson.Marshal(field.Value)
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
	return strictjson.Marshal(map[string]any{"url": f.URL, "parameters": json.RawMessage(parameters.Bytes())})
}

// multipart returns the fields for package multipart.
func (f UploadForm) multipart() []multipart.Field {
	fields := make([]multipart.Field, 0, len(f.Fields))
	for _, field := range f.Fields {
		fields = append(fields, multipart.Field(field))
	}
	return fields
}
