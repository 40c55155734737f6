// Package images loads image archives into containerd, as k3s does with agent/images.
package images

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/distribution/reference"
	"github.com/klauspost/compress/zstd"
)

// namespace is the one that the kubelet's images live in.
const namespace = "k8s.io"

var decompressors = []struct {
	suffix string
	open   func(io.Reader) (io.Reader, error)
}{
	{".tar", func(r io.Reader) (io.Reader, error) { return r, nil }},
	{".tar.gz", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{".tgz", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{".tar.zst", func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) }},
}

// Find lists the archives in a folder, sorted. A file of another kind is an error, since its image would
// silently be missing; hidden files and a missing folder are not.
func Find(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		file := filepath.Join(dir, entry.Name())
		if _, err := decompressor(file); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	sort.Strings(files)
	return files, nil
}

func decompressor(file string) (func(io.Reader) (io.Reader, error), error) {
	suffixes := make([]string, 0, len(decompressors))
	for _, each := range decompressors {
		if strings.HasSuffix(file, each.suffix) {
			return each.open, nil
		}
		suffixes = append(suffixes, each.suffix)
	}
	return nil, fmt.Errorf("%s: not an image archive; known are %s", file, strings.Join(suffixes, ", "))
}

// Load imports an archive (docker-archive or OCI) and unpacks its images. It returns their names.
func Load(ctx context.Context, client *containerd.Client, file string) ([]string, error) {
	names, err := load(namespaces.WithNamespace(ctx, namespace), client, file)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", file, err)
	}
	return names, nil
}

func load(ctx context.Context, client *containerd.Client, file string) ([]string, error) {
	open, err := decompressor(file)
	if err != nil {
		return nil, err
	}
	archive, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	reader, err := open(archive)
	if err != nil {
		return nil, err
	}
	imported, err := client.Import(ctx, reader,
		containerd.WithImageRefTranslator(CanonicalName),
	)
	if err != nil {
		return nil, err
	}
	if len(imported) == 0 {
		return nil, errors.New("no image in it has a name: give one by RepoTags (docker-archive) or by the annotation " +
			"io.containerd.image.name of the OCI index")
	}
	var names []string
	for _, each := range imported {
		if err := containerd.NewImage(client, each).Unpack(ctx, "overlayfs"); err != nil {
			return nil, fmt.Errorf("unpack %s: %w", each.Name, err)
		}
		names = append(names, each.Name)
	}
	return names, nil
}

// CanonicalName gives the full form of an image's name, as the kubelet asks for it: backend:1 is
// docker.io/library/backend:1. A bare tag, which the OCI annotation also allows, is no name: "".
func CanonicalName(name string) string {
	if !strings.ContainsAny(name, "/:@") {
		return ""
	}
	named, err := reference.ParseDockerRef(name)
	if err != nil {
		return ""
	}
	return named.String()
}
