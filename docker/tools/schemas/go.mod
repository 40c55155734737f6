module todo-chat/docker/tools/schemas

go 1.26.0
