/** How Go programs are built here: engine, SDK loader and the node's programs share one build cache, so they share their flags. */

/** Environment of every call of go: the committed go.sum decides, no newer toolchain is fetched, no C compiler is needed. */
export const GO_ENVIRONMENT = { GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "local", GOWORK: "off", CGO_ENABLED: "0" };

// Programs are linked without debug information (-s -w). The compiler need not make it then, which is a tenth of its time.
export const GO_BUILD = ["go", "build", "-trimpath", "-gcflags=all=-dwarf=false"];
