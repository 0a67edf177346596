// Package testkit has what the tests of several packages share: a sandbox that
// converts texts, scripted APIs, files, and a simulated network. Only tests may
// import it.
package testkit
