{{/* Labels of every object. Argument: dict root, name, component (both may be empty). */}}
{{- define "todo-chat.labels" -}}
{{- with .name }}
app.kubernetes.io/name: {{ . }}
{{- end }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/part-of: todo-chat
app.kubernetes.io/managed-by: todo-chat-deploy
app.kubernetes.io/version: {{ .root.Chart.AppVersion }}
{{- end }}

{{/* Labels that select a tier's pods. Argument: dict name, component. */}}
{{- define "todo-chat.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* metadata of a namespaced object. Argument: dict root, name, component; optional objectName. */}}
{{- define "todo-chat.metadata" -}}
name: {{ .objectName | default .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "todo-chat.labels" . | nindent 2 }}
{{- end }}

{{/* Image reference. Argument: dict root, image. */}}
{{- define "todo-chat.image" -}}
{{- $image := index .root.Values.images .image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ required (printf "images.%s needs a tag or a digest" .image) $image.tag }}
{{- end }}
{{- end }}

{{/*
Name of a ConfigMap with a suffix made from its data, so that changed settings roll the pods.
The suffix is computed as kustomize does it (api/hasher): SHA-256 of the JSON of kind, data and
an empty name; the first ten digits, with those replaced that could spell something.
Argument: dict root, name.
*/}}
{{- define "todo-chat.configMapName" -}}
{{- $data := include "todo-chat.configMapData" . | fromYaml -}}
{{- $json := dict "kind" "ConfigMap" "name" "" "data" $data | toJson -}}
{{ .name }}-{{ $json | sha256sum | trunc 10 | replace "0" "g" | replace "1" "h" | replace "3" "k" | replace "a" "m" | replace "e" "t" }}
{{- end }}
