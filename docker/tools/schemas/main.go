// Command schemas turns the OpenAPI document of a Kubernetes release, and files of custom resource definitions, into one
// strict JSON schema per kind, in the layout that kubeconform looks for: <kind>-<group>-<version>.json. Strict means that
// a field which the API does not know is an error. Each file holds the definitions it needs, so nothing is looked up
// elsewhere.
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

	"sigs.k8s.io/yaml"
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
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: schemas -openapi FILE -out FOLDER [custom resource definition file...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *document == "" || *out == "" {
		log.Fatal("schemas: -openapi and -out are required")
	}
	count, err := convert(*document, *out)
	if err != nil {
		log.Fatalf("schemas: %v", err)
	}
	for _, file := range flag.Args() {
		versions, err := convertCustomResource(file, *out)
		if err != nil {
			log.Fatalf("schemas: %s: %v", file, err)
		}
		count += versions
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
		if err := write(out, gvk, standalone(name, gvk, strict)); err != nil {
			return 0, err
		}
	}
	if len(kinds) == 0 {
		return 0, fmt.Errorf("%s: no definition names a kind", document)
	}
	return len(kinds), nil
}

// convertCustomResource writes a schema per served version of one custom resource definition.
func convertCustomResource(file, out string) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	var definition struct {
		Spec struct {
			Group string
			Names struct{ Kind string }
			// Fields by the names of apiextensions.k8s.io/v1.
			Versions []struct {
				Name   string
				Served bool
				Schema struct {
					OpenAPIV3Schema schema `json:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &definition); err != nil {
		return 0, err
	}
	count := 0
	for _, version := range definition.Spec.Versions {
		if !version.Served {
			continue
		}
		gvk := groupVersionKind{definition.Spec.Group, version.Name, definition.Spec.Names.Kind}
		if err := write(out, gvk, rooted(tighten(version.Schema.OpenAPIV3Schema).(schema), gvk)); err != nil {
			return 0, err
		}
		count++
	}
	if count == 0 {
		return 0, fmt.Errorf("no served version")
	}
	return count, nil
}

func write(out string, gvk groupVersionKind, content schema) error {
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, fileName(gvk)), text, 0o644)
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
	root := rooted(definitions[name], gvk)
	root["definitions"] = reached
	return root
}

// rooted is a copy of a definition that accepts only objects that say what they are.
func rooted(definition schema, gvk groupVersionKind) schema {
	root := schema{}
	for key, value := range definition {
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
