// Command shim is everything that the engine runs in the two builtin SDK images of the embedded engine.
//
// The engine loads the TypeScript SDK as a Dagger module written in Go, which it first compiles with its Go SDK: an
// image of several hundred megabytes whose only use here would be to build one known program. This shim is that
// program, compiled beforehand, and also the tools that the engine calls to compile it:
//
//	codegen generate-typedefs --output FILE   declare the module's types, write the module's ID as JSON
//	codegen generate-module                   nothing: there is no code to generate
//	go build … -o FILE .                      copy this executable to FILE
//	git config …                              nothing: no repository is read in the image
//	runtime                                   answer the engine's current function call
//
// Source of the interface: core/sdk/go_sdk.go of Dagger 0.19.10. A module with "sdk": "go" is refused with a message.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	if err := run(filepath.Base(os.Args[0]), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(name string, args []string) error {
	switch name {
	case "codegen":
		return codegen(args)
	case "go":
		return goBuild(args)
	case "git":
		return nil
	case "runtime":
		return serveCall()
	}
	return fmt.Errorf("shim: called as %q, expected codegen, go, git or runtime", name)
}

func codegen(args []string) error {
	if name := flag(args, "--module-name"); name != moduleName {
		return fmt.Errorf("the embedded engine has no Go SDK: module %q needs an engine with container images (see offline/sdk/README.md)", name)
	}
	if !slices.Contains(args, "generate-typedefs") {
		return nil
	}
	id, err := declareModule()
	if err != nil {
		return fmt.Errorf("declare the types of %s: %w", moduleName, err)
	}
	return writeJSON(flag(args, "--output"), id)
}

func goBuild(args []string) error {
	target := flag(args, "-o")
	if target == "" {
		return fmt.Errorf("shim: go called with %q, only `go build -o FILE .` is answered", args)
	}
	source, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer source.Close()
	out, err := os.OpenFile(target, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, source); err != nil {
		return err
	}
	return out.Close()
}

// flag returns the word after name, or "".
func flag(args []string, name string) string {
	if i := slices.Index(args, name); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}
