package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log"
	"net/http"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
)

//go:embed static
var static embed.FS

//go:embed page.html
var source string

var page = template.Must(template.New("page").Parse(source))

// The statuses of a job as the page knows them.
const (
	converting = "converting"
	finished   = "finished"
	failed     = "failed"
)

// view is what the page shows, or what its script reads.
type view struct {
	URL      string `json:"url,omitzero"`
	Status   string `json:"status,omitzero"`
	Percent  int    `json:"percent,omitzero"`
	Filename string `json:"filename,omitzero"`
	Message  string `json:"message,omitzero"` // what failed, and what to do
}

func (j *job) url() string { return "/jobs/" + j.id }

// view describes an ended job.
func (j *job) view() view {
	image, err := j.file()
	if err != nil {
		_, message := explain(err)
		return view{URL: j.url(), Status: failed, Message: message}
	}
	return view{URL: j.url(), Status: finished, Percent: 100, Filename: image.Filename}
}

// file returns the converted image of an ended job.
func (j *job) file() (cloudconvert.File, error) {
	if j.err != nil {
		return cloudconvert.File{}, j.err
	}
	if files := j.result.Files(); len(files) > 0 {
		return files[0], nil
	}
	return cloudconvert.File{}, cloudconvert.ErrJobFailed
}

// show sends the page, or JSON to its script.
func show(w http.ResponseWriter, r *http.Request, status int, v view) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept")
	var err error
	if r.Header.Get("Accept") == "application/json" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		err = json.NewEncoder(w).Encode(v)
	} else {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		err = page.Execute(w, struct {
			view

			Formats []string
			Limit   int // in MB
		}{v, formats, maxUpload >> 20})
	}
	if err != nil {
		log.Println(err)
	}
}

// fail shows what failed and what to do. The error itself is not for visitors.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	status, message := explain(err)
	if status >= http.StatusInternalServerError {
		log.Println(err)
	}
	show(w, r, status, view{Status: failed, Message: message})
}

var (
	errFormat  = errors.New("unknown output format")
	errForm    = errors.New("malformed form")
	errNoJob   = errors.New("unknown job")
	errRunning = errors.New("the job is still running")
	errStopped = errors.New("the program stops")
)

// formError returns the error of reading a form. It is that of the visitor, unless a
// temporary file cannot be written.
func formError(err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return err
	}
	return fmt.Errorf("%w: %w", errForm, err)
}

// explain returns the HTTP status and the message for an error.
func explain(err error) (int, string) {
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case tooLarge:
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("The image is larger than %d MB. Choose a smaller one.", maxUpload>>20)
	case errors.Is(err, http.ErrMissingFile), errors.Is(err, http.ErrNotMultipart):
		return http.StatusBadRequest, "No image was sent. Choose one."
	case errors.Is(err, errForm):
		return http.StatusBadRequest, "The form was malformed or incomplete. Choose the image and send it once more."
	case errors.Is(err, errFormat):
		return http.StatusBadRequest, "This output format is not offered. Choose one of " + strings.Join(formats, ", ") + "."
	case errors.Is(err, errNoJob):
		return http.StatusNotFound, "This image is not here any more. Convert it once more."
	case errors.Is(err, errRunning):
		return http.StatusConflict, "The image is still being converted. Wait until it is finished."
	case errors.Is(err, errStopped):
		return http.StatusServiceUnavailable, "This service is being restarted. Try in a minute."
	case errors.Is(err, context.Canceled):
		return http.StatusConflict, "The conversion was cancelled. To start over, choose the image and convert it."
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, "The conversion took too long. Try a smaller image."
	case errors.Is(err, cloudconvert.CodeInvalidConversionType), errors.Is(err, cloudconvert.CodeInvalidFilename),
		errors.Is(err, cloudconvert.ErrInvalid):
		return http.StatusUnprocessableEntity, "The format of this file is unknown. Choose an image such as a PNG or a JPEG."
	case errors.Is(err, cloudconvert.ErrJobFailed):
		return http.StatusUnprocessableEntity, "This file could not be converted. It may be damaged: choose another one."
	case errors.Is(err, cloudconvert.ErrCreditsExceeded):
		return http.StatusServiceUnavailable, "This service has run out of credits. Tell its operator, and try later."
	case errors.Is(err, cloudconvert.ErrTooManyJobs), errors.Is(err, cloudconvert.ErrRateLimited):
		return http.StatusServiceUnavailable, "Too many images are being converted. Try in a minute."
	default:
		return http.StatusBadGateway, "The conversion failed on our side. Try in a few minutes."
	}
}
