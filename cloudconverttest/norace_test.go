//go:build !race

package cloudconverttest

const raceEnabled = false
