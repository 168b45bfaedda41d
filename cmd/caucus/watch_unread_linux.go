package main

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// untilUnread gives a context that ends as well when f is a pipe that nobody reads any more, as in a command
// line with "| head". A write would show it, but the next one may be long in coming.
func untilUnread(ctx context.Context, f *os.File) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() { // which ends with the process at the latest: nothing wakes it but the reader's end
		fds := []unix.PollFd{{Fd: int32(f.Fd())}}
		for {
			_, err := unix.Poll(fds, -1)
			switch {
			case errors.Is(err, unix.EINTR):
			case err == nil && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0:
				cancel()
				return
			default:
				return
			}
		}
	}()
	return ctx, cancel
}
