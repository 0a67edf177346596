//go:build unix

package engines

import (
	"os/exec"
	"syscall"
)

// isolate puts a program into a process group of its own, which ends as a
// whole when its context does. The function it returns kills what is left of
// the group.
func isolate(cmd *exec.Cmd) (kill func()) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	killGroup := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel = killGroup
	return func() { _ = killGroup() } // there may be nothing left
}
