package request

import (
	"encoding/json"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
)

// Webhook decodes and validates the body of the creation of a webhook.
func Webhook(fields map[string]json.RawMessage, allowed []string) (url string, events []string, err error) {
	p := Problems{}
	p.Parameter("url", catalog.Param{Name: "url", Kind: catalog.WebURL, Required: true}, Decode(fields["url"]))
	events = p.events(Decode(fields["events"]), allowed)
	url, _ = Text(Decode(fields["url"]))
	return url, events, p.Err()
}

func (p Problems) events(v any, allowed []string) []string {
	list, ok := v.([]any)
	switch {
	case !Present(v):
		p.Required("events")
	case !ok:
		p.Add("events", "The events must be an array.")
	}
	events := make([]string, 0, len(list))
	for _, e := range list {
		name, _ := e.(string)
		if !slices.Contains(allowed, name) {
			p.Add("events", "The selected events is invalid.")
			return nil
		}
		events = append(events, name)
	}
	return events
}
