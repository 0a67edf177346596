package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// rateFlag is a limit such as 10/1m.
type rateFlag struct {
	limit  int
	window time.Duration
}

// String returns the default.
func (r *rateFlag) String() string { return "" }

// Set sets the limit.
func (r *rateFlag) Set(text string) error {
	n, window, _ := strings.Cut(text, "/")
	limit, err := strconv.Atoi(n)
	if err != nil || limit < 1 {
		return errors.New("want a form such as 10/1m")
	}
	d, err := time.ParseDuration(window)
	if err != nil || d <= 0 {
		return errors.New("want a form such as 10/1m")
	}
	r.limit, r.window = limit, d
	return nil
}

// scopes are the valid scopes of a key.
var scopes = []string{
	cloudconvert.ScopeUserRead, cloudconvert.ScopeUserWrite, cloudconvert.ScopeTaskRead, cloudconvert.ScopeTaskWrite,
	cloudconvert.ScopeWebhookRead, cloudconvert.ScopeWebhookWrite,
}

// scopedKeysFlag collects keys and their scopes.
type scopedKeysFlag map[string][]string

// String returns the default.
func (k scopedKeysFlag) String() string { return "" }

// Set adds a key. That may contain a =, scopes do not.
func (k scopedKeysFlag) Set(text string) error {
	i := strings.LastIndex(text, "=")
	if i <= 0 {
		return errors.New("want KEY=SCOPES, such as reader=task.read,user.read")
	}
	key, wanted := text[:i], strings.Split(text[i+1:], ",")
	for _, scope := range wanted {
		if !slices.Contains(scopes, scope) {
			return fmt.Errorf("unknown scope %q: use some of %s", scope, strings.Join(scopes, ", "))
		}
	}
	k[key] = wanted
	return checkKey(key)
}

// clientFlag is an OAuth client.
type clientFlag struct{ id, secret string }

// String returns the default.
func (c *clientFlag) String() string { return "" }

// Set sets the client.
func (c *clientFlag) Set(text string) error {
	c.id, c.secret, _ = strings.Cut(text, ":")
	if c.id == "" || c.secret == "" || !plainKey.MatchString(c.id) || !plainKey.MatchString(c.secret) {
		return errors.New("want ID:SECRET, both of letters, digits and . _ ~ + / = - only")
	}
	return nil
}

// sumsFlag collects MD5 sums.
type sumsFlag []string

// String returns the default.
func (s *sumsFlag) String() string { return "" }

// Set adds comma-separated sums.
func (s *sumsFlag) Set(text string) error {
	for sum := range strings.SplitSeq(text, ",") {
		sum = strings.TrimSpace(sum)
		if b, err := hex.DecodeString(sum); err != nil || len(b) != 16 {
			return fmt.Errorf("%q is not an MD5: want 32 hexadecimal digits", sum)
		}
		*s = append(*s, sum)
	}
	return nil
}

// urlsFlag collects URLs and the files for them.
type urlsFlag map[string]string

// String returns the default.
func (u urlsFlag) String() string { return "" }

// Set adds a URL. That may contain a =, the file may not.
func (u urlsFlag) Set(text string) error {
	i := strings.LastIndex(text, "=")
	if i < 0 {
		return errors.New("want URL=file")
	}
	rawURL, file := text[:i], text[i+1:]
	if parsed, err := url.Parse(rawURL); err != nil || parsed.Host == "" {
		return fmt.Errorf("%q is not a URL: want the form https://host/path", rawURL)
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", file)
	}
	u[rawURL] = file
	return nil
}

// kinds maps the names of the command line to kinds of faults.
var kinds = map[string]cloudconverttest.Fault{
	"error":     {Kind: cloudconverttest.Status, Status: 503},
	"reset":     {Kind: cloudconverttest.Reset},
	"lost":      {Kind: cloudconverttest.Reset, Phase: cloudconverttest.After},
	"truncated": {Kind: cloudconverttest.Truncate},
	"slow":      {Kind: cloudconverttest.Slow, Delay: 2 * time.Second},
}

func faultKinds() string { return strings.Join(slices.Sorted(maps.Keys(kinds)), ", ") }

// faultsFlag collects faults.
type faultsFlag []cloudconverttest.Fault

// String returns the default.
func (f *faultsFlag) String() string { return "" }

// Set adds a fault.
func (f *faultsFlag) Set(text string) error {
	kind, share, _ := strings.Cut(text, "=")
	fault, ok := kinds[kind]
	if !ok {
		return fmt.Errorf("unknown kind %q: use one of %s", kind, faultKinds())
	}
	var err error
	if fault.Share, err = strconv.ParseFloat(share, 64); err != nil || !(fault.Share > 0 && fault.Share <= 1) {
		return fmt.Errorf("want a share between 0 and 1, as in %s=0.05", kind)
	}
	*f = append(*f, fault)
	return nil
}
