package manifests

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	objects, err := Parse([]byte(`# a comment alone is no object
---
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
---
{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "two"}}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, object := range objects {
		names = append(names, object.GetKind()+"/"+object.GetName())
	}
	if got := strings.Join(names, " "); got != "ConfigMap/one Secret/two" {
		t.Errorf("got %s", got)
	}
}

func TestParseNamesTheBadDocument(t *testing.T) {
	_, err := Parse([]byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nname: b\n"))
	if err == nil || !strings.Contains(err.Error(), "document 2") {
		t.Errorf("got %v", err)
	}
}
