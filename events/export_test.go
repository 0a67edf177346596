package events

// Channels returns how many channels the client keeps.
func (c *Client) Channels() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.channels)
}

// WithBuffer sets how many events a subscription keeps.
func WithBuffer(size int) Option {
	return func(c *config) error {
		c.buffer = size
		return nil
	}
}
