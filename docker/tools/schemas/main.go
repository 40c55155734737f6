// Command schemas turns the OpenAPI document of a Kubernetes release into one strict JSON schema per kind, in the
// layout that kubeconform looks for: <kind>-<group>-<version>.json. Strict means that a field which the API does not
// know is an error. Each file holds the definitions it needs, so nothing is looked up elsewhere.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

type schema = map[string]any

const refPrefix = "#/definitions/"

// The API accepts numbers for quantities; OpenAPI calls them strings.
const quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity"

type groupVersionKind struct{ Group, Version, Kind string }

func main() {
	log.SetFlags(0)
	document := flag.String("openapi", "", "OpenAPI v2 document (api/openapi-spec/swagger.json of a release)")
	out := flag.String("out", "", "folder for the schemas; created if absent")
	flag.Parse()
	if *document == "" || *out == "" {
		log.Fatal("schemas: -openapi and -out are required")
	}
	count, err := convert(*document, *out)
	if err != nil {
		log.Fatalf("schemas: %v", err)
	}
	fmt.Printf("%d schemas in %s\n", count, *out)
}

func convert(document, out string) (int, error) {
	text, err := os.ReadFile(document)
	if err != nil {
		return 0, err
	}
	var openapi struct {
		Definitions map[string]schema `json:"definitions"`
	}
	if err := json.Unmarshal(text, &openapi); err != nil {
		return 0, fmt.Errorf("%s: %w", document, err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return 0, err
	}
	kinds := map[string]groupVersionKind{}
	strict := map[string]schema{}
	for name, definition := range openapi.Definitions {
		if gvks := kindsOf(definition); len(gvks) == 1 {
			kinds[name] = gvks[0]
		}
		strict[name] = tighten(definition).(schema)
	}
	strict[quantity] = schema{"type": []string{"string", "number"}}
	for name, gvk := range kinds {
		content, err := json.Marshal(standalone(name, gvk, strict))
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(out, fileName(gvk)), content, 0o644); err != nil {
			return 0, err
		}
	}
	if len(kinds) == 0 {
		return 0, fmt.Errorf("%s: no definition names a kind", document)
	}
	return len(kinds), nil
}

func kindsOf(definition schema) []groupVersionKind {
	list, _ := definition["x-kubernetes-group-version-kind"].([]any)
	gvks := make([]groupVersionKind, 0, len(list))
	for _, item := range list {
		entry := item.(schema)
		gvks = append(gvks, groupVersionKind{entry["group"].(string), entry["version"].(string), entry["kind"].(string)})
	}
	return gvks
}

// tighten closes objects whose fields are listed, and drops what validation does not use.
func tighten(value any) any {
	switch value := value.(type) {
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			items[i] = tighten(item)
		}
		return items
	case schema:
		if value["format"] == "int-or-string" {
			return schema{"type": []string{"string", "integer"}}
		}
		result := schema{}
		for key, item := range value {
			if key == "properties" {
				properties := schema{}
				for field, fieldSchema := range item.(schema) {
					properties[field] = tighten(fieldSchema)
				}
				result[key] = properties
				result["additionalProperties"] = false
			} else if key != "description" && !strings.HasPrefix(key, "x-kubernetes-") {
				result[key] = tighten(item)
			}
		}
		return result
	default:
		return value
	}
}

// standalone is the schema of one kind with every definition that it reaches.
func standalone(name string, gvk groupVersionKind, definitions map[string]schema) schema {
	reached := map[string]schema{}
	collect(definitions[name], definitions, reached)
	root := schema{}
	for key, value := range definitions[name] {
		root[key] = value
	}
	properties := schema{}
	for field, value := range root["properties"].(schema) {
		properties[field] = value
	}
	apiVersion := gvk.Version
	if gvk.Group != "" {
		apiVersion = gvk.Group + "/" + gvk.Version
	}
	properties["apiVersion"] = schema{"type": "string", "enum": []string{apiVersion}}
	properties["kind"] = schema{"type": "string", "enum": []string{gvk.Kind}}
	root["properties"] = properties
	root["required"] = required(root)
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["definitions"] = reached
	return root
}

func required(root schema) []string {
	fields := map[string]bool{"apiVersion": true, "kind": true}
	list, _ := root["required"].([]any)
	for _, field := range list {
		fields[field.(string)] = true
	}
	names := make([]string, 0, len(fields))
	for field := range fields {
		names = append(names, field)
	}
	sort.Strings(names)
	return names
}

func collect(value any, definitions, reached map[string]schema) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			collect(item, definitions, reached)
		}
	case schema:
		if ref, ok := value["$ref"].(string); ok {
			name := strings.TrimPrefix(ref, refPrefix)
			if _, seen := reached[name]; !seen {
				reached[name] = definitions[name]
				collect(definitions[name], definitions, reached)
			}
			return
		}
		for _, item := range value {
			collect(item, definitions, reached)
		}
	}
}

// fileName follows kubeconform's template {{ .ResourceKind }}{{ .KindSuffix }}: of the group only the first label.
func fileName(gvk groupVersionKind) string {
	parts := []string{strings.ToLower(gvk.Kind)}
	if gvk.Group != "" {
		parts = append(parts, strings.Split(gvk.Group, ".")[0])
	}
	return strings.Join(append(parts, gvk.Version), "-") + ".json"
}
