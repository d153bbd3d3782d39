{{/* Folders of the pod beside what the values say. */}}
{{- define "serantau.servingConfig" -}}
{{- $config := deepCopy .Values.config -}}
{{- if not .Values.state.none -}}
{{- $config = set $config "state" (dict "folder" "/state") -}}
{{- end -}}
{{- with .Values.prefixCache.memory -}}
{{- $config = set $config "prefixCache" (dict "folder" "/prefixes" "memory" .) -}}
{{- end -}}
{{- toJson $config -}}
{{- end -}}

{{- define "model-server.stateClaim" -}}
{{- .Values.state.existingClaim | default (printf "%s-state" (include "serantau.name" . | trunc 57)) -}}
{{- end -}}

{{/* Mounts of the server beside those that both roles have. Only state, prefixes and /tmp are writable. */}}
{{- define "model-server.mounts" -}}
- { name: weights, mountPath: /weights, readOnly: true }
{{- if not .Values.state.none }}
- { name: state, mountPath: /state }
{{- end }}
{{- if .Values.prefixCache.memory }}
- { name: prefixes, mountPath: /prefixes }
{{- end }}
{{- end -}}

{{- define "model-server.stateVolumes" -}}
{{- if not .Values.state.none }}
- name: state
  {{- if or .Values.state.existingClaim .Values.state.size }}
  persistentVolumeClaim: { claimName: {{ include "model-server.stateClaim" . }} }
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}
{{- with .Values.prefixCache.memory }}
- name: prefixes
  # In memory: it holds what users wrote. The default /dev/shm of a container is 64 MB.
  emptyDir: { medium: Memory, sizeLimit: {{ . }} }
{{- end }}
{{- end -}}

{{/* MiB of a quantity, rounded up. */}}
{{- define "model-server.mebibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- if hasSuffix "Ti" . -}}{{ mul $number 1048576 }}
{{- else if hasSuffix "Gi" . -}}{{ mul $number 1024 }}
{{- else if hasSuffix "Mi" . -}}{{ $number }}
{{- else -}}{{ div (add $number 1023) 1024 }}
{{- end -}}
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
