{{- define "auth-graph.name" -}}
{{- ternary .Release.Name (printf "%s-auth-graph" .Release.Name) (contains "auth-graph" .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "auth-graph.selector" -}}
app.kubernetes.io/name: auth-graph
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "auth-graph.labels" -}}
{{ include "auth-graph.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /* What the pods of the service and of the migration have in common. */ -}}
{{- define "auth-graph.pod" -}}
automountServiceAccountToken: false
# Kubernetes would add a variable AUTH_GRAPH_… for each Service.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: secrets
    secret:
      secretName: {{ .Values.existingSecret }}
      defaultMode: 0440
  - name: data
    emptyDir: {}
{{- end }}

{{- define "auth-graph.container" -}}
name: auth-graph
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
env:
  - name: AUTH_GRAPH_SERVER__PUBLIC_URL
    value: {{ .Values.publicUrl | quote }}
  - name: AUTH_GRAPH_SECRET_FILE
    value: /run/secrets/auth-graph/secret
  - name: AUTH_GRAPH_DATABASE__URL_FILE
    value: /run/secrets/auth-graph/database_url
{{- with .Values.trustedProxies }}
  - name: AUTH_GRAPH_SERVER__TRUSTED_PROXIES
    value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.mail.from }}
  - name: AUTH_GRAPH_MAIL__FROM
    value: {{ . | quote }}
  - name: AUTH_GRAPH_MAIL__SMTP_URL_FILE
    value: /run/secrets/auth-graph/smtp_url
{{- end }}
{{- range $name, $value := .Values.settings }}
  - name: {{ $name }}
    value: {{ $value | quote }}
{{- end }}
volumeMounts:
  - name: secrets
    mountPath: /run/secrets/auth-graph
    readOnly: true
  - name: data
    mountPath: /var/lib/auth-graph
{{- end }}
