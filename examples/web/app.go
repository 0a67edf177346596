package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
)

// patience is how long a job may take, including the upload.
const patience = 15 * time.Minute

//go:embed page.html uploaded.html
var pages embed.FS

// formats are the formats that a visitor can choose.
var formats = []string{"jpg", "png", "gif", "bmp", "tiff"}

// app converts the images of its visitors.
type app struct {
	ctx     context.Context //nolint:containedctx // that of the program, which outlives every request.
	client  *cloudconvert.Client
	waiter  *cloudconvert.WebhookWaiter
	webhook *cloudconvert.Webhook
	hook    http.Handler
	public  string

	mu    sync.Mutex
	jobs  map[string]*outcome
	waits sync.WaitGroup
}

// outcome is the result of a job. Its fields may be read after done is closed.
type outcome struct {
	done chan struct{}
	job  *cloudconvert.Job
	err  error
}

// newApp registers a webhook under the public URL.
func newApp(ctx context.Context, client *cloudconvert.Client, public string) (*app, error) {
	webhook, err := client.Webhooks.Create(ctx, cloudconvert.WebhookRequest{
		URL:    public + "/hook",
		Events: []cloudconvert.Event{cloudconvert.EventJobFinished, cloudconvert.EventJobFailed},
	})
	if err != nil {
		return nil, err
	}
	a := &app{
		ctx: ctx, client: client, webhook: webhook, public: public,
		waiter: client.Webhooks.NewWaiter(), jobs: map[string]*outcome{},
	}
	a.hook, err = cloudconvert.WebhookHandler(a.waiter.Deliver, webhook.SigningSecret)
	return a, err
}

// close removes the webhook.
func (a *app) close() error {
	a.waits.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), 5*time.Second)
	defer cancel()
	return a.client.Webhooks.Delete(ctx, a.webhook.ID)
}

func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page("page.html"))
	mux.HandleFunc("GET /uploaded", page("uploaded.html"))
	mux.HandleFunc("POST /jobs", a.create)
	mux.HandleFunc("GET /jobs/{id}", a.status)
	mux.HandleFunc("GET /jobs/{id}/result", a.result)
	mux.Handle("POST /hook", a.hook)
	return mux
}

func page(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pages, name) }
}

// create creates a job that waits for a file, and returns the form for the browser to
// post.
func (a *app) create(w http.ResponseWriter, r *http.Request) {
	format := r.FormValue("format")
	if !slices.Contains(formats, format) {
		http.Error(w, "choose one of the formats", http.StatusBadRequest)
		return
	}
	job, err := a.client.Jobs.Create(r.Context(), cloudconvert.Pipeline(
		cloudconvert.ImportUpload{Redirect: a.public + "/uploaded"},
		cloudconvert.Convert{OutputFormat: format},
		cloudconvert.ExportURL{Inline: true},
	))
	if err != nil {
		fail(w, err)
		return
	}
	task, _ := job.Task("import-upload")
	form, err := a.client.Tasks.UploadForm(r.Context(), task.ID)
	if err != nil {
		fail(w, err)
		return
	}
	a.follow(job.ID) //nolint:contextcheck // the wait outlives the request.
	reply(w, map[string]any{"id": job.ID, "url": form.URL, "fields": form.Fields})
}

// follow waits for a job whose file the browser uploads. It deletes a job without an
// upload.
func (a *app) follow(id string) {
	o := &outcome{done: make(chan struct{})}
	a.mu.Lock()
	a.jobs[id] = o
	a.mu.Unlock()
	a.waits.Go(func() {
		ctx, cancel := context.WithTimeout(a.ctx, patience)
		defer cancel()
		o.job, o.err = a.client.Jobs.Wait(ctx, id, cloudconvert.WithSignal(a.waiter), cloudconvert.WithPendingUpload(), cloudconvert.WithDeleteOnCancel())
		close(o.done)
	})
}

// find returns the job of a request, if this program created it: the key can read every
// job of the account.
func (a *app) find(w http.ResponseWriter, r *http.Request) (*outcome, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, found := a.jobs[r.PathValue("id")]
	if !found {
		http.NotFound(w, r)
	}
	return o, found
}

// state is the part of a job that the page shows.
type state struct {
	Status  string `json:"status"`
	Percent int    `json:"percent"`
	Message string `json:"message"`
}

func (a *app) status(w http.ResponseWriter, r *http.Request) {
	o, found := a.find(w, r)
	if !found {
		return
	}
	select {
	case <-o.done:
		reply(w, o.state())
		return
	default:
	}
	job, err := a.client.Jobs.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		fail(w, err)
		return
	}
	ended := 0
	for _, task := range job.Tasks {
		if task.Status.Terminal() {
			ended++
		}
	}
	reply(w, state{Status: "processing", Percent: 100 * ended / max(len(job.Tasks), 1)})
}

// state describes an ended job.
func (o *outcome) state() state {
	failure, failed := errors.AsType[*cloudconvert.JobError](o.err)
	switch {
	case failed && len(failure.Tasks) > 0:
		return state{Status: "error", Message: failure.Tasks[0].Message}
	case o.err != nil || len(o.job.Files()) == 0:
		return state{Status: "error", Message: "the image could not be converted"}
	default:
		return state{Status: "finished", Percent: 100, Message: o.job.Files()[0].Filename}
	}
}

// result redirects to the file in storage, whose URL is a secret of the visitor.
func (a *app) result(w http.ResponseWriter, r *http.Request) {
	o, found := a.find(w, r)
	if !found {
		return
	}
	select {
	case <-o.done:
	default:
		http.Error(w, "the job is still running", http.StatusConflict)
		return
	}
	if o.err != nil || len(o.job.Files()) == 0 {
		http.NotFound(w, r)
		return
	}
	http.Redirect(w, r, o.job.Files()[0].URL, http.StatusSeeOther)
}

// fail shows a failure to the visitor, and logs its cause.
func fail(w http.ResponseWriter, err error) {
	log.Println(err)
	http.Error(w, "the service cannot be reached, try again", http.StatusBadGateway)
}

func reply(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		log.Println("the visitor has gone:", err)
	}
}
