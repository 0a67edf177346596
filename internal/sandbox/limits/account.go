// Package limits has what limits the use of a server: the keys and their scopes, the rate
// of creations, the credits of the account and its parallel jobs.
package limits

import "sync"

// Account has the credits of the account, and counts the jobs that have not ended.
type Account struct {
	// Limited means that processing uses up the credits.
	Limited bool
	// Free means that processing costs nothing.
	Free bool
	// ParallelJobs is the largest number of jobs that have not ended, or 0.
	ParallelJobs int

	mu      sync.Mutex
	credits int
	jobs    int
}

// SetCredits sets the number of credits.
func (a *Account) SetCredits(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.credits = n
}

// Credits returns the number of credits.
func (a *Account) Credits() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.credits
}

// Afford reports whether there are credits left.
func (a *Account) Afford() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.Limited || a.credits > 0
}

// Charge subtracts a price from the credits and returns what was charged.
func (a *Account) Charge(price int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.Free {
		return 0
	}
	if a.Limited {
		a.credits = max(0, a.credits-price)
	}
	return price
}

// StartJob counts a job. It returns false if there are too many.
func (a *Account) StartJob() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ParallelJobs > 0 && a.jobs >= a.ParallelJobs {
		return false
	}
	a.jobs++
	return true
}

// EndJob counts the end of a job.
func (a *Account) EndJob() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.jobs--
}
