package cloudconvert

import "sync"

// uploadMemory remembers the tasks that this process has sent a file to. The
// service goes on to report such a task as waiting for some seconds.
type uploadMemory struct {
	mu    sync.Mutex
	tasks map[string]bool
	order []string // the oldest first
}

// maxRemembered bounds the memory.
const maxRemembered = 4096

func (m *uploadMemory) add(taskID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tasks[taskID] {
		return
	}
	if m.tasks == nil {
		m.tasks = map[string]bool{}
	}
	if len(m.order) == maxRemembered {
		delete(m.tasks, m.order[0])
		m.order = m.order[1:]
	}
	m.tasks[taskID] = true
	m.order = append(m.order, taskID)
}

func (m *uploadMemory) has(taskID string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tasks[taskID]
}
