// Command pod-helper is the only program in the image of the node's own pods. It does what
// its name says: `pause` holds a pod's namespaces open until it is told to stop; `sh` does the two
// things that local-path-provisioner's helper pod is asked for, without a shell.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	var err error
	switch name := filepath.Base(os.Args[0]); name {
	case "pause":
		pause()
	case "sh":
		err = volume(os.Args[1:])
	default:
		err = fmt.Errorf("unknown name %q; known are pause, sh", name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pod-helper:", err)
		os.Exit(1)
	}
}

// pause waits for a signal to stop and reaps what is left to it as the first process of a
// shared process namespace.
func pause() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	for {
		select {
		case <-stop:
			return
		case <-children:
			for {
				if pid, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 {
					break
				}
			}
		}
	}
}

// volume makes or removes a volume's folder. The arguments are those of
// local-path-provisioner: /script/setup or /script/teardown, -p PATH -s BYTES -m MODE.
func volume(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("no script named; known are /script/setup, /script/teardown")
	}
	flags := flag.NewFlagSet("volume", flag.ContinueOnError)
	path := flags.String("p", "", "folder of the volume")
	flags.String("s", "", "size in bytes (not enforced)")
	flags.String("m", "", "Filesystem or Block")
	flags.String("a", "", "action")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if !filepath.IsAbs(*path) || filepath.Clean(*path) == "/" {
		return fmt.Errorf("-p must be an absolute path below /, got %q", *path)
	}
	switch script := filepath.Base(args[0]); script {
	case "setup":
		if err := os.MkdirAll(*path, 0o777); err != nil {
			return err
		}
		return os.Chmod(*path, 0o777) // pods run as any user; the umask must not narrow it
	case "teardown":
		return os.RemoveAll(*path)
	default:
		return fmt.Errorf("unknown script %q; known are setup, teardown", script)
	}
}
