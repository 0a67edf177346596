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

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// rateFlag is a limit such as 10/1m.
type rateFlag struct {
	limit  int
	window time.Duration
}

// String returns "": there is no limit by default.
func (r *rateFlag) String() string { return "" }

// Set takes a limit.
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

// sumsFlag collects MD5 sums.
type sumsFlag []string

// String returns "": every file is allowed by default.
func (s *sumsFlag) String() string { return "" }

// Set takes sums with commas between them.
func (s *sumsFlag) Set(text string) error {
	for sum := range strings.SplitSeq(text, ",") {
		sum = strings.TrimSpace(sum)
		if b, err := hex.DecodeString(sum); err != nil || len(b) != 16 {
			return fmt.Errorf("%q is no MD5: want 32 hexadecimal digits", sum)
		}
		*s = append(*s, sum)
	}
	return nil
}

// urlsFlag collects addresses and the files that answer for them.
type urlsFlag map[string]string

// String returns "": there are none by default.
func (u urlsFlag) String() string { return "" }

// Set takes one address. It may have an = itself; a file may not.
func (u urlsFlag) Set(text string) error {
	i := strings.LastIndex(text, "=")
	if i < 0 {
		return errors.New("want address=file")
	}
	address, file := text[:i], text[i+1:]
	if parsed, err := url.Parse(address); err != nil || parsed.Host == "" {
		return fmt.Errorf("%q is not an address: want the form https://host/path", address)
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file", file)
	}
	u[address] = file
	return nil
}

// kinds of faults, by the name they have on the command line.
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

// String returns "": nothing goes wrong by default.
func (f *faultsFlag) String() string { return "" }

// Set takes one fault.
func (f *faultsFlag) Set(text string) error {
	kind, share, _ := strings.Cut(text, "=")
	fault, ok := kinds[kind]
	if !ok {
		return fmt.Errorf("there is no kind %q, only %s", kind, faultKinds())
	}
	var err error
	if fault.Share, err = strconv.ParseFloat(share, 64); err != nil || !(fault.Share > 0 && fault.Share <= 1) {
		return fmt.Errorf("want a share between 0 and 1, as in %s=0.05", kind)
	}
	*f = append(*f, fault)
	return nil
}
