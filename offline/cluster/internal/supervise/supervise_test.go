package supervise

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func shell(name, script string) Component {
	return Component{Name: name, Path: "/bin/sh", Args: []string{"-c", script}}
}

func TestADeathIsToldWithItsLastWords(t *testing.T) {
	group := NewGroup(t.TempDir(), os.Environ())
	if err := group.Start(shell("broken", "echo no room; exit 3")); err != nil {
		t.Fatal(err)
	}
	<-group.Dead()
	message := group.Death().Error()
	for _, part := range []string{"broken ended", "exit status 3", "no room", "broken.log"} {
		if !strings.Contains(message, part) {
			t.Errorf("%q is not in %q", part, message)
		}
	}
}

func TestAWaitEndsWithADeath(t *testing.T) {
	group := NewGroup(t.TempDir(), os.Environ())
	if err := group.Start(shell("broken", "exit 1")); err != nil {
		t.Fatal(err)
	}
	err := group.Until(context.Background(), "it", time.Minute, time.Millisecond, func(context.Context) error { return errors.New("not yet") })
	var death *Death
	if !errors.As(err, &death) {
		t.Errorf("got %v", err)
	}
}

func TestAWaitIsBoundedAndSaysWhatItWaitedFor(t *testing.T) {
	group := NewGroup(t.TempDir(), nil)
	err := group.Until(context.Background(), "API server", 20*time.Millisecond, time.Millisecond, func(context.Context) error { return errors.New("refused") })
	if err == nil || !strings.Contains(err.Error(), "API server") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
}

func TestStopIsInReverseOrderAndNoDeath(t *testing.T) {
	dir := t.TempDir()
	group := NewGroup(dir, append(os.Environ(), "ORDER="+filepath.Join(dir, "order")))
	for _, name := range []string{"first", "second"} {
		script := `trap 'echo ` + name + ` >> "$ORDER"; exit 0' TERM; touch "$ORDER.` + name + `"; while :; do sleep 0.01; done`
		if err := group.Start(shell(name, script)); err != nil {
			t.Fatal(err)
		}
		waitForFile(t, filepath.Join(dir, "order."+name))
	}
	group.Stop(10 * time.Second)
	order, err := os.ReadFile(filepath.Join(dir, "order"))
	if err != nil || string(order) != "second\nfirst\n" {
		t.Errorf("order %q, %v", order, err)
	}
	select {
	case <-group.Dead():
		t.Errorf("a stop was taken for a death: %v", group.Death())
	default:
	}
	if err := group.Start(shell("third", "exit 0")); err == nil {
		t.Error("a component started while stopping")
	}
}

func waitForFile(t *testing.T, file string) {
	t.Helper()
	for range 1000 {
		if _, err := os.Stat(file); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s did not appear", file)
}
