package main

import (
	"context"
	"errors"
	"io"
	"log"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
)

const (
	maxUpload    = 20 << 20         // size of the largest image
	maxForm      = maxUpload + 4096 // with the other parts of the form
	maxMemory    = 1 << 20          // of a form; the rest of it is in a temporary file
	transferTime = 5 * time.Minute  // for an upload or a download
	startTime    = time.Minute      // to create a job and to send its image
	jobTime      = 10 * time.Minute // for a job to end
	retention    = time.Hour        // for the result of a job
	cleanupTime  = 5 * time.Second  // to delete what is not wanted any more
)

// formats are the formats that a visitor can choose.
var formats = []string{"jpg", "png", "gif", "bmp", "tiff"}

// app converts the images of its visitors. It accepts them from anyone: a service that
// others can reach should limit who may convert, and how often.
type app struct {
	ctx     context.Context //nolint:containedctx // that of the program: jobs outlive requests.
	stop    context.CancelFunc
	client  *cloudconvert.Client
	waiter  *cloudconvert.WebhookWaiter
	webhook *cloudconvert.Webhook
	hook    http.Handler

	mu      sync.Mutex
	jobs    map[string]*job
	running sync.WaitGroup // requests, and waits for jobs
}

// job is a job of a visitor. Its result and err may be read after done is closed.
type job struct {
	id     string
	cancel context.CancelFunc
	done   chan struct{}
	result *cloudconvert.Job
	err    error
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
		client: client, webhook: webhook,
		waiter: client.Webhooks.NewWaiter(), jobs: map[string]*job{},
	}
	a.ctx, a.stop = context.WithCancel(ctx)
	a.hook, err = cloudconvert.WebhookHandler(a.waiter.Deliver, webhook.SigningSecret)
	return a, err
}

// close ends the requests and jobs, waits until they have ended, and removes the webhook.
func (a *app) close() error {
	a.mu.Lock()
	a.stop()
	a.mu.Unlock()
	a.running.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), cleanupTime)
	defer cancel()
	return a.client.Webhooks.Delete(ctx, a.webhook.ID)
}

func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.start)
	mux.Handle("GET /static/", http.FileServerFS(static))
	mux.HandleFunc("POST /jobs", a.create)
	mux.HandleFunc("GET /jobs/{id}", a.withJob(a.status))
	mux.HandleFunc("POST /jobs/{id}/cancel", a.withJob(a.cancel))
	mux.HandleFunc("GET /jobs/{id}/result", a.withJob(a.result))
	mux.Handle("POST /hook", a.hook)
	return secure(http.NewCrossOriginProtection().Handler(a.untilStop(mux)))
}

// untilStop ends the contexts of requests with that of the program, and makes close wait
// for the requests: one that is ended deletes its job.
func (a *app) untilStop(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		stopped := a.ctx.Err() != nil
		if !stopped {
			a.running.Add(1) // under mu, so that close does not wait yet
		}
		a.mu.Unlock()
		if stopped {
			fail(w, r, errStopped)
			return
		}
		defer a.running.Done()
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(a.ctx, cancel)() //nolint:contextcheck // the request ends with the program, too.
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// secure sets the headers that restrict what a page may load and run.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
			"img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "same-origin") // the URL of a job is a secret of its visitor
		next.ServeHTTP(w, r)
	})
}

func (a *app) start(w http.ResponseWriter, r *http.Request) { show(w, r, http.StatusOK, view{}) }

// create starts a job for the image that a visitor posts.
func (a *app) create(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseMultipartForm(maxMemory); err != nil { //nolint:gosec // the body is bounded.
		fail(w, r, formError(err))
		return
	}
	defer r.MultipartForm.RemoveAll() //nolint:errcheck // what is left is in the directory for temporary files.
	file, header, err := r.FormFile("file")
	if err != nil {
		fail(w, r, err)
		return
	}
	defer file.Close() //nolint:errcheck // it is only read.
	format := r.PostFormValue("format")
	if !slices.Contains(formats, format) {
		fail(w, r, errFormat)
		return
	}
	ctx, stop := context.WithTimeout(r.Context(), startTime)
	defer stop()
	created, err := a.client.Start(ctx, cloudconvert.Pipeline(
		cloudconvert.FromReader(header.Filename, file),
		cloudconvert.Convert{OutputFormat: format},
		cloudconvert.ExportURL{},
	))
	if err != nil {
		if ctx.Err() != nil {
			log.Println(err)
			a.deleteLost(ctx, err)
		}
		fail(w, r, err)
		return
	}
	a.follow(created.ID)                                          //nolint:contextcheck // the job outlives the request.
	http.Redirect(w, r, "/jobs/"+created.ID, http.StatusSeeOther) //nolint:gosec // the service chose the id.
}

// deleteLost deletes the job of a creation that was ended before its response came.
func (a *app) deleteLost(ctx context.Context, err error) {
	lost, ok := errors.AsType[*cloudconvert.OutcomeError](err)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	job, err := a.client.Jobs.Find(ctx, lost.Tag)
	if err == nil {
		err = a.client.Jobs.Delete(ctx, job.ID)
	}
	if err != nil {
		log.Printf("cannot delete the job with the tag %q: %v", lost.Tag, err)
	}
}

// follow waits for the end of a job. It deletes the job if it is cancelled, takes too
// long, or the program ends first.
func (a *app) follow(id string) {
	ctx, cancel := context.WithTimeout(a.ctx, jobTime)
	j := &job{id: id, cancel: cancel, done: make(chan struct{})}
	a.mu.Lock()
	a.jobs[id] = j
	a.mu.Unlock()
	a.running.Go(func() {
		defer cancel()
		j.result, j.err = a.client.Jobs.Wait(ctx, id, cloudconvert.WithSignal(a.waiter), cloudconvert.WithDeleteOnCancel())
		if j.err != nil {
			log.Println(j.err)
		}
		close(j.done)
		time.AfterFunc(retention, func() { a.forget(id) })
	})
}

func (a *app) forget(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.jobs, id)
}

// withJob calls a handler with the job of the request, if this program created it: the
// API key can read every job of the account.
func (a *app) withJob(handle func(http.ResponseWriter, *http.Request, *job)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		j, found := a.jobs[r.PathValue("id")]
		a.mu.Unlock()
		if !found {
			fail(w, r, errNoJob)
			return
		}
		handle(w, r, j)
	}
}

func (a *app) status(w http.ResponseWriter, r *http.Request, j *job) {
	select {
	case <-j.done:
		show(w, r, http.StatusOK, j.view())
		return
	default:
	}
	current, err := a.client.Jobs.Get(r.Context(), j.id)
	if err != nil {
		fail(w, r, err)
		return
	}
	ended := 0
	for _, task := range current.Tasks {
		if task.Status.Terminal() {
			ended++
		}
	}
	show(w, r, http.StatusOK, view{URL: j.url(), Status: converting, Percent: 100 * ended / max(len(current.Tasks), 1)})
}

// cancel ends a job, unless it has ended.
func (a *app) cancel(w http.ResponseWriter, r *http.Request, j *job) {
	j.cancel()
	select {
	case <-j.done:
		http.Redirect(w, r, j.url(), http.StatusSeeOther)
	case <-r.Context().Done():
	}
}

// result sends the converted image. The URL of the image in storage stays a secret of
// this program.
func (a *app) result(w http.ResponseWriter, r *http.Request, j *job) {
	select {
	case <-j.done:
	default:
		fail(w, r, errRunning)
		return
	}
	image, err := j.file()
	if err != nil {
		fail(w, r, err)
		return
	}
	content, err := a.client.Open(r.Context(), image)
	if err != nil {
		fail(w, r, err)
		return
	}
	defer content.Close()
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(image.Filename)))
	w.Header().Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": image.Filename}))
	if image.Size > 0 { // it is known
		w.Header().Set("Content-Length", strconv.FormatInt(image.Size, 10))
	}
	w.Header().Set("Cache-Control", "no-store")
	if _, err := io.Copy(w, content); err != nil {
		log.Println(err)
		panic(http.ErrAbortHandler) //nolint:forbidigo // a part must not pass for the whole image.
	}
}
