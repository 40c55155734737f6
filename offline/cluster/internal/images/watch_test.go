package images

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestSettled(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	known, added := write("known.tar", "x"), filepath.Join(dir, "added.tar")
	w := newWatcher([]string{known})
	expect := func(when string, want ...string) {
		t.Helper()
		if got := w.settled([]string{known, added}); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}

	expect("what was loaded at the start")
	write("added.tar", "half")
	expect("while it is written")
	write("added.tar", "the whole archive")
	expect("just after it was written")
	expect("when it has settled", added)
	expect("once loaded")
	write("known.tar", "another image")
	expect("just after a known one was changed")
	expect("when the changed one has settled", known)
}
