module todo-chat.local/offline/sdk/shim

go 1.26
