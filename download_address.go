package cloudconvert

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// checkFile returns the address of a file that may be fetched.
func (c *core) checkFile(f File) (*url.URL, error) {
	if f.URL == "" {
		return nil, invalid(fmt.Errorf("the file %q has no address: only the files of %s tasks have one, see Job.Files", f.Filename, OperationExportURL))
	}
	address, err := parseVerbatim(f.URL)
	if err != nil {
		return nil, invalid(fmt.Errorf("the address of the file %q %w", f.Filename, err))
	}
	if err := c.config.checkStorageURL(address); err != nil {
		return nil, invalid(fmt.Errorf("the file %q: %w", f.Filename, err))
	}
	return address, nil
}

// parseVerbatim parses an address that is going to be requested byte for byte
// as it is, because it is signed. The error does not repeat it.
func parseVerbatim(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	if err != nil || strings.Contains(text, " ") {
		return nil, errors.New("is no URL")
	}
	// The query is kept as it is. Of the path this goes only for what needs no
	// escaping, unless it is opaque.
	if path := pathIn(text); path != address.EscapedPath() && !strings.HasPrefix(path, "//") {
		address.Opaque = path
	}
	return address, nil
}

// pathIn returns the path of an address as it is written there.
func pathIn(text string) string {
	text, _, _ = strings.Cut(text, "#")
	text, _, _ = strings.Cut(text, "?")
	_, text, _ = strings.Cut(text, "://")
	_, path, found := strings.Cut(text, "/")
	if !found {
		return ""
	}
	return "/" + path
}

// request builds the request for what is missing.
func (d *download) request() (*http.Request, error) {
	req, err := http.NewRequestWithContext(d.ctx, http.MethodGet, "", http.NoBody)
	if err != nil {
		return nil, engine.WithoutURL(err)
	}
	req.URL = d.address
	// Any other encoding would change the length.
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", d.client.core.config.userAgentHeader())
	if d.offset > 0 && d.validator.tag != "" {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(d.offset, 10)+"-")
		req.Header.Set("If-Range", d.validator.tag)
	}
	return req, nil
}

// renew replaces an address that was refused, as it is once it has expired,
// with the one that the task gives now.
func (d *download) renew() *engine.Answer {
	d.renewed = true
	refusal := d.attempt.refusal()
	d.close()
	address, err := d.newAddress()
	if err != nil {
		refusal.Err = fmt.Errorf("the address cannot be renewed: %w", err)
		return refusal
	}
	d.address = address
	return d.connect()
}

// newAddress reads the task again and returns the address of the file in it.
func (d *download) newAddress() (*url.URL, error) {
	task, err := d.client.Tasks.Get(d.ctx, d.file.TaskID)
	if err != nil {
		return nil, err
	}
	var found []*url.URL
	for _, file := range task.Result.Files {
		if file.Filename != d.file.Filename || file.Dir != d.file.Dir {
			continue
		}
		address, err := d.client.core.checkFile(file)
		if err != nil {
			return nil, err
		}
		// Of several files with one name, the one with the same path is it.
		if address.EscapedPath() == d.address.EscapedPath() {
			found = []*url.URL{address}
			break
		}
		found = append(found, address)
	}
	switch {
	case len(found) != 1:
		return nil, fmt.Errorf("task %s has %d files of this name", d.file.TaskID, len(found))
	case found[0].String() == d.address.String():
		return nil, fmt.Errorf("task %s still gives the same address", d.file.TaskID)
	}
	return found[0], nil
}
