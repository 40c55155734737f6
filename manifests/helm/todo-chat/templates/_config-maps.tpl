{{/* Settings of one ConfigMap. Argument: dict root, name. */}}
{{- define "todo-chat.configMapData" -}}
{{- $values := .root.Values -}}
{{- if eq .name "environment" }}
TODO_ENVIRONMENT: {{ $values.environment }}
TODO_LOG_LEVEL: {{ $values.logLevel }}
TODO_DRAIN_SECONDS: "0"
{{- if $values.trust.privateCa }}
SSL_CERT_FILE: /run/secrets/todo-ca/ca.crt
{{- end }}
{{- else if eq .name "database" }}
TODO_DATABASE_HOST: {{ $values.database.host | quote }}
TODO_DATABASE_PORT: {{ $values.database.port | quote }}
TODO_DATABASE_NAME: {{ $values.database.name | quote }}
TODO_DATABASE_SSLMODE: {{ $values.database.sslMode }}
{{- if $values.database.external }}
PGSSLROOTCERT: {{ ternary "/run/secrets/todo-ca/ca.crt" "/etc/ssl/certs/ca-certificates.crt" $values.trust.privateCa }}
{{- end }}
{{- else if eq .name "backup" }}
TODO_DATABASE_BACKUP_USER: todo_backup
TODO_DATABASE_BACKUP_PASSWORD_FILE: /run/secrets/todo-db/backup-password
TODO_BACKUP_KEEP: {{ $values.backup.keep | quote }}
{{- else if eq .name "migrate" }}
TODO_DATABASE_MIGRATOR_USER: todo_migrator
TODO_DATABASE_MIGRATOR_PASSWORD_FILE: /run/secrets/todo-db/migrator-password
TODO_DATABASE_WAIT_SECONDS: "60"
{{- if $values.database.external }}
TODO_DATABASE_ADMIN_USER: {{ $values.database.adminUser | quote }}
TODO_DATABASE_ADMIN_PASSWORD_FILE: /run/secrets/todo-db/superuser-password
TODO_DATABASE_CHAT_PASSWORD_FILE: /run/secrets/todo-db/chat-password
TODO_DATABASE_TASKS_PASSWORD_FILE: /run/secrets/todo-db/tasks-password
TODO_DATABASE_MCP_PASSWORD_FILE: /run/secrets/todo-db/mcp-password
TODO_DATABASE_BACKUP_PASSWORD_FILE: /run/secrets/todo-db/backup-password
{{- end }}
{{- else if eq .name "mcp" }}
TODO_DATABASE_MCP_USER: todo_mcp
TODO_DATABASE_MCP_PASSWORD_FILE: /run/secrets/todo-db/mcp-password
TODO_JWT_KEY_FILE: /run/secrets/todo-jwt/jwt-key
TODO_MCP_ALLOWED_HOSTS: mcp:8002,localhost:*,127.0.0.1:*
{{- else if eq .name "agent" }}
TODO_MCP_URL: http://mcp:8002/mcp
{{- if $values.model.enabled }}
TODO_MODEL_BASE_URL: {{ $values.model.baseUrl | quote }}
TODO_MODEL_NAME: {{ $values.model.name | quote }}
TODO_MODEL_API_KEY_FILE: /run/secrets/todo-model/model-api-key
{{- end }}
{{- else if eq .name "backend" }}
TODO_AGENT_URL: http://agent:8001
TODO_DATABASE_CHAT_USER: todo_chat
TODO_DATABASE_CHAT_PASSWORD_FILE: /run/secrets/todo-db/chat-password
TODO_DATABASE_TASKS_USER: todo_tasks
TODO_DATABASE_TASKS_PASSWORD_FILE: /run/secrets/todo-db/tasks-password
TODO_DEV_LOGIN: {{ $values.devLogin | quote }}
TODO_JWT_KEY_FILE: /run/secrets/todo-jwt/jwt-key
{{- if $values.oidc.enabled }}
TODO_OIDC_ISSUER: {{ $values.oidc.issuer | quote }}
TODO_OIDC_CLIENT_ID: {{ $values.oidc.clientId | quote }}
TODO_OIDC_CLIENT_SECRET_FILE: /run/secrets/todo-oidc/oidc-client-secret
TODO_PUBLIC_URL: {{ printf "https://%s" $values.ingress.host | quote }}
{{- end }}
{{- else }}
{{- fail (printf "no ConfigMap is called %s" .name) }}
{{- end }}
{{- end }}
