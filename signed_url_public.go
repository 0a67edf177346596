package cloudconvert

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// checkPublic refuses a job that not everybody may read.
func checkPublic(payload []byte) error {
	var job struct {
		Tasks      map[string]map[string]any `json:"tasks"`
		Tag        string                    `json:"tag"`
		WebhookURL string                    `json:"webhook_url"`
	}
	if err := json.Unmarshal(payload, &job); err != nil {
		return invalid(err)
	}
	found := append(credentials("tag", job.Tag), credentials("webhook_url", job.WebhookURL)...)
	for _, name := range slices.Sorted(maps.Keys(job.Tasks)) {
		for _, parameter := range credentials("", job.Tasks[name]) {
			found = append(found, fmt.Sprintf("%s of task %q", parameter, name))
		}
	}
	if len(found) > 0 {
		return invalid(fmt.Errorf("everybody can read the job in a signed URL, and this one holds credentials: %s: "+
			"create such a job with Jobs.Create instead", strings.Join(found, ", ")))
	}
	return nil
}

// credentials returns where in the value of a parameter there are any: below
// a name that tells so, or in a text of such a form.
func credentials(name string, value any) []string {
	if engine.IsCredential(name) && !isEmpty(value) {
		return []string{name}
	}
	var found []string
	switch value := value.(type) {
	case string:
		if hasCredential(value) {
			found = append(found, name)
		}
	case []any:
		for _, entry := range value {
			found = append(found, credentials(name, entry)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			found = append(found, credentials(key, value[key])...)
		}
	}
	return found
}

var (
	// userInAddress is an address with a user in it, anywhere in a text.
	userInAddress = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://[^/?#\\\s"'<>]*@`)
	// wholeAddress is a text that is meant to be an address with an @ in it.
	wholeAddress = regexp.MustCompile(`(?i)^\s*[a-z][a-z0-9+.-]*:[/\\]{2}\S*@\S*\s*$`)
	// headerInText is a header with credentials in a line of arguments, say.
	headerInText = regexp.MustCompile(`(?i)\b(authorization|cookie|x-api-key|x-auth-token)\s*:\s*\S`)
	keyInText    = regexp.MustCompile(`PRIVATE KEY( BLOCK)?-----`)
)

// hasCredential reports whether a text has the form of a credential. An address
// that cannot be read is held for one, if there may be a user in it.
func hasCredential(text string) bool {
	if userInAddress.MatchString(text) || headerInText.MatchString(text) || keyInText.MatchString(text) {
		return true
	}
	target, err := url.Parse(strings.TrimSpace(text))
	return err == nil && target.User != nil || err != nil && wholeAddress.MatchString(text)
}
