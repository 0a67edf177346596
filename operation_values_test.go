package cloudconvert_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// aPrivateKey has the form of a private key, and is not one.
const aPrivateKey = "-----BEGIN PRIVATE KEY-----\nc29tZSBieXRlcw==\n-----END PRIVATE KEY-----\n"

func TestFilenameOfAnotherFormatIsRefused(t *testing.T) {
	t.Parallel()
	type pair struct{ filename, format string }
	for _, c := range []pair{
		{"report.docx", "pdf"},
		{"report.PDF", "docx"},
		{"photo.png", "jpg"},
		{"page-%d.png", "jpg"},
		{"all.zip", "tar.gz"},
		{"all.tar", "tar.gz"},
		{"all.gz", "tar.gz"},
		{"all.tar.gz", "zip"},
		{"all.tar.gz", "tar.bz2"},
		{"all.tgz", "zip"},
		{"photo.jpeg", "png"},
		{"a.pdf.docx", "pdf"},
	} {
		for _, task := range withOutput(c.filename, c.format) {
			err := jobWith(task).Validate()
			require.ErrorIs(t, err, cloudconvert.ErrInvalid, "%s %v", task, c)
			require.ErrorContains(t, err, `"filename"`)
			require.ErrorContains(t, err, c.format)
		}
	}
	for _, c := range []pair{
		{"report.pdf", "pdf"},
		{"report.PDF", "pdf"},
		{"report.pdf", "PDF"},
		{"page-%d.pdf", "pdf"},
		{"photo.jpeg", "jpg"},
		{"photo.jpg", "jpeg"},
		{"photo.jfif", "jpg"},
		{"scan.tif", "tiff"},
		{"page.htm", "html"},
		{"all.tar.gz", "tar.gz"},
		{"all.tgz", "tar.gz"},
		{"all.tar.bz2", "tar.bz2"},
		{"clip.mpeg", "mpg"},
		{"report", "pdf"},
		{"report.2026", "pdf"},
		{"report.v2", "pdf"},
		{".pdf", "docx"},
		{"", "pdf"},
		{"a.format-of-the-future", "pdf"},
	} {
		for _, task := range withOutput(c.filename, c.format) {
			require.NoError(t, jobWith(task).Validate(), "%s %v", task, c)
		}
	}
}

// withOutput returns the tasks that name their output and its format.
func withOutput(filename, format string) []cloudconvert.TaskRequest {
	return []cloudconvert.TaskRequest{
		cloudconvert.Convert{Input: oneInput, OutputFormat: format, Filename: filename},
		cloudconvert.Convert{Input: oneInput, Options: cloudconvert.Options{"output_format": format, "filename": filename}},
		cloudconvert.Thumbnail{Input: oneInput, OutputFormat: format, Filename: filename},
		cloudconvert.Merge{Input: twoInputs, OutputFormat: format, Filename: filename},
		cloudconvert.Archive{Input: oneInput, OutputFormat: format, Filename: filename},
		cloudconvert.CaptureWebsite{URL: "https://example.com", OutputFormat: format, Filename: filename},
		cloudconvert.RawTask{Op: "new/operation", Fields: map[string]any{"output_format": format, "filename": filename}},
	}
}

func TestFilenameOfAPDFOperation(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, jobWith(cloudconvert.PDFA{Input: oneInput, Filename: "a.docx"}).Validate(), `"filename"`)
	require.NoError(t, jobWith(cloudconvert.PDFA{Input: oneInput, Filename: "a.pdf"}).Validate())
	require.NoError(t, jobWith(cloudconvert.Optimize{Input: oneInput, Filename: "a.png"}).Validate(), "the input decides")
}

func TestCredentialsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	wrong := map[string][]string{
		"access_key_id":      {"s3cr3t key", "s3cr3t\n", " s3cr3t", "   "},
		"secret_access_key":  {"s3cr3t key", "s3cr3t\r\n"},
		"session_token":      {"s3cr3t\n"},
		"sas_token":          {"?sig=s3cr3t\n"},
		"storage_access_key": {"s3cr3t!", "s3cr3t", "czNj\ncjN0"},
		"private_key": {
			"s3cr3t", strings.ReplaceAll(aPrivateKey, "\n", `\n`), strings.ReplaceAll(aPrivateKey, "\n", " "),
			strings.ReplaceAll(aPrivateKey, "PRIVATE", "PUBLIC"), "PuTTY-User-Key-File-3: s3cr3t", "ssh-ed25519 s3cr3t",
		},
		"client_email": {"s3cr3t"},
	}
	seen := map[string]bool{}
	for name, c := range allTasks() {
		require.NoError(t, jobWith(c.full).Validate(), name)
		for parameter, field := range typedFields(c.full) {
			for _, value := range wrong[parameter] {
				seen[parameter] = true
				task := without(c.full, field.Name)
				raw := cloudconvert.RawTask{Op: c.full.Operation(), Fields: map[string]any{parameter: value}}
				for _, task := range []cloudconvert.TaskRequest{withText(task, field.Name, value), raw} {
					err := jobWith(task).Validate()
					require.ErrorIs(t, err, cloudconvert.ErrInvalid, "%s %s %q", name, parameter, value)
					require.ErrorContains(t, err, fmt.Sprintf("parameter %q", parameter))
					assert.NotContains(t, err.Error(), "s3cr3t")
				}
			}
		}
	}
	assert.Len(t, seen, len(wrong))
}

// withText returns a task with one field set.
func withText(task cloudconvert.TaskRequest, field, value string) cloudconvert.TaskRequest {
	changed := reflect.New(reflect.TypeOf(task)).Elem()
	changed.Set(reflect.ValueOf(task))
	changed.FieldByName(field).SetString(value)
	return changed.Interface().(cloudconvert.TaskRequest)
}

func TestCredentialsOfOtherFormsPass(t *testing.T) {
	t.Parallel()
	openSSH := strings.ReplaceAll(aPrivateKey, "PRIVATE KEY", "OPENSSH PRIVATE KEY")
	for _, key := range []string{aPrivateKey, openSSH, strings.ReplaceAll(aPrivateKey, "\n", "\r\n"), strings.TrimSpace(aPrivateKey)} {
		require.NoError(t, jobWith(cloudconvert.ImportSFTP{Host: "h", Username: "u", PrivateKey: key, File: "f"}).Validate())
	}
	require.NoError(t, jobWith(cloudconvert.RawTask{Op: "new/operation", Fields: map[string]any{"private_key": "x y"}}).Validate(),
		"what an unknown operation takes is not known")
}

func TestHeadersThatCannotBeSentAreRefused(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string]map[string]string{
		"line break in value": {"Authorization": "Bearer s3cr3t\n"},
		"blank in name":       {"X Y": "s3cr3t"},
		"empty name":          {"": "s3cr3t"},
	} {
		for _, task := range []cloudconvert.TaskRequest{
			cloudconvert.ImportURL{URL: "https://example.com", Headers: headers},
			cloudconvert.CaptureWebsite{URL: "https://example.com", OutputFormat: "pdf", Headers: headers},
			cloudconvert.ExportUpload{Input: oneInput, URL: "https://example.com", Headers: headers},
		} {
			err := jobWith(task).Validate()
			require.ErrorIs(t, err, cloudconvert.ErrInvalid, name)
			assert.NotContains(t, err.Error(), "s3cr3t")
		}
	}
}
