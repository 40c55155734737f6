// What the offline base image golang:1.26-bookworm holds.
module todo-chat/offline/images/golang

go 1.26

require golang.org/toolchain v0.0.1-go1.26.8.linux-amd64
