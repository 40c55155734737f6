module todo-chat.local/offline/engine

go 1.26

require github.com/dagger/dagger v0.19.10

// The engine's own go.mod replaces these by folders of its repository, or by older versions of themselves;
// a wrapper has to repeat that, because replace directives count in the main module only.
replace (
	dagger.io/dagger => dagger.io/dagger v0.19.10
	github.com/dagger/dagger/engine/distconsts => ./distconsts
	go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc => go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc v0.14.0
	go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp => go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp v0.14.0
	go.opentelemetry.io/otel/log => go.opentelemetry.io/otel/log v0.14.0
	go.opentelemetry.io/otel/sdk/log => go.opentelemetry.io/otel/sdk/log v0.14.0
)
