package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// envFileMark is the first line of a file of variables.
const envFileMark = "# written by sandbox\n"

// announce prints how to use the server, and writes the file of variables if there is to
// be one.
func announce(s settings, server *cloudconverttest.Server, stdout io.Writer) error {
	signedBase, signedSecret := server.SignedURLBase()
	clientID, clientSecret := server.OAuthClient()
	authorizeURL, tokenURL := server.OAuthURLs()
	variables := []string{
		"CLOUDCONVERT_API_KEY=" + cmp.Or(s.key, server.Key()),
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
			return errors.Join(err, removeOwn(s.envFile, server.URL))
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
	_, err = f.WriteString(envFileMark + strings.Join(variables, "\n") + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path)
}

// removeStale removes the file of a sandbox that has ended. It refuses any other file.
func removeStale(path string) error {
	content, err := readEnvFile(path)
	if err != nil || content == "" {
		return err
	}
	if !strings.HasPrefix(content, envFileMark) {
		return fmt.Errorf("%s exists and was not written by a sandbox: use another file with -env-file", path)
	}
	return os.Remove(path)
}

// removeOwn removes the file of this sandbox, and not that of another one that uses the
// same file.
func removeOwn(path, apiURL string) error {
	content, err := readEnvFile(path)
	if err != nil || !strings.Contains(content, "="+apiURL+"\n") {
		return err
	}
	return os.Remove(path)
}

// readEnvFile returns "" if there is no file.
func readEnvFile(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(content), err
}
