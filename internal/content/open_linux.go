package content

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// openFile opens a file. It opens a named pipe without blocking and then waits for a
// writer: open(2) and read(2) do not end with the context, and would keep a thread until
// another process writes to the pipe.
func openFile(ctx context.Context, path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		return os.Open(path)
	}
	pipe, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = pipe.SetReadDeadline(time.Unix(1, 0)) }) // ends the wait
	defer stop()
	err = waitForWriter(pipe)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, pipe.Close())
	}
	return pipe, nil
}

// waitForWriter waits until a pipe has data or has ended. A read before there is a writer
// would return the end of the file.
func waitForWriter(pipe *os.File) error {
	conn, err := pipe.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = conn.Read(func(fd uintptr) (ready bool) {
		ready, failure = isReadable(int(fd))
		return ready || failure != nil
	})
	if failure != nil {
		return failure
	}
	return err
}

// isReadable reports whether a pipe has data, or had a writer that has gone.
func isReadable(fd int) (bool, error) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false, os.NewSyscallError("epoll_create1", err)
	}
	defer func() { _ = syscall.Close(poll) }() // nothing is lost
	if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN}); err != nil {
		return false, os.NewSyscallError("epoll_ctl", err)
	}
	for {
		n, err := syscall.EpollWait(poll, make([]syscall.EpollEvent, 1), 0)
		if err != syscall.EINTR {
			return n > 0, os.NewSyscallError("epoll_wait", err)
		}
	}
}
