//go:build cgo

package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const (
	startTime = time.Minute
	stopTime  = 40 * time.Second // above what a server lets running requests have
)

// process is a server of this program, in a process of its own.
type process struct {
	command *exec.Cmd
	log     string
	address string
	ended   chan struct{}
	err     error // of its end; to be read when ended is closed
}

// program is this very program, under the name that it was called by.
func program(ctx context.Context, environment []string, arguments ...string) (*exec.Cmd, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, path, arguments...)
	command.Args[0], command.Env = os.Args[0], environment
	return command, nil
}

// run runs a command to its end and returns what it prints.
func run(ctx context.Context, environment []string, arguments ...string) (string, error) {
	command, err := program(ctx, environment, arguments...)
	if err != nil {
		return "", err
	}
	var told, complained bytes.Buffer
	command.Stdout, command.Stderr = &told, &complained
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("keyferry %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(complained.String()))
	}
	return told.String(), nil
}

// start starts a server whose log is appended to a file, and waits until it serves.
func start(ctx context.Context, log string, environment []string, arguments ...string) (*process, error) {
	command, err := program(ctx, environment, arguments...)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	before, err := file.Stat()
	if err != nil {
		return nil, err
	}
	command.Stderr = file
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command: command, log: log, ended: make(chan struct{})}
	go func() {
		p.err = command.Wait()
		close(p.ended)
	}()
	if err := p.await(ctx, before.Size()); err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return p, nil
}

// serving is the line by which a server says that it serves.
var serving = regexp.MustCompile(`(?m)^.* msg=serving address=(\S+).*$`)

// await reads the log behind what was there before.
func (p *process) await(ctx context.Context, before int64) error {
	deadline := time.After(startTime)
	for {
		text, err := os.ReadFile(p.log)
		if err != nil {
			return err
		}
		if found := serving.FindSubmatch(text[before:]); found != nil {
			p.address = string(found[1])
			return nil
		}
		select {
		case <-p.ended:
			if text, err = os.ReadFile(p.log); err != nil { // it may have said why since
				return err
			}
			return fmt.Errorf("it ended at once: %s", bytes.TrimSpace(text[before:]))
		case <-deadline:
			return fmt.Errorf("it does not serve within %v: %s", startTime, bytes.TrimSpace(text[before:]))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends it in order.
func (p *process) stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return p.err
	case <-time.After(stopTime):
		return errors.Join(fmt.Errorf("a process did not end within %v", stopTime), p.kill())
	}
}

// kill ends it at once. That it was killed is no error.
func (p *process) kill() error {
	if err := p.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}
