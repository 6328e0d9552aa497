{{/* Labels of every object. */}}
{{- define "echoroute.labels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Of what runs, and of what leads to it. */}}
{{- define "echoroute.workloadLabels" -}}
{{ include "echoroute.selector" . }}
app.kubernetes.io/part-of: echoroute
app.kubernetes.io/component: controller
{{ include "echoroute.labels" . }}
{{- end }}

{{/* By which the pods are found; no upgrade can change it. */}}
{{- define "echoroute.selector" -}}
app.kubernetes.io/name: {{ include "echoroute.name" . }}
{{- end }}

{{/* `echoroute-operator` for the release `echoroute`. */}}
{{- define "echoroute.name" -}}
{{- printf "%s-operator" (.Release.Name | trimSuffix "-operator" | trunc 54) }}
{{- end }}

{{/* The subjects of each binding. */}}
{{- define "echoroute.subjects" -}}
- kind: ServiceAccount
  name: {{ include "echoroute.name" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* What the operator does with EchoRoutes, wherever it may: in the cluster or in each of its namespaces. */}}
{{- define "echoroute.rules" -}}
# Lists and watches what application teams ask for. It never writes a spec.
- apiGroups: [echoroute.dev]
  resources: [echoroutes]
  verbs: [get, list, watch]
# Says in the status what is true.
- apiGroups: [echoroute.dev]
  resources: [echoroutes/status]
  verbs: [patch]
{{- end }}

{{/* Events: transitions of EchoRoutes, and on the operator's own pod what concerns it. */}}
{{- define "echoroute.eventRules" -}}
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end }}
