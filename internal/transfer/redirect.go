package transfer

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// maxRedirects bounds how often a URL may lead to another.
const maxRedirects = 10

// A trail sends the requests of one transfer, through attempts and redirects.
type trail struct {
	client   *Client
	request  *http.Request   // sent last
	response *http.Response  // to it, or nil
	secrets  map[string]bool // of the form, and of all URLs that were requested or redirected to
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

// hide takes the secrets out of an answer.
func (t *trail) hide(answer engine.Outcome) engine.Outcome {
	return answer.Hiding(slices.Collect(maps.Keys(t.secrets))...)
}

// do sends a request and follows redirects. Unlike the client of the API, it has neither
// cookies nor a time limit.
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

// failure describes an error of do. A redirect that was not followed would not be
// followed the next time either.
func (t *trail) failure(err error) engine.Outcome {
	if t.response != nil {
		return engine.Outcome{Status: t.response.StatusCode, Header: t.response.Header, Err: err}
	}
	return engine.Outcome{Err: err, Open: !engine.IsPermanent(err)}
}

// RoundTrip sends one request. Responses may not say what they are the response to.
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

// checkRedirect refuses to go from https to http and to send a file by another method. The
// next host does not learn the URL that led to it.
func (t *trail) checkRedirect(req *http.Request, via []*http.Request) error {
	req.Header.Del("Referer")
	if len(via) >= maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	last := via[len(via)-1]
	switch {
	case isTaken(req.Response.StatusCode, last.Method):
		return http.ErrUseLastResponse
	case last.URL.Scheme == "https" && req.URL.Scheme != "https":
		return errors.New("redirected from https to http")
	case last.Method != req.Method:
		return errors.New("redirected to a page that takes no upload")
	}
	return t.client.checkURL(req.URL)
}

// isTaken reports whether a response says that storage has taken the file that was sent.
// 303 See Other does, as with success_action_redirect of S3: what it leads to is a page
// for people, which may fail and proves nothing.
func isTaken(status int, method string) bool {
	return isSuccess(status) || status == http.StatusSeeOther && method == http.MethodPost
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }
