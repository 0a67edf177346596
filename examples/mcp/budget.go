package main

import (
	"fmt"
	"sync"
)

// budget limits the credits of a session.
type budget struct {
	limit int

	mu       sync.Mutex
	spent    int
	reserved int // for jobs that run
}

// reserve takes credits for a job that is about to begin. settle must follow.
func (b *budget) reserve(n int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if left := b.limit - b.spent - b.reserved; n > left {
		return fmt.Errorf("the budget of this session does not allow the job (credits: at least %d needed, %d of %d left, %d spent, "+
			"%d reserved for running jobs): ask the user to restart the server with a larger -budget",
			n, max(left, 0), b.limit, b.spent, b.reserved)
	}
	b.reserved += n
	return nil
}

// settle replaces what was reserved for a job by what it has cost.
func (b *budget) settle(reserved, cost int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reserved -= reserved
	b.spent += cost
}

// state returns the credits that are spent, and those that a new job may use.
func (b *budget) state() (spent, left int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent, max(b.limit-b.spent-b.reserved, 0)
}
