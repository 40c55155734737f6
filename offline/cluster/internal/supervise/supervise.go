// Package supervise runs the node's components as processes: one log file each, and the death of one
// is the death of the node, as in k3s, where they are one process.
package supervise

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// lastLines is how much of a dead component's log is shown.
const lastLines = 20

// Component is one process to run.
type Component struct {
	Name string   // argv[0], and the name of the log file
	Path string   // program
	Args []string // after argv[0]
	Env  []string // beside the node's own environment
}

// Death tells which component ended, how, and what it said last.
type Death struct {
	Component string
	State     string // as of os.ProcessState
	After     time.Duration
	LogFile   string
	Tail      string
}

func (d *Death) Error() string {
	return fmt.Sprintf("%s ended after %s (%s); the end of %s:\n%s",
		d.Component, d.After.Round(time.Millisecond), d.State, d.LogFile, d.Tail)
}

// Group is the components that run. Components are stopped in the reverse order of their start.
type Group struct {
	logDir string
	env    []string

	mutex    sync.Mutex
	running  []*process
	stopping bool
	death    *Death
	dead     chan struct{} // closed at the first death
}

type process struct {
	component Component
	command   *exec.Cmd
	done      chan struct{}
}

// NewGroup logs into logDir and gives every component the environment env.
func NewGroup(logDir string, env []string) *Group {
	return &Group{logDir: logDir, env: env, dead: make(chan struct{})}
}

// Dead is closed when a component has ended without being told to.
func (g *Group) Dead() <-chan struct{} { return g.dead }

// Death is the first such component, for use after Dead.
func (g *Group) Death() error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.death
}

// Start runs a component.
func (g *Group) Start(component Component) error {
	logFile := filepath.Join(g.logDir, component.Name+".log")
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own
	command := &exec.Cmd{
		Path:   component.Path,
		Args:   append([]string{component.Name}, component.Args...),
		Env:    append(append([]string{}, g.env...), component.Env...),
		Stdout: log,
		Stderr: log,
		// A signal to the terminal's process group must not reach them before the node decides the order.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.stopping {
		return fmt.Errorf("%s: the node is stopping", component.Name)
	}
	begun := time.Now()
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", component.Name, err)
	}
	started := &process{component: component, command: command, done: make(chan struct{})}
	g.running = append(g.running, started)
	go func() {
		_ = command.Wait() // its result is in ProcessState
		close(started.done)
		g.mutex.Lock()
		defer g.mutex.Unlock()
		if g.stopping || g.death != nil {
			return
		}
		g.death = &Death{
			Component: component.Name, State: command.ProcessState.String(),
			After: time.Since(begun), LogFile: logFile, Tail: tail(logFile, lastLines),
		}
		close(g.dead)
	}()
	return nil
}

// Stop ends all components, the last one started first, each within limit.
func (g *Group) Stop(limit time.Duration) {
	g.mutex.Lock()
	g.stopping = true
	running := g.running
	g.mutex.Unlock()
	for index := len(running) - 1; index >= 0; index-- {
		each := running[index]
		_ = each.command.Process.Signal(syscall.SIGTERM) // it may have ended already
		select {
		case <-each.done:
		case <-time.After(limit):
			_ = each.command.Process.Kill()
			<-each.done
		}
	}
}

// Until calls check every interval until it succeeds. It ends with the context, with a
// component's death, or after limit with check's last error.
func (g *Group) Until(ctx context.Context, what string, limit, interval time.Duration, check func(context.Context) error) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var last error
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		last = check(attempt)
		cancel()
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-g.dead:
			return g.Death()
		case <-deadline.C:
			return fmt.Errorf("%s: not there after %s: %w", what, limit, last)
		case <-ticker.C:
		}
	}
}

func tail(file string, lines int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return "  " + strings.Join(all, "\n  ")
}
