//go:build race

package main

// The race detector makes the test with many objects five times as slow, and its own
// memory hides that of the command.
const raceDetector = true
