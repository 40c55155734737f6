// Package distconsts holds the paths and names that the engine's build normally injects. The module proxy
// has no such module, so this one stands in its place; owning it lets every path live under a prefix that only
// exists inside the engine's own mount namespace (see ../../enter.sh).
package distconsts

const (
	EngineContainerName   = "todo-chat-engine"
	DefaultEngineSockAddr = "unix:///run/todo-chat/engine.sock"
)

const (
	RuncPath       = "/run/todo-chat/bin/runc"
	DaggerInitPath = "/run/todo-chat/bin/dagger-init"
	TiniPath       = "/run/todo-chat/bin/tini"

	EngineDefaultStateDir            = "/run/todo-chat/state"
	EngineContainerBuiltinContentDir = "/run/todo-chat/content"
	EngineCustomCACertsDir           = "/run/todo-chat/ca-certificates"

	GoSDKManifestDigestEnvName         = "DAGGER_GO_SDK_MANIFEST_DIGEST"
	PythonSDKManifestDigestEnvName     = "DAGGER_PYTHON_SDK_MANIFEST_DIGEST"
	TypescriptSDKManifestDigestEnvName = "DAGGER_TYPESCRIPT_SDK_MANIFEST_DIGEST"
)

// Image names that the engine falls back to. The offline mirror has none of them, so a feature that needs one
// fails with the mirror's message.
const (
	AlpineVersion = "3.22.1"
	AlpineImage   = "alpine:" + AlpineVersion

	GolangVersion = "1.25.3"
	GolangImage   = "golang:" + GolangVersion + "-alpine"

	BusyboxVersion = "1.37.0"
	BusyboxImage   = "busybox:" + BusyboxVersion
)

const OCIVersionAnnotation = "org.opencontainers.image.version"
