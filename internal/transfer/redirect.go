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

// redirects sends the requests of one transfer and follows their redirects. It collects
// the secrets of all URLs requested or redirected to.
type redirects struct {
	client   *Client
	request  *http.Request   // last request
	response *http.Response  // response to it, or nil
	secrets  map[string]bool // of the form, and of all URLs requested or redirected to
}

func (c *Client) newRedirects(secrets []string) *redirects {
	r := &redirects{client: c, secrets: map[string]bool{}}
	r.add(secrets)
	return r
}

func (r *redirects) add(secrets []string) {
	for _, secret := range secrets {
		r.secrets[secret] = true
	}
}

// hide hides the secrets in an outcome.
func (r *redirects) hide(outcome Outcome) Outcome {
	outcome.Outcome = outcome.Hiding(slices.Collect(maps.Keys(r.secrets))...)
	return outcome
}

// do sends a request and follows redirects, without cookies and without a timeout.
func (r *redirects) do(req *http.Request) (*http.Response, error) {
	client := http.Client{Transport: r, CheckRedirect: r.checkRedirect}
	resp, err := client.Do(req)
	switch {
	case err == nil:
		return resp, nil
	case resp == nil && r.response != nil: // the error quotes the Location header
		return nil, errors.New("redirected to an invalid URL")
	default:
		return nil, engine.WithoutURL(err)
	}
}

// failure returns the outcome for an error of do. A redirect that was not followed would
// not be followed by a retry either.
func (r *redirects) failure(err error) Outcome {
	outcome := errorOutcome(err)
	outcome.Retryable = r.response == nil && !engine.IsPermanent(err)
	if r.response != nil {
		outcome.Status, outcome.Header = r.response.StatusCode, r.response.Header
	}
	return outcome
}

// RoundTrip sends one request. It records the request, because a response of a custom
// transport may not.
func (r *redirects) RoundTrip(req *http.Request) (*http.Response, error) {
	r.request, r.response = req, nil
	r.add(append(engine.URLSecrets(req.URL), req.URL.RawQuery))
	resp, err := engine.RoundTrip(r.client.config.Transport, req)
	if err == nil {
		r.response = resp
		r.add(locationSecrets(req.URL, resp.Header.Get("Location")))
	}
	return resp, err
}

// checkRedirect refuses redirects from https to http, and redirects that would send a
// file with another method. It removes the Referer header, which would disclose the
// previous URL to the next host.
func (r *redirects) checkRedirect(req *http.Request, via []*http.Request) error {
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
	return r.client.checkURL(req.URL)
}

// isStored reports whether a status says that storage has stored the uploaded file. 303
// See Other does, as with success_action_redirect of S3. The page that it leads to is for
// people: it may fail, and proves nothing.
func isStored(status int, method string) bool {
	return engine.IsSuccess(status) || status == http.StatusSeeOther && method == http.MethodPost
}
