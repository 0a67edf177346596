package transfer

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// maxRedirects bounds the number of redirects of a request.
const maxRedirects = 10

// A trail sends the requests of one transfer, and collects the secrets of all URLs on the
// way.
type trail struct {
	client   *Client
	request  *http.Request   // last request
	response *http.Response  // response to it, or nil
	secrets  map[string]bool // of the form, and of all URLs requested or redirected to
}

func (c *Client) newTrail(secrets []string) *trail {
	t := &trail{client: c, secrets: map[string]bool{}}
	t.add(secrets)
	return t
}

func (t *trail) add(secrets []string) {
	for _, secret := range secrets {
		t.secrets[secret] = true
	}
}

// hide hides the secrets in an outcome.
func (t *trail) hide(outcome engine.Outcome) engine.Outcome {
	return outcome.Hiding(slices.Collect(maps.Keys(t.secrets))...)
}

// do sends a request and follows redirects, without cookies and without a timeout.
func (t *trail) do(req *http.Request) (*http.Response, error) {
	client := http.Client{Transport: t, CheckRedirect: t.checkRedirect}
	resp, err := client.Do(req)
	switch {
	case err == nil:
		return resp, nil
	case resp == nil && t.response != nil: // the error quotes the Location header
		return nil, errors.New("redirected to an invalid URL")
	default:
		return nil, engine.WithoutURL(err)
	}
}

// failure returns the outcome for an error of do. A redirect that was not followed would
// not be followed by a retry either.
func (t *trail) failure(err error) engine.Outcome {
	if t.response != nil {
		return engine.Outcome{Status: t.response.StatusCode, Header: t.response.Header, Err: err}
	}
	return engine.Outcome{Err: err, Open: !engine.IsPermanent(err)}
}

// RoundTrip sends one request. It records the request, because a response of a custom
// transport may not.
func (t *trail) RoundTrip(req *http.Request) (*http.Response, error) {
	t.request, t.response = req, nil
	t.add(append(engine.URLSecrets(req.URL), req.URL.RawQuery))
	resp, err := engine.RoundTrip(t.client.config.Transport, req)
	if err == nil {
		t.response = resp
		t.add(locationSecrets(req.URL, resp.Header.Get("Location")))
	}
	return resp, err
}

// checkRedirect refuses redirects from https to http, and redirects that would send a
// file with another method. It removes the Referer header, which would disclose the
// previous URL to the next host.
func (t *trail) checkRedirect(req *http.Request, via []*http.Request) error {
	req.Header.Del("Referer")
	if len(via) >= maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	last := via[len(via)-1]
	switch {
	case isStored(req.Response.StatusCode, last.Method):
		return http.ErrUseLastResponse
	case last.URL.Scheme == "https" && req.URL.Scheme != "https":
		return errors.New("redirected from https to http")
	case last.Method != req.Method:
		return errors.New("redirected to a page that does not accept uploads")
	}
	return t.client.checkURL(req.URL)
}

// isStored reports whether a status says that storage has stored the uploaded file. 303
// See Other does, as with success_action_redirect of S3. The page that it leads to is for
// people: it may fail, and proves nothing.
func isStored(status int, method string) bool {
	return engine.IsSuccess(status) || status == http.StatusSeeOther && method == http.MethodPost
}
