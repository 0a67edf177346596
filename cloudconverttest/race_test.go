//go:build race

package cloudconverttest

const raceEnabled = true
