package events

// Rooms counts the channels that are remembered.
func (c *Client) Rooms() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.rooms)
}
