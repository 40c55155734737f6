package main

import (
	"encoding/json"
	"fmt"
	"path"
)

const sourceRoot = "/src"

// serveCall answers the one function call that this process was started for.
func serveCall() error {
	data, err := query("{ currentFunctionCall { name parentName parent inputArgs { name value } } }", nil)
	if err != nil {
		return err
	}
	call := data["currentFunctionCall"].(object)
	result, err := answer(call)
	if err != nil {
		return returnError(err)
	}
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	_, err = query("query ($value: JSON!) { currentFunctionCall { returnValue(value: $value) } }", object{"value": string(text)})
	return err
}

func answer(call object) (any, error) {
	if at(call, "parentName") == "" {
		return declareModule()
	}
	var parent struct{ SDKSourceDir string }
	if text := at(call, "parent"); text != "" {
		if err := json.Unmarshal([]byte(text), &parent); err != nil {
			return nil, fmt.Errorf("parent of the call: %w", err)
		}
	}
	args, err := arguments(call)
	if err != nil {
		return nil, err
	}
	switch name := at(call, "name"); name {
	case "":
		return object{"sdkSourceDir": args["sdkSourceDir"]}, nil
	case "moduleRuntime":
		return moduleRuntime(parent.SDKSourceDir, args)
	case "codegen":
		return generatedCode(parent.SDKSourceDir, args)
	default:
		return nil, fmt.Errorf("%s has no function %q", moduleName, name)
	}
}

func arguments(call object) (map[string]string, error) {
	args := map[string]string{}
	list, _ := call["inputArgs"].([]any)
	for _, item := range list {
		var value string
		if err := json.Unmarshal([]byte(at(item, "value")), &value); err != nil {
			return nil, fmt.Errorf("argument %s: %w", at(item, "name"), err)
		}
		args[at(item, "name")] = value
	}
	return args, nil
}

func returnError(cause error) error {
	data, err := query("query ($message: String!) { error(message: $message) { id } }", object{"message": cause.Error()})
	if err != nil {
		return err
	}
	_, err = query("query ($id: ErrorID!) { currentFunctionCall { returnError(error: $id) } }", object{"id": at(data, "error.id")})
	if err != nil {
		return err
	}
	return cause
}

type moduleSource struct{ name, subpath, contextID string }

func loadSource(id string) (moduleSource, error) {
	data, err := query("query ($id: ModuleSourceID!) { source: loadModuleSourceFromID(id: $id) { moduleOriginalName sourceSubpath contextDirectory { id } } }", object{"id": id})
	if err != nil {
		return moduleSource{}, err
	}
	return moduleSource{at(data, "source.moduleOriginalName"), at(data, "source.sourceSubpath"), at(data, "source.contextDirectory.id")}, nil
}

// prepared is the SDK's root file system with the module's source and generated client, after one step of
// /sdk/prepare.mjs. The engine caches that step by its inputs, so an unchanged module is never prepared again.
const prepared = `
query ($sdk: DirectoryID!, $source: DirectoryID!, $schema: FileID!, $workdir: String!, $path: String!, $command: [String!]!) {
  container { withRootfs(directory: $sdk) { withMountedFile(path: "/schema.json", source: $schema) {
    withDirectory(path: "/src", source: $source) { withWorkdir(path: $workdir) {
      withEnvVariable(name: "PATH", value: $path) { withExec(args: $command) { withoutMount(path: "/schema.json") { id } } }
    } }
  } } }
}`

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// prepare runs one step of /sdk/prepare.mjs and returns the ID of the container.
func prepare(sdk string, source moduleSource, schema, step string) (string, error) {
	module := path.Join(sourceRoot, source.subpath)
	data, err := query(prepared, object{
		"sdk": sdk, "source": source.contextID, "schema": schema, "workdir": module, "path": searchPath,
		"command": []string{"node", "/sdk/prepare.mjs", step, module, source.name},
	})
	return at(data, "container.withRootfs.withMountedFile.withDirectory.withWorkdir.withEnvVariable.withExec.withoutMount.id"), err
}

func moduleRuntime(sdk string, args map[string]string) (any, error) {
	source, err := loadSource(args["modSource"])
	if err != nil {
		return nil, err
	}
	container, err := prepare(sdk, source, args["introspectionJson"], "runtime")
	if err != nil {
		return nil, err
	}
	return on("Container", container, "withEntrypoint(args: $value)", "[String!]!", []string{"node", "--enable-source-maps", "/module/entrypoint.mjs"})
}

func generatedCode(sdk string, args map[string]string) (any, error) {
	source, err := loadSource(args["modSource"])
	if err != nil {
		return nil, err
	}
	container, err := prepare(sdk, source, args["introspectionJson"], "client")
	if err != nil {
		return nil, err
	}
	code, err := on("Container", container, "directory(path: $value)", "String!", "/generated")
	if err != nil {
		return nil, err
	}
	data, err := query(`query ($code: DirectoryID!, $path: String!) { directory { withDirectory(path: $path, source: $code) { id } } }`,
		object{"code": code, "path": path.Join("/", source.subpath)})
	if err != nil {
		return nil, err
	}
	data, err = query(`query ($code: DirectoryID!, $generated: [String!]!, $ignored: [String!]!) {
  generatedCode(code: $code) { withVCSGeneratedPaths(paths: $generated) { withVCSIgnoredPaths(paths: $ignored) { id } } }
}`, object{"code": at(data, "directory.withDirectory.id"), "generated": []string{"sdk/**"}, "ignored": []string{"sdk", "node_modules"}})
	return at(data, "generatedCode.withVCSGeneratedPaths.withVCSIgnoredPaths.id"), err
}
