package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

const document = `{"definitions": {
  "v1.Thing": {
    "type": "object", "description": "dropped",
    "properties": {
      "apiVersion": {"type": "string"}, "kind": {"type": "string"},
      "spec": {"$ref": "#/definitions/v1.ThingSpec"}
    },
    "x-kubernetes-group-version-kind": [{"group": "things.example.org", "version": "v1", "kind": "Thing"}]
  },
  "v1.ThingSpec": {"type": "object", "required": ["size"], "properties": {
    "size": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"},
    "port": {"type": "string", "format": "int-or-string"},
    "child": {"$ref": "#/definitions/v1.ThingSpec"},
    "properties": {"type": "object", "additionalProperties": {"type": "string"}}
  }},
  "v1.Unused": {"type": "object", "properties": {}},
  "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "string"}
}}`

func converted(t *testing.T) schema {
	t.Helper()
	folder := t.TempDir()
	input := filepath.Join(folder, "swagger.json")
	if err := os.WriteFile(input, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	if count, err := convert(input, folder); err != nil || count != 1 {
		t.Fatalf("convert: %d schemas, %v", count, err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "thing-things-v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	var result schema
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	return result
}

func TestKindIsClosedAndNamed(t *testing.T) {
	result := converted(t)
	if result["additionalProperties"] != false {
		t.Error("unknown fields are allowed")
	}
	if _, kept := result["description"]; kept {
		t.Error("the description was kept")
	}
	version := result["properties"].(schema)["apiVersion"].(schema)["enum"].([]any)
	if version[0] != "things.example.org/v1" {
		t.Errorf("apiVersion is %v", version)
	}
}

func TestOnlyReachedDefinitionsAreInside(t *testing.T) {
	definitions := converted(t)["definitions"].(schema)
	if len(definitions) != 2 {
		t.Errorf("%d definitions, expected ThingSpec and Quantity", len(definitions))
	}
	spec := definitions["v1.ThingSpec"].(schema)
	if spec["additionalProperties"] != false {
		t.Error("unknown fields are allowed in a definition")
	}
	properties := spec["properties"].(schema)
	if types := properties["port"].(schema)["type"].([]any); len(types) != 2 {
		t.Errorf("int-or-string became %v", types)
	}
	if _, open := properties["properties"].(schema)["additionalProperties"].(schema); !open {
		t.Error("a field called properties was taken for the keyword")
	}
}

func TestDocumentWithoutKindsIsRefused(t *testing.T) {
	input := filepath.Join(t.TempDir(), "swagger.json")
	if err := os.WriteFile(input, []byte(`{"definitions": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := convert(input, t.TempDir()); err == nil {
		t.Error("no error")
	}
}

func TestCustomResource(t *testing.T) {
	folder := t.TempDir()
	input := filepath.Join(folder, "crd.yaml")
	definition := `
spec:
  group: gateway.example.org
  names: {kind: Route}
  versions:
    - {name: v1, served: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {host: {type: string}}}}}}}
    - {name: v1alpha1, served: false, schema: {openAPIV3Schema: {type: object, properties: {}}}}
`
	if err := os.WriteFile(input, []byte(definition), 0o600); err != nil {
		t.Fatal(err)
	}
	if count, err := convertCustomResource(input, folder); err != nil || count != 1 {
		t.Fatalf("convertCustomResource: %d schemas, %v", count, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "route-gateway-v1.json")); err != nil {
		t.Error(err)
	}
}
