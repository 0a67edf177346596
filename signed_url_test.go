package cloudconvert_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

const (
	signedBase   = "https://s.cloudconvert.com/0b5a1c3e-7d42-4f6b-9c1d-2e3f4a5b6c7d"
	signedSecret = "an invented signing secret"
)

func publicJob() *cloudconvert.JobRequest {
	return &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
		"import-it": cloudconvert.ImportURL{URL: "https://example.com/?a=1&b=<2>", Filename: "???>>>???>>>.png"},
		"export-it": cloudconvert.ExportURL{Input: []string{"import-it"}, Inline: true},
	}}
}

// signedJob verifies a signed URL and returns the job in it.
func signedJob(t *testing.T, address string) string {
	t.Helper()
	text, signature, found := strings.Cut(address, "&s=")
	require.True(t, found)
	assert.Equal(t, cloudconvert.SignWebhook([]byte(text), signedSecret), signature)
	target, err := url.Parse(address)
	require.NoError(t, err)
	payload, err := base64.RawURLEncoding.DecodeString(target.Query().Get("job"))
	require.NoError(t, err)
	return string(payload)
}

func TestSignedURL(t *testing.T) {
	t.Parallel()
	address, err := cloudconvert.SignedURL(signedBase, signedSecret, publicJob(), "my_Key-1")
	require.NoError(t, err)
	assert.Regexp(t, `^`+signedBase+`\?job=[A-Za-z0-9_-]+&cache_key=my_Key-1&s=[0-9a-f]{64}$`, address)
	job := signedJob(t, address)
	assert.JSONEq(t, `{"tasks": {
		"import-it": {"operation": "import/url", "url": "https://example.com/?a=1&b=<2>", "filename": "???>>>???>>>.png"},
		"export-it": {"operation": "export/url", "input": ["import-it"], "inline": true}
	}}`, job)
	assert.Contains(t, job, "?a=1&b=<2>", "HTML characters are not escaped")
	assert.NotContains(t, job, "\n")
	assert.NotContains(t, job, ": ")
	assert.NotContains(t, job, `"tag"`, "a random tag would defeat the cache")
}

func TestSignedURLWithoutCacheKey(t *testing.T) {
	t.Parallel()
	address, err := cloudconvert.SignedURL(signedBase, signedSecret, publicJob(), "")
	require.NoError(t, err)
	assert.Regexp(t, `^`+signedBase+`\?job=[A-Za-z0-9_-]+&s=[0-9a-f]{64}$`, address)
	signedJob(t, address)
}

func TestSignedURLKeepsTagAndWebhook(t *testing.T) {
	t.Parallel()
	job := publicJob()
	job.Tag, job.WebhookURL = "visits", "https://example.com/hook"
	address, err := cloudconvert.SignedURL(signedBase, signedSecret, job, "")
	require.NoError(t, err)
	var sent map[string]any
	require.NoError(t, json.Unmarshal([]byte(signedJob(t, address)), &sent))
	assert.Equal(t, "visits", sent["tag"])
	assert.Equal(t, "https://example.com/hook", sent["webhook_url"])
}

func TestSignedURLRefusesAnEmptySecret(t *testing.T) {
	t.Parallel()
	_, err := cloudconvert.SignedURL(signedBase, "", publicJob(), "")
	require.ErrorIs(t, err, cloudconvert.ErrNoSecret)
}

func TestSignedURLBases(t *testing.T) {
	t.Parallel()
	id := "/0b5a1c3e-7d42-4f6b-9c1d-2e3f4a5b6c7d"
	tests := map[string]struct {
		base string
		good bool
	}{
		"as documented":       {"https://s.cloudconvert.com" + id, true},
		"a sandbox":           {"http://127.0.0.1:8080/s" + id, true},
		"empty":               {"", false},
		"plain http":          {"http://s.cloudconvert.com" + id, false},
		"no scheme":           {"s.cloudconvert.com" + id, false},
		"no host":             {"https://" + id, false},
		"no id":               {"https://s.cloudconvert.com", false},
		"no id but a host":    {"https://averylonghostnameitself", false},
		"the API":             {"https://api.cloudconvert.com/v2", false},
		"a slash at the end":  {"https://s.cloudconvert.com" + id + "/", false},
		"a query":             {"https://s.cloudconvert.com" + id + "?x=y", false},
		"an empty query":      {"https://s.cloudconvert.com" + id + "?", false},
		"a fragment":          {"https://s.cloudconvert.com" + id + "#x", false},
		"a user":              {"https://me:pass@s.cloudconvert.com" + id, false},
		"a line break":        {"https://s.cloudconvert.com" + id + "\n", false},
		"another scheme":      {"ftp://s.cloudconvert.com" + id, false},
		"an unescaped letter": {"https://s.cloudconvert.com/ü" + id[2:], false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, err := cloudconvert.SignedURL(tt.base, signedSecret, publicJob(), "")
			if tt.good {
				require.NoError(t, err)
				assert.True(t, strings.HasPrefix(address, tt.base+"?job="))
				return
			}
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			assert.Empty(t, address)
			assert.NotContains(t, err.Error(), "pass")
		})
	}
}

func TestSignedURLCacheKeys(t *testing.T) {
	t.Parallel()
	for _, key := range []string{" ", "a b", "a&s=0", "a=b", "a/b", "a+b", "a%20b", "a\n", "é", "a.b"} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			_, err := cloudconvert.SignedURL(signedBase, signedSecret, publicJob(), key)
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		})
	}
}

func TestSignedURLRefusesJobs(t *testing.T) {
	t.Parallel()
	source := cloudconvert.ImportURL{URL: "https://example.com/a.docx"}
	tests := map[string]struct {
		job  *cloudconvert.JobRequest
		want string
	}{
		"nil":           {nil, "no tasks"},
		"no tasks":      {&cloudconvert.JobRequest{}, "no tasks"},
		"no export/url": {cloudconvert.Pipeline(source, cloudconvert.Convert{OutputFormat: "pdf"}), "export/url"},
		"a missing parameter": {
			cloudconvert.Pipeline(source, cloudconvert.Convert{}, cloudconvert.ExportURL{}), "output_format",
		},
		"a request header": {
			cloudconvert.Pipeline(cloudconvert.ImportURL{
				URL: "https://example.com/a.docx", Headers: map[string]string{"X-Any": "s3cr3t"},
			}, cloudconvert.ExportURL{}), `headers of task "import-url"`,
		},
		"a password in a URL": {
			cloudconvert.Pipeline(cloudconvert.ImportURL{URL: "https://me:s3cr3t@example.com/a"}, cloudconvert.ExportURL{}),
			`url of task "import-url"`,
		},
		"a token in a URL": {
			cloudconvert.Pipeline(cloudconvert.ImportURL{URL: "https://s3cr3t@example.com/a"}, cloudconvert.ExportURL{}),
			`url of task "import-url"`,
		},
		"a password in the webhook": {
			&cloudconvert.JobRequest{Tasks: publicJob().Tasks, WebhookURL: "https://me:s3cr3t@example.com/hook"}, "webhook_url",
		},
		"an option": {
			cloudconvert.Pipeline(source,
				cloudconvert.Convert{OutputFormat: "pdf", Options: cloudconvert.Options{"Open-Password": "s3cr3t"}},
				cloudconvert.ExportURL{}), `Open-Password of task "convert"`,
		},
		"a raw task": {
			cloudconvert.Pipeline(cloudconvert.RawTask{Op: "import/new", Fields: map[string]any{"api_key": "s3cr3t"}},
				cloudconvert.ExportURL{}), `api_key of task "import-new"`,
		},
		"a name in another style": {
			cloudconvert.Pipeline(cloudconvert.RawTask{Op: "import/new", Fields: map[string]any{"config": map[string]any{
				"accessKeyId": "s3cr3t", "PrivateKey": "s3cr3t", "APIKEY": "s3cr3t", "Api Key": "s3cr3t", "SAS": "s3cr3t", "passwd": "s3cr3t",
			}}}, cloudconvert.ExportURL{}), `APIKEY of task "import-new", Api Key of task "import-new", PrivateKey of task "import-new", ` +
				`SAS of task "import-new", accessKeyId of task "import-new", passwd of task "import-new"`,
		},
		"headers by another name": {
			cloudconvert.Pipeline(cloudconvert.RawTask{Op: "import/new", Fields: map[string]any{"http_headers": []string{"X-Any: s3cr3t"}}},
				cloudconvert.ExportURL{}), "http_headers",
		},
		"a malformed URL": {
			cloudconvert.Pipeline(cloudconvert.ImportURL{URL: "https://me:s3cr3t/%zz@example.com/a"}, cloudconvert.ExportURL{}), "url of task",
		},
		"a URL with a wrong escape": {
			cloudconvert.Pipeline(cloudconvert.ImportURL{URL: " HTTPS://me:s3cr3t%@example.com/a"}, cloudconvert.ExportURL{}), "url of task",
		},
		"a URL without a scheme": {
			cloudconvert.Pipeline(cloudconvert.ImportURL{URL: "//me:s3cr3t@example.com/a"}, cloudconvert.ExportURL{}), "url of task",
		},
		"a URL within a text": {
			cloudconvert.Pipeline(source, cloudconvert.Command{
				Engine: "ffmpeg", Command: "ffmpeg", Arguments: "-i ftp://me:s3cr3t@example.com/a /output/a.mp4",
			}, cloudconvert.ExportURL{}), "arguments of task",
		},
		"a header within a text": {
			cloudconvert.Pipeline(source, cloudconvert.Command{
				Engine: "ffmpeg", Command: "ffmpeg", Arguments: `-headers "authorization: Bearer s3cr3t" -i https://example.com/a /output/a.mp4`,
			}, cloudconvert.ExportURL{}), "arguments of task",
		},
		"a private key": {
			cloudconvert.Pipeline(cloudconvert.ImportRaw{
				Filename: "a.txt", File: "-----BEGIN RSA PRIVATE KEY-----\ns3cr3t\n-----END RSA PRIVATE KEY-----",
			}, cloudconvert.ExportURL{}), "file of task",
		},
		"an option that is a task": {
			cloudconvert.Pipeline(source, cloudconvert.Convert{OutputFormat: "pdf", Options: cloudconvert.Options{
				"next": cloudconvert.PDFDecrypt{Password: "s3cr3t"},
			}}, cloudconvert.ExportURL{}), "parameter next is a task",
		},
		"a password in the tag": {
			&cloudconvert.JobRequest{Tasks: publicJob().Tasks, Tag: "https://me:s3cr3t@example.com"}, "tag",
		},
		"deep inside": {
			cloudconvert.Pipeline(cloudconvert.RawTask{Op: "import/new", Fields: map[string]any{
				"sources": []any{map[string]any{"login": map[string]any{"sas_token": "s3cr3t"}}},
			}}, cloudconvert.ExportURL{}), `sas_token of task "import-new"`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, err := cloudconvert.SignedURL(signedBase, signedSecret, tt.job, "")
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			assert.Empty(t, address)
			assert.Contains(t, err.Error(), tt.want)
			assert.NotContains(t, err.Error(), "s3cr3t")
		})
	}
}

// Task names and parameter values may look like credentials. Fields that are not
// set have none.
func TestSignedURLFindsCredentialsByField(t *testing.T) {
	t.Parallel()
	job := &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
		"import-token": cloudconvert.ImportURL{URL: "https://example.com/password.docx", Filename: "secret.docx"},
		"password":     cloudconvert.Convert{Input: []string{"import-token"}, OutputFormat: "pdf", Options: cloudconvert.Options{"password": ""}},
		"headers":      cloudconvert.ExportURL{Input: []string{"password"}},
		"page": cloudconvert.CaptureWebsite{
			URL: "https://example.com/@me/a?to=you@example.com#@", OutputFormat: "pdf", DisplayHeaderFooter: true, WaitForElement: "//div[@class]",
			HeaderTemplate: `<a href="https://example.com/">me@example.com</a> 100% // @me`, FooterTemplate: "<b>Author</b>",
		},
		"mark": cloudconvert.Watermark{Input: []string{"page"}, Text: "mailto:me@example.com: the Authorization of the Cookie is 50%"},
		"presigned": cloudconvert.ImportURL{
			URL: "https://storage.example.com/a?X-Amz-Credential=a/b&X-Amz-Signature=0123&response-content-disposition=a%3B%20b",
		},
	}}
	_, err := cloudconvert.SignedURL(signedBase, signedSecret, job, "")
	require.NoError(t, err)
}

// The test covers all parameters of all tasks, so that a new one is not forgotten.
func TestSignedURLRefusesCredentialsOfAllTasks(t *testing.T) {
	t.Parallel()
	storage := []string{"access_key_id", "secret_access_key", "session_token"}
	azure := []string{"sas_token", "storage_access_key"}
	sftp := []string{"password", "private_key"}
	want := map[string][]string{
		"ImportURL": {"headers"}, "CaptureWebsite": {"headers"}, "ExportUpload": {"headers"},
		"ImportS3": storage, "ExportS3": storage, "ImportAzureBlob": azure, "ExportAzureBlob": azure,
		"ImportGoogleCloudStorage": {"private_key"}, "ExportGoogleCloudStorage": {"private_key"},
		"ImportOpenStack": {"password"}, "ExportOpenStack": {"password"}, "ImportSFTP": sftp, "ExportSFTP": sftp,
		"PDFEncrypt": {"set_owner_password", "set_password"}, "PDFDecrypt": {"password"},
	}
	for name, c := range allTasks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			full, _ := c.goldens()
			assert.Equal(t, want[name], credentialsAmong(t, goldenKeys(t, full)))
		})
	}
}

// credentialsAmong returns the parameters that are refused in a signed URL.
func credentialsAmong(t *testing.T, parameters []string) []string {
	t.Helper()
	var refused []string
	for _, parameter := range parameters {
		fields := map[string]any{parameter: "some text"}
		if parameter == "operation" || parameter == "input" || parameter == "image" {
			continue
		}
		job := cloudconvert.Pipeline(cloudconvert.RawTask{Op: "new", Fields: fields}, cloudconvert.ExportURL{})
		if _, err := cloudconvert.SignedURL(signedBase, signedSecret, job, ""); err != nil {
			require.ErrorContains(t, err, "credentials")
			refused = append(refused, parameter)
		}
	}
	return refused
}

func TestSignedURLRedirectsToFile(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	base, secret := server.SignedURLBase()
	address, err := cloudconvert.SignedURL(base, secret, cloudconvert.Pipeline(
		cloudconvert.ImportRaw{File: "???>>>???>>>", Filename: "hello.txt"}, cloudconvert.ExportURL{},
	), "a-key")
	require.NoError(t, err)
	for range 2 {
		visit, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		require.NoError(t, err)
		resp, err := new(http.Client).Do(visit)
		require.NoError(t, err)
		content, err := io.ReadAll(resp.Body)
		require.NoError(t, errors.Join(err, resp.Body.Close()))
		assert.Equal(t, "???>>>???>>>", string(content))
	}
	assert.Len(t, server.Jobs(), 1, "the second visit gets the cached result")
}
