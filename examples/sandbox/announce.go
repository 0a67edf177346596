package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// keyVariable comes first, also in the file.
const keyVariable = "CLOUDCONVERT_API_KEY"

// announce prints how to use the server, and writes the file of variables if there is to
// be one.
func announce(s settings, server *cloudconverttest.Server, stdout io.Writer) error {
	signedBase, signedSecret := server.SignedURLBase()
	clientID, clientSecret := server.OAuthClient()
	authorizeURL, tokenURL := server.OAuthURLs()
	variables := []string{
		keyVariable + "=" + cmp.Or(s.key, server.Key()),
		"CLOUDCONVERT_API_URL=" + server.URL,
		"CLOUDCONVERT_SYNC_URL=" + server.SyncURL,
		"CLOUDCONVERT_EVENTS_URL=" + server.EventsURL,
		"CLOUDCONVERT_SIGNED_URL_BASE=" + signedBase,
		"CLOUDCONVERT_SIGNED_URL_SECRET=" + signedSecret,
		"CLOUDCONVERT_OAUTH_CLIENT_ID=" + clientID,
		"CLOUDCONVERT_OAUTH_CLIENT_SECRET=" + clientSecret,
		"CLOUDCONVERT_OAUTH_AUTHORIZE_URL=" + authorizeURL,
		"CLOUDCONVERT_OAUTH_TOKEN_URL=" + tokenURL,
	}
	if err := writeEnvFile(s.envFile, variables); err != nil {
		return err
	}
	for _, variable := range variables {
		if _, err := fmt.Fprintln(stdout, "export", variable); err != nil {
			return errors.Join(err, removeStale(s.envFile))
		}
	}
	return nil
}

// writeEnvFile writes variables to a file, which appears as a whole and is readable only
// for the current user.
func writeEnvFile(path string, variables []string) error {
	if path == "" {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".sandbox-*")
	if err != nil {
		return err
	}
	for _, variable := range variables {
		_, writeErr := fmt.Fprintln(f, variable)
		err = errors.Join(err, writeErr)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path)
}

// removeStale removes the file of a server that has ended. It refuses any other file.
func removeStale(path string) error {
	if path == "" {
		return nil
	}
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !bytes.HasPrefix(content, []byte(keyVariable+"=")):
		return fmt.Errorf("%s exists and is not a file of a sandbox: use another one with -env-file", path)
	}
	return os.Remove(path)
}
