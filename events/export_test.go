package events

// Channels returns how many channels the client keeps.
func (c *Client) Channels() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.channels)
}
