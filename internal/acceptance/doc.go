// Package acceptance tests package cloudconvert from outside, as a program uses it. It has only tests. Tests of a single
// file of the package stand beside that file; these are about all calls, need long, or measure:
//
//   - faults*_test.go: what each call does with each fault, compared with docs/faults.md
//   - context_end_test.go, security_test.go, limit_window_test.go, imports_test.go: promises of the whole package
//   - generations_test.go: responses as the API sent them in earlier years
//   - integration_test.go: one suite for the sandbox and for the hosted service
//   - *_memory_test.go: memory that does not grow with what is transferred or decoded
//   - *bench_test.go, peak_linux_test.go: benchmarks, side by side with plain net/http
//
// One part of it:
//
//	go test ./internal/acceptance -run TestFaults
//	go test ./internal/acceptance -run TestFaults -update
//	go test -run '^$' -bench BenchmarkDecode ./internal/acceptance
//
// The flag -update writes what the tests see to docs/faults.md.
package acceptance
