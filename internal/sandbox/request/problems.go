package request

// Problems are validation errors by field. They are an error unless they are empty.
type Problems map[string][]string //nolint:errname // an error only if there are any

// Error returns the message of the service for invalid requests.
func (p Problems) Error() string { return "The given data was invalid." }

// Err returns nil if there are no problems.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// Invalid returns the validation error of a field.
func Invalid(field, message string) error { return Problems{field: {message}} }

// Add adds a problem of a field.
func (p Problems) Add(field, message string) { p[field] = append(p[field], message) }

// Required adds the problem of a missing field.
func (p Problems) Required(field string) { p.Add(field, "The "+field+" field is required.") }
