package engines

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/standin"
)

// realOffice is a bench with the installed LibreOffice.
func realOffice(t *testing.T) *bench {
	t.Helper()
	_, err := exec.LookPath("soffice")
	_, otherErr := exec.LookPath("libreoffice")
	if err != nil && otherErr != nil {
		t.Skip("LibreOffice is not installed")
	}
	return newBench(t, kitOn(os.Getenv("PATH")))
}

func TestRealDocuments(t *testing.T) {
	t.Parallel()
	b := realOffice(t)
	slides, ok := standin.File("pptx", "slides")
	require.True(t, ok)
	first := map[string]upload{
		"txt": {"a.txt", []byte("Grüße, world\n")}, "csv": {"a.csv", []byte("name,count\n\"a,b\",2\n")}, "pptx": {"a.pptx", slides},
	}
	for _, c := range []struct {
		from string
		via  []string
	}{
		{"txt", []string{"docx", "odt", "rtf", "doc", "txt"}},
		{"csv", []string{"xlsx", "ods", "xls", "csv"}},
		{"pptx", []string{"odp", "ppt", "pdf"}},
	} {
		t.Run(c.from+" to "+c.via[len(c.via)-1], func(t *testing.T) {
			t.Parallel()
			file := first[c.from]
			for _, format := range c.via {
				file = b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: format}, file)
				assert.Equal(t, "a."+format, file.name)
			}
			switch c.via[len(c.via)-1] {
			case "txt":
				assert.Contains(t, string(file.content), "Grüße, world")
			case "csv":
				assert.Equal(t, "name,count\n\"a,b\",2\n", string(file.content))
			case "pdf":
				assert.Len(t, widthsOf(t, file.content), 1)
			}
		})
	}
}

func TestRealBrokenDocument(t *testing.T) {
	t.Parallel()
	b := realOffice(t)
	task, results := b.do(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "pdf"}, upload{"a.xlsx", []byte("PK\x03\x04 broken")})
	assert.Equal(t, "error", task.Status)
	assert.Equal(t, "OPEN_FAILED", task.Code, task.Message)
	require.Empty(t, results)
}
