{{/* The pods of a tier as a peer. Argument: dict name, component. */}}
{{- define "todo-chat.peer" -}}
- podSelector:
    matchLabels:
      {{- include "todo-chat.selector" . | nindent 6 }}
{{- end }}

{{/* One TCP port. */}}
{{- define "todo-chat.tcp" -}}
ports:
  - protocol: TCP
    port: {{ . }}
{{- end }}

{{/* Egress rule to the cluster's DNS. */}}
{{- define "todo-chat.egressDns" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
  ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
{{- end }}

{{/* Any public address, and none in the cluster or its networks. */}}
{{- define "todo-chat.publicAddresses" -}}
- ipBlock:
    cidr: 0.0.0.0/0
    except:
      - 10.0.0.0/8
      - 100.64.0.0/10
      - 169.254.0.0/16
      - 172.16.0.0/12
      - 192.168.0.0/16
{{- end }}

{{/* The given network, or any public address. */}}
{{- define "todo-chat.outside" -}}
{{- if . -}}
- ipBlock:
    cidr: {{ . }}
{{- else -}}
{{ include "todo-chat.publicAddresses" . }}
{{- end }}
{{- end }}

{{/* The port of an https URL. */}}
{{- define "todo-chat.portOf" -}}
{{ (urlParse .).host | regexFind ":[0-9]+$" | trimPrefix ":" | default "443" }}
{{- end }}

{{/* Egress rule to PostgreSQL, inside the cluster or outside. Argument: root. */}}
{{- define "todo-chat.egressDatabase" -}}
- to:
    {{- if .Values.database.external }}
    {{- include "todo-chat.outside" .Values.database.cidr | nindent 4 }}
    {{- else }}
    {{- include "todo-chat.peer" (dict "name" "postgres" "component" "database") | nindent 4 }}
    {{- end }}
  {{- include "todo-chat.tcp" .Values.database.port | nindent 2 }}
{{- end }}

{{/* Ingress rule from the ingress controller. Argument: dict root, port. */}}
{{- define "todo-chat.ingressController" -}}
- from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ .root.Values.ingress.controller.namespace | quote }}
      podSelector:
        matchLabels:
          {{- toYaml .root.Values.ingress.controller.podLabels | nindent 10 }}
  {{- include "todo-chat.tcp" .port | nindent 2 }}
{{- end }}

{{/* Everything of a policy above its rules. Argument: dict root, name, component. */}}
{{- define "todo-chat.policyHead" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "todo-chat.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "todo-chat.selector" . | nindent 6 }}
  policyTypes:
    - Ingress
    - Egress
{{- end }}
