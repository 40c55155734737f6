{{/*
What differs between the four web tiers, as YAML:
port; grace (seconds from SIGTERM to SIGKILL); configMaps read; secrets mounted (volume, Secret, folder, keys).
*/}}
{{- define "todo-chat.tiers" -}}
{{- $ca := "{volume: ca, secret: todo-chat-ca, folder: /run/secrets/todo-ca, keys: [ca.crt]}" }}
agent:
  port: 8001
  grace: 60
  configMaps: [environment, agent]
  secrets:
    {{- if .Values.model.enabled }}
    - {volume: model, secret: todo-chat-model, folder: /run/secrets/todo-model, keys: [model-api-key]}
    {{- end }}
    {{- if .Values.trust.privateCa }}
    - {{ $ca }}
    {{- end }}
    {{- if not (or .Values.model.enabled .Values.trust.privateCa) }}
    []
    {{- end }}
backend:
  port: 8000
  grace: 60
  configMaps: [environment, database, backend]
  secrets:
    - {volume: database, secret: todo-chat-database, folder: /run/secrets/todo-db, keys: [chat-password, tasks-password]}
    - {volume: jwt, secret: todo-chat-jwt, folder: /run/secrets/todo-jwt, keys: [jwt-key]}
    {{- if .Values.oidc.enabled }}
    - {volume: oidc, secret: todo-chat-oidc, folder: /run/secrets/todo-oidc, keys: [oidc-client-secret]}
    {{- end }}
    {{- if .Values.trust.privateCa }}
    - {{ $ca }}
    {{- end }}
frontend:
  port: 8080
  grace: 35
  configMaps: []
  secrets: []
mcp:
  port: 8002
  grace: 45
  configMaps: [environment, database, mcp]
  secrets:
    - {volume: database, secret: todo-chat-database, folder: /run/secrets/todo-db, keys: [mcp-password]}
    - {volume: jwt, secret: todo-chat-jwt, folder: /run/secrets/todo-jwt, keys: [jwt-key]}
    {{- if .Values.trust.privateCa }}
    - {{ $ca }}
    {{- end }}
{{- end }}
