package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// usesAPI is a program in a page. It gets the variables of the sandbox and a signed URL,
// and returns what it saw.
const usesAPI = `async (env, signedURL) => {
  const seen = {};
  const headers = {'Authorization': 'Bearer ' + env.CLOUDCONVERT_API_KEY, 'Content-Type': 'application/json'};
  const created = await fetch(env.CLOUDCONVERT_API_URL + '/jobs', {method: 'POST', headers, body: JSON.stringify({tasks: {
    in: {operation: 'import/upload'},
    work: {operation: 'convert', input: 'in', output_format: 'jpg'},
    out: {operation: 'export/url', input: 'work'},
  }})});
  seen.created = created.status;
  seen.remaining = created.headers.get('X-RateLimit-Remaining');
  let job = (await created.json()).data;
  const task = name => job.tasks.find(t => t.name === name);

  const events = new WebSocket(env.CLOUDCONVERT_EVENTS_URL.replace('http', 'ws') + '/socket.io/?EIO=4&transport=websocket');
  const subscribed = Promise.withResolvers(), finished = Promise.withResolvers();
  events.onerror = () => subscribed.reject(new Error('the event socket failed'));
  events.onmessage = ({data}) => {
    if (data.startsWith('0{')) events.send('40');
    if (data.startsWith('40')) {
      events.send('42' + JSON.stringify(['subscribe',
        {channel: 'private-job.' + job.id, auth: {headers: {Authorization: headers.Authorization}}}]));
      subscribed.resolve();
    }
    if (data.startsWith('42["job.finished"')) finished.resolve(JSON.parse(data.slice(2))[2].job.status);
  };
  await subscribed.promise;

  const canvas = document.createElement('canvas');
  canvas.width = 60;
  canvas.height = 40;
  const png = await new Promise(resolve => canvas.toBlob(resolve, 'image/png'));
  const {url, parameters} = task('in').result.form;
  const form = new FormData();
  for (const name in parameters) form.append(name, parameters[name]);
  form.append('file', png, 'photo.png');
  const uploaded = await fetch(url, {method: 'POST', body: form});
  seen.uploaded = uploaded.status;
  seen.etag = uploaded.headers.get('ETag') !== null && uploaded.headers.get('Location') !== null;

  job = (await (await fetch(env.CLOUDCONVERT_SYNC_URL + '/jobs/' + job.id, {headers, credentials: 'include'})).json()).data;
  seen.job = job.status;
  seen.event = await finished.promise;
  events.close();

  const file = task('out').result.files[0];
  const download = await fetch(file.url);
  seen.disposition = download.headers.get('Content-Disposition');
  seen.type = (await download.blob()).type;
  seen.signed = (await (await fetch(signedURL)).blob()).type;

  const error = async (url, options) => {
    const response = await fetch(url, options);
    return response.status + ' ' + (await response.text()).match(/(?:"code":"|<Code>)(\w+)/)[1];
  };
  seen.unauthenticated = await error(env.CLOUDCONVERT_API_URL + '/users/me', {headers: {Authorization: 'Bearer wrong'}});
  seen.invalid = await error(env.CLOUDCONVERT_API_URL + '/jobs', {method: 'POST', headers, body: '{}'});
  seen.denied = await error(file.url.replace('Signature=', 'Signature=0'));
  await fetch(env.CLOUDCONVERT_API_URL + '/jobs/' + job.id, {method: 'DELETE', headers});
  seen.deleted = await error(env.CLOUDCONVERT_API_URL + '/jobs/' + job.id, {headers});
  return seen;
}`

// TestInBrowser uses the sandbox from a page of another origin, with the default duration of
// tasks.
func TestInBrowser(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	s := start(t, "-task-duration", defaultTaskDuration.String(), "-rate-limit", "100/1h")
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
	}))
	t.Cleanup(page.Close)
	signed, err := cloudconvert.SignedURL(s.variables["CLOUDCONVERT_SIGNED_URL_BASE"], s.variables["CLOUDCONVERT_SIGNED_URL_SECRET"],
		cloudconvert.Pipeline(cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.ExportURL{}), "")
	require.NoError(t, err)
	arguments, err := json.Marshal([]any{s.variables, signed})
	require.NoError(t, err)

	browser := openBrowser(t, chromium)
	require.NoError(t, chromedp.Do(browser, chromedp.Navigate(page.URL)))
	seen, err := chromedp.Run(browser, chromedp.Evaluate[map[string]any](
		"("+usesAPI+")(..."+string(arguments)+")", chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"created": 201., "remaining": "99", "uploaded": 201., "etag": true, "job": "finished", "event": "finished",
		"disposition": `attachment; filename="photo.jpg"`, "type": "image/jpeg", "signed": "text/plain; charset=utf-8",
		"unauthenticated": "401 UNAUTHENTICATED", "invalid": "422 INVALID_DATA", "denied": "403 SignatureDoesNotMatch",
		"deleted": "404 NOT_FOUND",
	}, seen)
}

// openBrowser starts a headless browser.
func openBrowser(t *testing.T, path string) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()))...)
	t.Cleanup(stop)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	t.Cleanup(closeBrowser)
	return ctx
}
