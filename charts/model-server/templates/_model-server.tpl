{{- define "serantau.servingConfig" -}}
{{- toJson .Values.config -}}
{{- end -}}

{{- define "model-server.claim" -}}
{{- .Values.weights.existingClaim | default (printf "%s-weights" (include "serantau.name" . | trunc 55)) -}}
{{- end -}}

{{/* Only a download writes to the volume. */}}
{{- define "model-server.initReadOnly" -}}
{{- if .Values.weights.url }}false{{ else }}true{{ end -}}
{{- end -}}

{{- define "model-server.proxyPort" -}}
{{- $proxy := urlParse .Values.weights.proxy.https -}}
{{- if regexMatch ":[0-9]+$" $proxy.host -}}
{{- regexFind "[0-9]+$" $proxy.host -}}
{{- else if eq $proxy.scheme "https" -}}443{{- else -}}80{{- end -}}
{{- end -}}

{{/* Egress of a pod that fetches its weights: through the proxy alone when there is one. */}}
{{- define "model-server.egressRules" -}}
{{- if .Values.weights.url -}}
{{- $direct := or (not .Values.weights.proxy) (gt (len (dig "noProxy" list (.Values.weights.proxy | default dict))) 0) -}}
- ports:
    {{- if $direct }}
    - { port: 443, protocol: TCP }
    {{- end }}
    {{- if and .Values.weights.proxy (not (and $direct (eq (include "model-server.proxyPort" .) "443"))) }}
    - { port: {{ include "model-server.proxyPort" . }}, protocol: TCP }
    {{- end }}
{{ include "serantau.dnsEgress" . }}
{{- end -}}
{{- end -}}

{{- define "model-server.ingressRules" -}}
- from:
    - podSelector:
        matchLabels:
          app.kubernetes.io/component: gateway
          app.kubernetes.io/part-of: serantau
    {{- if .Values.helmTest }}
    - podSelector:
        matchLabels: {{- include "serantau.testLabels" . | nindent 10 }}
    {{- end }}
  ports: [{ port: 8080, protocol: TCP }]
{{- include "serantau.metricsIngress" . }}
{{- end -}}
