//go:build unix

package engines

import (
	"os/exec"
	"syscall"
)

// isolate puts a program into a separate process group, which is killed as a whole when
// its context ends. The returned function kills what is left of the group.
func isolate(cmd *exec.Cmd) (kill func()) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	killGroup := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel = killGroup
	return func() { _ = killGroup() } // the group may have ended
}
