package main

const (
	moduleName = "typescript-sdk"
	objectName = "TypescriptSdk"
)

type argument struct {
	name, kind string
	optional   bool
}

type function struct {
	name, returns string
	args          []argument
}

// What the engine calls on a runtime module (core/sdk/module*.go of Dagger 0.19.10).
var (
	constructor = function{"", objectName, []argument{{"sdkSourceDir", "Directory", true}}}
	functions   = []function{
		{"moduleRuntime", "Container", []argument{{"modSource", "ModuleSource", false}, {"introspectionJson", "File", false}}},
		{"codegen", "GeneratedCode", []argument{{"modSource", "ModuleSource", false}, {"introspectionJson", "File", false}}},
	}
)

// declareModule registers the runtime module's types and returns the ID of the module.
func declareModule() (string, error) {
	main, err := objectType(objectName, false)
	if err != nil {
		return "", err
	}
	directory, err := objectType("Directory", true)
	if err != nil {
		return "", err
	}
	main, err = on("TypeDef", main, "withField(name: \"sdkSourceDir\", typeDef: $value)", "TypeDefID!", directory)
	if err != nil {
		return "", err
	}
	for _, f := range functions {
		id, err := declareFunction(f)
		if err != nil {
			return "", err
		}
		if main, err = on("TypeDef", main, "withFunction(function: $value)", "FunctionID!", id); err != nil {
			return "", err
		}
	}
	id, err := declareFunction(constructor)
	if err != nil {
		return "", err
	}
	if main, err = on("TypeDef", main, "withConstructor(function: $value)", "FunctionID!", id); err != nil {
		return "", err
	}
	data, err := query("query ($id: TypeDefID!) { module { withObject(object: $id) { id } } }", object{"id": main})
	return at(data, "module.withObject.id"), err
}

func declareFunction(f function) (string, error) {
	returns, err := objectType(f.returns, false)
	if err != nil {
		return "", err
	}
	data, err := query("query ($name: String!, $id: TypeDefID!) { function(name: $name, returnType: $id) { id } }", object{"name": f.name, "id": returns})
	if err != nil {
		return "", err
	}
	id := at(data, "function.id")
	for _, a := range f.args {
		kind, err := objectType(a.kind, a.optional)
		if err != nil {
			return "", err
		}
		if id, err = on("Function", id, "withArg(name: \""+a.name+"\", typeDef: $value)", "TypeDefID!", kind); err != nil {
			return "", err
		}
	}
	return id, nil
}

func objectType(name string, optional bool) (string, error) {
	data, err := query("query ($name: String!, $optional: Boolean!) { typeDef { withObject(name: $name) { withOptional(optional: $optional) { id } } } }", object{"name": name, "optional": optional})
	return at(data, "typeDef.withObject.withOptional.id"), err
}

// on calls one method with one argument named $value on the object with the given ID, and returns the new ID.
func on(kind, self, call, argumentType string, argument any) (string, error) {
	load := "load" + kind + "FromID"
	data, err := query("query ($self: "+kind+"ID!, $value: "+argumentType+") { "+load+"(id: $self) { result: "+call+" { id } } }", object{"self": self, "value": argument})
	return at(data, load+".result.id"), err
}
