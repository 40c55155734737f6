package images

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCanonicalName(t *testing.T) {
	cases := map[string]string{
		"backend:1":                   "docker.io/library/backend:1",
		"todo-chat/backend:1":         "docker.io/todo-chat/backend:1",
		"todo-chat/backend":           "docker.io/todo-chat/backend:latest",
		"registry:5000/backend:1":     "registry:5000/backend:1",
		"docker.io/library/backend:1": "docker.io/library/backend:1",
		"latest":                      "", // a tag alone names nothing
		"todo-chat/UPPER:1":           "",
	}
	for name, want := range cases {
		if got := CanonicalName(name); got != want {
			t.Errorf("CanonicalName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	if files, err := Find(filepath.Join(dir, "missing")); err != nil || len(files) != 0 {
		t.Errorf("missing folder: %v %v", files, err)
	}
	for _, name := range []string{"b.tar.zst", "a.tar", "c.tar.gz", ".hidden"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "a.tar"), filepath.Join(dir, "b.tar.zst"), filepath.Join(dir, "c.tar.gz")}
	if !slices.Equal(files, want) {
		t.Errorf("got %v, want %v", files, want)
	}
	if err := os.WriteFile(filepath.Join(dir, "image.rar"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(dir); err == nil || !strings.Contains(err.Error(), "image.rar") || !strings.Contains(err.Error(), ".tar.zst") {
		t.Errorf("an unknown kind: %v", err)
	}
}
