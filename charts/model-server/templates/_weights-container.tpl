{{/* Checks the file's digest, and fetches it first when there is a URL and the volume lacks it. */}}
{{- define "model-server.weightsContainer" -}}
{{- $weights := .Values.weights -}}
- name: weights
  image: {{ .Values.image }}
  imagePullPolicy: IfNotPresent
  terminationMessagePolicy: FallbackToLogsOnError
  command: [node]
  args:
    - /app/weights/import-main.js
    - --sha256={{ .Values.config.model.digest }}
    - --bytes={{ int64 $weights.bytes }}
    - --store=/weights
    {{- with $weights.url }}
    - {{ printf "--url=%s" . | quote }}
    {{- end }}
    {{- with $weights.path }}
    - {{ printf "--file=/weights/%s" . | quote }}
    {{- end }}
  {{- if or $weights.proxy $weights.caBundle }}
  env:
    {{- with $weights.proxy }}
    - { name: HTTPS_PROXY, value: {{ .https | quote }} }
    - { name: NO_PROXY, value: {{ join "," (.noProxy | default list) | quote }} }
    {{- end }}
    {{- if $weights.caBundle }}
    - { name: NODE_EXTRA_CA_CERTS, value: /etc/serantau/ca/ca.pem }
    {{- end }}
  {{- end }}
  # CPU as the server has it, which hashes a large file sooner; it costs nothing, as both never run at once.
  resources: {{- include "serantau.resources" (dict "cpu" .Values.resources.cpu "cpuRequest" .Values.resources.cpuRequest "memory" "256Mi") | nindent 4 }}
  securityContext: {{- include "serantau.containerSecurityContext" . | nindent 4 }}
  volumeMounts:
    - { name: weights, mountPath: /weights, readOnly: {{ include "model-server.initReadOnly" . }} }
    - { name: tmp, mountPath: /tmp }
    {{- if $weights.caBundle }}
    - { name: ca-bundle, mountPath: /etc/serantau/ca, readOnly: true }
    {{- end }}
{{- end -}}
