{{/* Only a load balancer passes TLS through: Ingress and Gateway end it themselves. */}}
{{- define "gateway.servesTls" -}}
{{- if eq .Values.expose.kind "loadBalancer" }}true{{ end -}}
{{- end -}}

{{- define "gateway.podPort" -}}
{{- if include "gateway.servesTls" . }}8443{{ else }}8080{{ end -}}
{{- end -}}

{{- define "gateway.servicePort" -}}
{{- if include "gateway.servesTls" . }}443{{ else }}8080{{ end -}}
{{- end -}}

{{- define "gateway.serviceUrl" -}}
{{- printf "%s://%s.%s.svc:%s" (ternary "https" "http" (eq (include "gateway.servesTls" .) "true")) (include "serantau.name" .) .Release.Namespace (include "gateway.servicePort" .) -}}
{{- end -}}

{{- define "serantau.servingConfig" -}}
{{- $config := deepCopy .Values.config -}}
{{- if include "gateway.servesTls" . -}}
{{- $_ := set $config "tls" (dict "certFile" "/etc/serantau/tls/tls.crt" "keyFile" "/etc/serantau/tls/tls.key") -}}
{{- end -}}
{{- toJson $config -}}
{{- end -}}

{{- define "gateway.ingressRules" -}}
{{- $from := .Values.expose.allowFrom | default dict -}}
{{- $port := include "gateway.podPort" . -}}
{{- if or $from.namespaces $from.cidrs }}
- from:
    {{- range $from.namespaces }}
    - namespaceSelector:
        matchLabels: { kubernetes.io/metadata.name: {{ . }} }
    {{- end }}
    {{- range $from.cidrs }}
    - ipBlock: { cidr: {{ . }} }
    {{- end }}
  ports: [{ port: {{ $port }}, protocol: TCP }]
{{- end }}
{{- if .Values.helmTest }}
- from:
    - podSelector:
        matchLabels: {{- include "serantau.testLabels" . | nindent 10 }}
  ports: [{ port: {{ $port }}, protocol: TCP }]
{{- end }}
{{- include "serantau.metricsIngress" . }}
{{- end -}}
