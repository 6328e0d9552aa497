{{/* All settings by their names; `settings` may add to them and change any. */}}
{{- define "echoroute.settings" -}}
{{- $settings := dict
  "ECHOROUTE_BIND" ":8080"
  "ECHOROUTE_LOG_FORMAT" "json"
  "ECHOROUTE_LEADER_ELECTION" "true"
  "ECHOROUTE_APISIX_ADMIN_URL" .Values.apisix.adminUrl
  "ECHOROUTE_APISIX_ADMIN_KEY_FILE" (printf "/etc/echoroute/apisix/%s" .Values.apisix.adminKeySecret.key)
  "ECHOROUTE_APISIX_CA_FILE" (include "echoroute.caFile" .Values.apisix.ca)
  "ECHOROUTE_FORBIDDEN_ADDRESSES" (join "," .Values.forbiddenAddresses)
  "ECHOROUTE_GATEWAY_CLASS" .Values.gatewayClass
  "ECHOROUTE_OWNER_ID" .Values.ownerId
  "ECHOROUTE_WATCH_NAMESPACES" (join "," .Values.watchNamespaces)
  "CONSUL_HTTP_ADDR" .Values.consul.address
-}}
{{- if .Values.consul.address }}
{{- $_ := set $settings "CONSUL_CACERT" (include "echoroute.caFile" .Values.consul.ca) }}
{{- if .Values.consul.tokenSecret.name }}
{{- $_ := set $settings "CONSUL_HTTP_TOKEN_FILE" (printf "/etc/echoroute/consul/%s" .Values.consul.tokenSecret.key) }}
{{- end }}
{{- end }}
{{- if and .Values.watchNamespaces (not .Values.ownerId) }}
{{- fail "ownerId must be set beside watchNamespaces: 8 hex digits that no other operator of the gateway has (openssl rand -hex 4)" }}
{{- end }}
{{- range $name, $value := mergeOverwrite $settings .Values.settings }}
{{- if $value }}
{{ $name }}: {{ $value | toString | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Where a certificate is mounted; nothing where there is none. */}}
{{- define "echoroute.caFile" -}}
{{- if .name }}/etc/echoroute/ca/{{ .key }}{{ end }}
{{- end }}
