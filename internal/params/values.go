package params

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// checkValues returns an error for each parameter whose value is certainly wrong. The
// service would reject it only when the task runs, after other tasks have been charged.
// Errors do not contain the values of credentials.
func checkValues(operation string, params map[string]any) (problems []error) {
	if strings.HasPrefix(operation, "import/") || strings.HasPrefix(operation, "export/") {
		for _, credential := range credentialChecks {
			if value := Text(params[credential.name]); value != "" {
				if err := credential.check(value); err != nil {
					problems = append(problems, fmt.Errorf("parameter %q %w", credential.name, err))
				}
			}
		}
	}
	headers, _ := params["headers"].(map[string]string)
	for _, name := range SortedKeys(headers) {
		if !IsHeaderName(name) || !IsHeaderValue(headers[name]) {
			problems = append(problems, fmt.Errorf("parameter %q: the header %q has an invalid name or a control character in its value", "headers", name))
		}
	}
	return problems
}

var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// IsHeaderName reports whether a name is a valid name of a header.
func IsHeaderName(name string) bool { return headerName.MatchString(name) }

// IsHeaderValue reports whether a value is a valid value of a header.
func IsHeaderValue(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// credentialChecks are the checks of parameters that hold credentials. A check returns
// why a value cannot work.
var credentialChecks = []struct {
	name  string
	check func(string) error
}{
	{"access_key_id", checkNoSpace},
	{"client_email", checkClientEmail},
	{"private_key", checkPrivateKey},
	{"sas_token", checkNoSpace},
	{"secret_access_key", checkNoSpace},
	{"session_token", checkNoSpace},
	{"storage_access_key", checkBase64Key},
}

func checkNoSpace(value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return errors.New("contains white space: pass the key alone, without a line break at its end")
	}
	return nil
}

func checkBase64Key(value string) error {
	if err := checkNoSpace(value); err != nil {
		return err
	}
	if _, err := base64.StdEncoding.DecodeString(value); err != nil {
		return errors.New("is not base64: copy the whole key")
	}
	return nil
}

func checkPrivateKey(value string) error {
	block, _ := pem.Decode([]byte(value))
	if block == nil {
		return errors.New(`is not PEM: pass the whole text from "-----BEGIN" on, with its line breaks`)
	}
	if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return errors.New("is PEM, but not of a private key")
	}
	return nil
}

func checkClientEmail(value string) error {
	if !strings.Contains(value, "@") {
		return errors.New("is not an email address")
	}
	return nil
}
