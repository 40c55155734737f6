package images

import (
	"context"
	"log"
	"os"
	"time"
)

// settleInterval is how long an archive must not have grown before it is read: writing one takes a while.
const settleInterval = time.Second

type stamp struct {
	size     int64
	modified time.Time
}

// watcher remembers which archives were loaded, and which look as they did when last seen.
type watcher struct {
	seen, loaded map[string]stamp
}

func newWatcher(loaded []string) watcher {
	w := watcher{seen: map[string]stamp{}, loaded: map[string]stamp{}}
	for _, file := range loaded {
		if now, err := stampOf(file); err == nil {
			w.loaded[file] = now
		}
	}
	return w
}

// settled gives the archives that are new or changed, and have not changed since the last call. Each is given once.
func (w watcher) settled(files []string) []string {
	var ready []string
	for _, file := range files {
		now, err := stampOf(file)
		if err != nil || w.loaded[file] == now {
			continue // removed in between, or known
		}
		if w.seen[file] == now {
			w.loaded[file] = now
			ready = append(ready, file)
		}
		w.seen[file] = now
	}
	return ready
}

func stampOf(file string) (stamp, error) {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.Size(), info.ModTime()}, nil
}

// Watch calls load for each archive that appears in the folder or changes, until the context ends. One that cannot
// be loaded is logged, and tried again when it changes. Removing a file removes no image.
// Source: https://docs.k3s.io/import-images (k3s does so since v1.32).
func Watch(ctx context.Context, dir string, loaded []string, load func(file string) error) {
	w := newWatcher(loaded)
	ticker := time.NewTicker(settleInterval)
	defer ticker.Stop()
	problem := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		files, err := Find(dir)
		if err != nil {
			if err.Error() != problem {
				problem = err.Error()
				log.Printf("images: %v", err)
			}
			continue
		}
		for _, file := range w.settled(files) {
			if err := load(file); err != nil {
				log.Printf("images: %v", err)
			}
		}
	}
}
