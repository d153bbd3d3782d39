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

{{/* Who scales models: gateway, keda, or nothing where none of them is scaled. */}}
{{- define "gateway.scaler" -}}
{{- $scaler := "" -}}
{{- range .Values.config.models }}{{ if .scaling }}{{ $scaler = get ($.Values.config.scaling | default dict) "by" }}{{ end }}{{ end -}}
{{- $scaler -}}
{{- end -}}

{{- define "gateway.scalesItself" -}}
{{- if eq (include "gateway.scaler" .) "gateway" }}true{{ end -}}
{{- end -}}

{{- define "gateway.scaledDeployments" -}}
{{- $names := list -}}
{{- range .Values.config.models }}{{ with .scaling }}{{ $names = append $names .deployment }}{{ end }}{{ end -}}
{{- toJson $names -}}
{{- end -}}

{{- define "gateway.demandService" -}}
{{- include "serantau.name" . | trunc 56 -}}-demand
{{- end -}}

{{/* Seconds that a request may be held; 0 where no model is scaled. */}}
{{- define "gateway.holdSeconds" -}}
{{- if include "gateway.scaler" . }}{{ include "gateway.seconds" (.Values.config.scaling.holdMs | default 300000) }}{{ else }}0{{ end -}}
{{- end -}}

{{- define "gateway.seconds" -}}
{{- divf . 1000 | ceil | int64 -}}
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
{{- if eq (include "gateway.scaler" .) "keda" }}
- from:
    - namespaceSelector:
        matchLabels: { kubernetes.io/metadata.name: {{ (.Values.scaling).kedaNamespace | default "keda" }} }
      podSelector:
        matchLabels: { app: keda-operator }
  ports: [{ port: 9090, protocol: TCP }]
{{- end }}
{{- end -}}
