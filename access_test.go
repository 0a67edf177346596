package cloudconvert_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cloudconvert/cloudconvert-go"
)

// Programs cannot name internal types.
func TestClientMethodsUseNoInternalTypes(t *testing.T) {
	t.Parallel()
	client := reflect.TypeFor[*cloudconvert.Client]()
	for method := range client.Methods() {
		var types []reflect.Type
		for in := range method.Type.Ins() {
			types = append(types, in)
		}
		for out := range method.Type.Outs() {
			types = append(types, out)
		}
		for _, used := range types {
			if used.Kind() == reflect.Pointer {
				used = used.Elem()
			}
			assert.NotContains(t, used.PkgPath(), "/internal/", method.Name)
		}
	}
}
