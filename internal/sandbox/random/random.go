// Package random returns random ids and secrets.
package random

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

const secretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// ID returns a random UUID of version 4.
func ID() string {
	b := Bytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Secret returns n random letters and digits.
func Secret(n int) string {
	b := Bytes(n)
	for i := range b {
		b[i] = secretAlphabet[int(b[i])%len(secretAlphabet)]
	}
	return string(b)
}

// Hex returns 2n hexadecimal digits.
func Hex(n int) string { return hex.EncodeToString(Bytes(n)) }

// Bytes returns n random bytes.
func Bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // rand.Read returns no error
	return b
}
