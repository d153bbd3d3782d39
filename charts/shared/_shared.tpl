{{/*
What both charts say alike. Source: charts/shared/_shared.tpl; `npm run generate` copies it into
each chart, because a chart must be whole by itself.
*/}}

{{- define "serantau.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "serantau.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .Chart.Name }}
{{- end -}}

{{- define "serantau.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "serantau.selectorLabels" . }}
app.kubernetes.io/part-of: serantau
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* Labels of the `helm test` pod: not those of the service, or it would get its traffic. */}}
{{- define "serantau.testLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
app.kubernetes.io/part-of: serantau
{{- end -}}

{{- define "serantau.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "serantau.name" . }}
  labels: {{- include "serantau.labels" . | nindent 4 }}
data:
  serving.json: {{ include "serantau.servingConfig" . | quote }}
{{- end -}}

{{- define "serantau.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "serantau.name" . }}
  labels: {{- include "serantau.labels" . | nindent 4 }}
automountServiceAccountToken: false
{{- end -}}

{{/* An autoscaler (replicas: null) may make more than one. */}}
{{- define "serantau.podDisruptionBudget" -}}
{{- if or (kindIs "invalid" .Values.replicas) (gt (int .Values.replicas) 1) -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "serantau.name" . }}
  labels: {{- include "serantau.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  # A pod that is not ready serves nobody: it must not block the drain of a node.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "serantau.selectorLabels" . | nindent 6 }}
{{- end -}}
{{- end -}}

{{- define "serantau.deploymentHead" -}}
{{- if not (kindIs "invalid" .Values.replicas) }}
replicas: {{ int .Values.replicas }}
{{- end }}
revisionHistoryLimit: 3
progressDeadlineSeconds: {{ add (int .Values.startupSeconds) 60 }}
selector:
  matchLabels: {{- include "serantau.selectorLabels" . | nindent 4 }}
strategy:
  type: RollingUpdate
  {{- if or (eq .Values.surge "always") (and (eq .Values.surge "auto") (not .Values.resources.accelerator)) }}
  rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  {{- else }}
  # No spare accelerator: the old pod leaves before the new one comes.
  rollingUpdate: { maxSurge: 0, maxUnavailable: 1 }
  {{- end }}
{{- end -}}

{{- define "serantau.podMetadata" -}}
labels:
  # Not the chart's version: a new chart that changes nothing must not restart pods.
  {{- include "serantau.selectorLabels" . | nindent 2 }}
  app.kubernetes.io/part-of: serantau
  {{- with .Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  # The server reads its config once: a changed one needs new pods.
  checksum/config: {{ include "serantau.servingConfig" . | sha256sum }}
  kubectl.kubernetes.io/default-container: server
  {{- with .Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "serantau.podSecurityContext" -}}
runAsNonRoot: true
seccompProfile: { type: RuntimeDefault }
{{- range $key, $value := .Values.podSecurityContext }}
{{- if not (kindIs "invalid" $value) }}
{{ $key }}: {{ if kindIs "float64" $value }}{{ int64 $value }}{{ else }}{{ toJson $value }}{{ end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "serantau.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: { drop: [ALL] }
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "serantau.podSpecHead" -}}
serviceAccountName: {{ include "serantau.name" . }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriodSeconds }}
securityContext: {{- include "serantau.podSecurityContext" . | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- if .Values.topologySpreadConstraints }}
  {{- toYaml .Values.topologySpreadConstraints | nindent 2 }}
{{- else }}
  # Where it can: a zone that is lost must not keep its pods from the others.
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "serantau.selectorLabels" . | nindent 8 }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "serantau.selectorLabels" . | nindent 8 }}
{{- end }}
{{- end -}}

{{- define "serantau.resources" -}}
requests:
  cpu: {{ .cpuRequest | default .cpu | quote }}
  memory: {{ .memory }}
  {{- with .accelerator }}
  {{- if .resource }}
  {{ .resource }}: {{ int .count | quote }}
  {{- end }}
  {{- end }}
limits:
  cpu: {{ .cpu | quote }}
  memory: {{ .memory }}
  {{- with .accelerator }}
  {{- if .resource }}
  {{ .resource }}: {{ int .count | quote }}
  {{- else }}
claims:
  - name: accelerator
  {{- end }}
  {{- end }}
{{- end -}}

{{/* Of (dict "root" $ "scheme" s). Ready means that the pod can answer; live, that its process can. */}}
{{- define "serantau.probes" -}}
startupProbe:
  httpGet: { path: /health/ready, port: api, scheme: {{ .scheme }} }
  periodSeconds: 1
  timeoutSeconds: 6
  failureThreshold: {{ int .root.Values.startupSeconds }}
readinessProbe:
  httpGet: { path: /health/ready, port: api, scheme: {{ .scheme }} }
  periodSeconds: 5
  timeoutSeconds: 6
  failureThreshold: 2
livenessProbe:
  httpGet: { path: /health/live, port: api, scheme: {{ .scheme }} }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
lifecycle:
  preStop:
    # Endpoints and load balancers learn of the end first; the server drains after that.
    sleep: { seconds: {{ int .root.Values.preStopSeconds }} }
{{- end -}}

{{- define "serantau.serverArgs" -}}
- /app/server/main.js
- --config=/etc/serantau/serving.json
- --keys=/etc/serantau/keys/keys.json
- --metrics-port=9090
# preStop has waited for the endpoints. In this time kept connections hear of the end by their next answer.
- --drain-delay-ms=2000
{{- end -}}

{{- define "serantau.serverMounts" -}}
- { name: config, mountPath: /etc/serantau/serving.json, subPath: serving.json, readOnly: true }
- { name: keys, mountPath: /etc/serantau/keys, readOnly: true }
- { name: tmp, mountPath: /tmp }
{{- end -}}

{{- define "serantau.serverVolumes" -}}
- name: config
  configMap: { name: {{ include "serantau.name" . }} }
- name: keys
  secret:
    secretName: {{ .Values.keys.existingSecret }}
    items: [{ key: keys.json, path: keys.json }]
- name: tmp
  # In memory: what users wrote must not reach a disk.
  emptyDir: { medium: Memory, sizeLimit: {{ .Values.tmpSize }} }
{{- end -}}

{{/* NetworkPolicy rule: scrapers of the namespaces named. */}}
{{- define "serantau.metricsIngress" -}}
{{- with .Values.metrics.allowFrom.namespaces }}
- from:
    {{- range . }}
    - namespaceSelector:
        matchLabels: { kubernetes.io/metadata.name: {{ . }} }
    {{- end }}
  ports: [{ port: 9090, protocol: TCP }]
{{- end }}
{{- end -}}

{{- define "serantau.dnsEgress" -}}
- to:
    - namespaceSelector:
        matchLabels: { kubernetes.io/metadata.name: kube-system }
      podSelector:
        matchLabels: { k8s-app: kube-dns }
  ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
{{- end -}}

{{/* Of (dict "root" $ "url" u "port" n): the pod of `helm test` and the policy that lets it ask the service alone. */}}
{{- define "serantau.helmTest" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "serantau.name" .root | trunc 58 }}-test
  labels: {{- include "serantau.testLabels" .root | nindent 4 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-weight: "-1"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  podSelector:
    matchLabels: {{- include "serantau.testLabels" .root | nindent 6 }}
  policyTypes: [Ingress, Egress]
  egress:
    - to:
        - podSelector:
            matchLabels: {{- include "serantau.selectorLabels" .root | nindent 14 }}
      ports: [{ port: {{ .port }}, protocol: TCP }]
    {{- include "serantau.dnsEgress" . | nindent 4 }}
---
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "serantau.name" .root | trunc 58 }}-test
  labels: {{- include "serantau.testLabels" .root | nindent 4 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    runAsNonRoot: true
    seccompProfile: { type: RuntimeDefault }
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  containers:
    - name: ask
      image: {{ .root.Values.image }}
      imagePullPolicy: IfNotPresent
      command:
        - node
        - --eval
        - |
          {{- if hasPrefix "https:" .url }}
          // No certificate need name the Service: this asks for an answer, not for trust.
          process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
          {{- end }}
          const ask = async (left) => {
            try {
              const answer = await fetch('{{ .url }}/health/ready')
              if (answer.ok) return console.log('ready')
              throw new Error('status ' + answer.status)
            } catch (error) {
              if (left === 0) { console.error('not ready:', error.message); process.exit(1) }
              setTimeout(ask, 1000, left - 1)
            }
          }
          ask(20)
      securityContext: {{- include "serantau.containerSecurityContext" . | nindent 8 }}
      resources:
        requests: { cpu: 10m, memory: 128Mi }
        limits: { cpu: "1", memory: 128Mi }
{{- end -}}

{{/*
Rules across values. A problem is told as: path: expected ..., got .... Fix: ...
*/}}
{{- define "serantau.commonRequirements" -}}
{{- $maxStream := divf .Values.config.limits.maxStreamMs 1000 | ceil | int64 -}}
{{- /* A connection that a client of the gateway keeps may bring one more request as its stream ends. */ -}}
{{- $rounds := ternary 2 1 (eq .Chart.Name "gateway") -}}
{{- /* A request that the gateway holds may have all of its time still before it. */ -}}
{{- $hold := 0 -}}
{{- if eq .Chart.Name "gateway" }}{{ $hold = include "gateway.holdSeconds" . | int64 }}{{ end -}}
{{- $least := add (int .Values.preStopSeconds) (mul $rounds $maxStream) $hold 5 -}}
{{- if lt (int64 .Values.terminationGracePeriodSeconds) $least -}}
{{- fail (printf "\nterminationGracePeriodSeconds: expected at least %d (preStopSeconds %d + %d x config.limits.maxStreamMs in seconds %d + config.scaling.holdMs in seconds %d + 5), got %d. Fix: raise it, or streams are cut when a pod ends" $least (int .Values.preStopSeconds) $rounds $maxStream $hold (int .Values.terminationGracePeriodSeconds)) -}}
{{- end -}}
{{- end -}}
