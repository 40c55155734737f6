// Package manifests applies YAML to the cluster by server-side apply.
package manifests

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

const (
	fieldManager = "offline-node"
	// pollInterval is how soon a new file in the manifests folder is seen.
	pollInterval = 5 * time.Second
)

// Applier applies objects of any kind that the cluster serves.
type Applier struct {
	client dynamic.Interface
	mapper *restmapper.DeferredDiscoveryRESTMapper
}

// New makes an Applier for the cluster of a client configuration.
func New(config *rest.Config) (*Applier, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	discoverer, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Applier{client: client, mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discoverer))}, nil
}

// Parse reads the objects of a YAML or JSON text; empty documents are skipped, lists are opened.
func Parse(text []byte) ([]*unstructured.Unstructured, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	var objects []*unstructured.Unstructured
	for number := 1; ; number++ {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
		if len(object.Object) == 0 {
			continue
		}
		if object.GetKind() == "" || object.GetAPIVersion() == "" {
			return nil, fmt.Errorf("document %d: no kind or apiVersion", number)
		}
		if !object.IsList() {
			objects = append(objects, object)
			continue
		}
		if err := object.EachListItem(func(item runtime.Object) error {
			objects = append(objects, item.(*unstructured.Unstructured))
			return nil
		}); err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
	}
}

// Apply applies each object of a text. Objects after a failed one are still tried.
func (a *Applier) Apply(ctx context.Context, text []byte) error {
	objects, err := Parse(text)
	if err != nil {
		return err
	}
	var failures []error
	for _, object := range objects {
		if err := a.applyOne(ctx, object); err != nil {
			failures = append(failures, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err))
		}
	}
	return errors.Join(failures...)
}

func (a *Applier) applyOne(ctx context.Context, object *unstructured.Unstructured) error {
	kind := object.GroupVersionKind()
	mapping, err := a.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		a.mapper.Reset() // its definition may just have been applied
		mapping, err = a.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	}
	if err != nil {
		return err
	}
	var resource dynamic.ResourceInterface = a.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		namespace := object.GetNamespace()
		if namespace == "" {
			namespace = metav1.NamespaceDefault
		}
		resource = a.client.Resource(mapping.Resource).Namespace(namespace)
	}
	_, err = resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	return err
}

// Watch applies the folder's YAML and JSON files, and each again when it changes, until the context ends. A
// file that fails is tried again; its error is logged when it changes. Removing a file removes nothing.
func (a *Applier) Watch(ctx context.Context, dir string) {
	applied := map[string][sha256.Size]byte{}
	reported := map[string]string{}
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		for _, file := range files(dir) {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // removed in between
			}
			sum := sha256.Sum256(text)
			if applied[file] == sum {
				continue
			}
			if err := a.Apply(ctx, text); err != nil {
				if message := err.Error(); reported[file] != message {
					reported[file] = message
					log.Printf("manifest %s: %v", file, err)
				}
				continue
			}
			applied[file] = sum
			delete(reported, file)
			log.Printf("manifest %s: applied", file)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func files(dir string) []string {
	var found []string
	_ = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		switch strings.ToLower(filepath.Ext(path)) {
		case ".yaml", ".yml", ".json":
			found = append(found, path)
		}
		return nil
	})
	sort.Strings(found)
	return found
}
