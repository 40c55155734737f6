{{/* The head of every pod spec. Argument: dict root, serviceAccount, grace. */}}
{{- define "todo-chat.podHead" -}}
serviceAccountName: {{ .serviceAccount }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .grace }}
{{- with .root.Values.images.pullSecret }}
imagePullSecrets:
  - name: {{ . | quote }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{/* Replicas apart: hosts by affinity, zones by spread. Argument: dict name; optional byRevision. */}}
{{- define "todo-chat.spread" -}}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              app.kubernetes.io/name: {{ .name }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        app.kubernetes.io/name: {{ .name }}
    {{- if .byRevision }}
    matchLabelKeys:
      - pod-template-hash
    {{- end }}
{{- end }}

{{/* Resources and security context of a container. Argument: dict root, name. */}}
{{- define "todo-chat.containerLimits" -}}
{{- $resources := index .root.Values.resources .name -}}
resources:
  requests:
    cpu: {{ $resources.cpu }}
    memory: {{ $resources.memory }}
    ephemeral-storage: 128Mi
  limits:
    cpu: {{ $resources.cpuLimit | quote }}
    memory: {{ $resources.memory }}
    ephemeral-storage: 128Mi
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop:
      - ALL
{{- end }}

{{/* envFrom of a container. Argument: dict root, configMaps. */}}
{{- define "todo-chat.envFrom" -}}
{{- $root := .root -}}
envFrom:
  {{- range .configMaps }}
  - configMapRef:
      name: {{ include "todo-chat.configMapName" (dict "root" $root "name" .) }}
  {{- end }}
{{- end }}

{{/* Mounts of Secrets. Argument: list of dict volume, secret, folder, keys. */}}
{{- define "todo-chat.secretMounts" -}}
{{- range . }}
- name: {{ .volume }}
  mountPath: {{ .folder }}
  readOnly: true
{{- end }}
{{- end }}

{{/* Volumes of Secrets, with only the keys that the pod reads. Argument: as above. */}}
{{- define "todo-chat.secretVolumes" -}}
{{- range . }}
- name: {{ .volume }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 288 # 0440; YAML 1.2 has no such octals
    items:
      {{- range .keys }}
      - key: {{ . }}
        path: {{ . }}
      {{- end }}
{{- end }}
{{- end }}

{{/* A scratch volume. Argument: dict name, size. */}}
{{- define "todo-chat.scratch" -}}
- name: {{ .name }}
  emptyDir:
    sizeLimit: {{ .size }}
{{- end }}
