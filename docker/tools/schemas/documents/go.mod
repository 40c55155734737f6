// Modules that are downloaded for the documents they hold, several versions of one among them, so no requirement is
// written here: `go mod download <module>@<version>` in this folder is checked against go.sum.
module todo-chat/docker/tools/schemas/documents

go 1.26.0
