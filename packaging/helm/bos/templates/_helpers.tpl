{{- define "bos.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "bos.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "bos.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "bos.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "bos.selector" -}}
app.kubernetes.io/name: {{ include "bos.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "bos.labels" -}}
{{ include "bos.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* Whether the records are in a PostgreSQL: "yes", or nothing. */ -}}
{{- define "bos.shared" -}}
{{- if or .Values.database.url .Values.database.urlSecret.name -}}yes{{- end -}}
{{- end -}}

{{- /* What does not fit together, told before anything is made. */ -}}
{{- define "bos.check" -}}
{{- $v := .Values -}}
{{- if and (gt (int $v.replicas) 1) (not (include "bos.shared" .)) -}}
{{- fail (printf "replicas is %d and there is no database: each would drive the nodes by records of its own; give database.url or database.urlSecret, or keep one replica" (int $v.replicas)) -}}
{{- end -}}
{{- if and $v.database.url $v.database.urlSecret.name -}}
{{- fail "database.url and database.urlSecret both name a database; keep one" -}}
{{- end -}}
{{- if regexMatch "^[a-z]+://[^/@]*:[^/@]*@" $v.database.url -}}
{{- fail "database.url has a password, which everybody reads who may see the values; take it out, and name the Secret that has it in database.passwordSecret" -}}
{{- end -}}
{{- if and $v.database.passwordSecret.name (not (include "bos.shared" .)) -}}
{{- fail "database.passwordSecret is of no database: give database.url or database.urlSecret" -}}
{{- end -}}
{{- if and (not $v.tls.secret) (not $v.allowWithoutTLS) -}}
{{- fail "tls.secret is empty, so tokens would be sent in the clear: name a Secret of the type kubernetes.io/tls, or set allowWithoutTLS where a mesh encrypts what pods say to each other" -}}
{{- end -}}
{{- if and $v.tls.clientCASecret (not $v.tls.secret) -}}
{{- fail "tls.clientCASecret needs tls.secret: certificates of clients are only seen over TLS" -}}
{{- end -}}
{{- range $name, $instead := dict "listen" "service and bootScripts have its ports" "database" "use database.url or database.urlSecret" "database_password_file" "use database.passwordSecret" "database_password_env" "use database.passwordSecret" "database_password_command" "use database.passwordSecret" "tls" "use tls.secret" "socket" "there is nobody beside it in its container" -}}
{{- if hasKey $v.settings $name -}}
{{- fail (printf "settings.%s is set by the chart: %s" $name $instead) -}}
{{- end -}}
{{- end -}}
{{- if hasKey $v.files "bos.yaml" -}}
{{- fail "files has bos.yaml: what stands in it goes into settings" -}}
{{- end -}}
{{- if and $v.tokens.secret (hasKey (get $v.settings "auth" | default dict) "tokens_file") -}}
{{- fail "settings.auth.tokens_file and tokens.secret both name the tokens; keep one" -}}
{{- end -}}
{{- if and $v.serviceMonitor.enabled (not $v.serviceMonitor.tokenSecret.name) -}}
{{- fail "serviceMonitor needs serviceMonitor.tokenSecret: metrics are read with a token of the role scraper (bos token make prometheus --role scraper)" -}}
{{- end -}}
{{- end -}}

{{- /* bos.yaml */ -}}
{{- define "bos.settings" -}}
{{- $v := .Values -}}
{{- $s := deepCopy $v.settings -}}
{{- $_ := set $s "listen" ":8770" -}}
{{- $name := include "bos.fullname" . -}}
{{- $ns := .Release.Namespace -}}
{{- $own := list $name (printf "%s.%s" $name $ns) (printf "%s.%s.svc" $name $ns) (printf "%s.%s.svc.cluster.local" $name $ns) -}}
{{- $_ := set $s "names" (concat $own (get $s "names" | default list) | uniq) -}}
{{- if not (include "bos.shared" .) -}}
{{- $_ := set $s "database" "/var/lib/bos/bos.db" -}}
{{- else if $v.database.url -}}
{{- $_ := set $s "database" $v.database.url -}}
{{- end -}}
{{- if $v.database.passwordSecret.name -}}
{{- $_ := set $s "database_password_file" (printf "/run/database/%s" $v.database.passwordSecret.key) -}}
{{- end -}}
{{- if $v.tls.secret -}}
{{- $tls := dict "cert_file" "/run/tls/tls.crt" "key_file" "/run/tls/tls.key" -}}
{{- if $v.tls.clientCASecret -}}
{{- $_ := set $tls "client_ca_file" "/run/client-ca/ca.crt" -}}
{{- end -}}
{{- $_ := set $s "tls" $tls -}}
{{- end -}}
{{- if $v.tokens.secret -}}
{{- $_ := set $s "auth" (merge (dict "tokens_file" (printf "/run/tokens/%s" $v.tokens.key)) (get $s "auth" | default dict)) -}}
{{- end -}}
{{- if $v.bootScripts.enabled -}}
{{- $boot := get $s "boot_parameters" | default dict -}}
{{- $builtin := merge (dict "listen" (printf ":%d" (int $v.bootScripts.port))) (get $boot "builtin" | default dict) -}}
{{- if $v.bootScripts.url -}}{{- $_ := set $builtin "url" $v.bootScripts.url -}}{{- end -}}
{{- $_ := set $s "boot_parameters" (merge (dict "builtin" $builtin) $boot) -}}
{{- end -}}
{{ toYaml $s }}
{{- end -}}

{{- /* The pod, of one replica and of several. */ -}}
{{- define "bos.pod" -}}
{{- $v := .Values -}}
metadata:
  labels:
    {{- include "bos.labels" . | nindent 4 }}
  annotations:
    # A change of the settings restarts it; files and secrets are read again without.
    checksum/settings: {{ include "bos.settings" . | sha256sum }}
    {{- with $v.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  automountServiceAccountToken: false
  # Variables of Services begin with their names, as those of its settings do with BOS_.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $v.terminationGracePeriodSeconds }}
  {{- with $v.imagePullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: { type: RuntimeDefault }
  {{- if gt (int $v.replicas) 1 }}
  affinity:
    podAntiAffinity:
      {{- if eq $v.antiAffinity "required" }}
      requiredDuringSchedulingIgnoredDuringExecution:
        - topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "bos.selector" . | nindent 14 }}
      {{- else }}
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                {{- include "bos.selector" . | nindent 16 }}
      {{- end }}
  {{- end }}
  {{- with $v.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: bos
      image: {{ printf "%s:%s" $v.image.repository ($v.image.tag | default .Chart.AppVersion) | quote }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      args:
        - serve
        - --config
        - /etc/bos/bos.yaml
        {{- if not $v.tls.secret }}
        - --allow-remote
        {{- end }}
        {{- if $v.hold }}
        - --hold
        {{- end }}
      env:
        # Where it leaves the token for "bos token local" in its container, in a folder of its own.
        - { name: XDG_RUNTIME_DIR, value: /run/bos/own }
        {{- with $v.database.urlSecret }}
        {{- if .name }}
        - name: BOS_DATABASE
          valueFrom: { secretKeyRef: { name: {{ .name }}, key: {{ .key }} } }
        {{- end }}
        {{- end }}
      {{- with $v.secretEnvironment }}
      envFrom:
        {{- range . }}
        - secretRef: { name: {{ . }} }
        {{- end }}
      {{- end }}
      ports:
        - { name: api, containerPort: 8770 }
        {{- if $v.bootScripts.enabled }}
        - name: boot
          containerPort: {{ $v.bootScripts.port }}
          {{- if $v.bootScripts.hostPort }}
          hostPort: {{ $v.bootScripts.port }}
          {{- end }}
        {{- end }}
      # Its port answers once a large database is upgraded.
      startupProbe:
        httpGet: { path: /livez, port: api, scheme: {{ ternary "HTTPS" "HTTP" (ne $v.tls.secret "") }} }
        periodSeconds: 2
        timeoutSeconds: 5
        failureThreshold: 450
      # A restart may help: its engine is stuck. It asks nothing of the database.
      livenessProbe:
        httpGet: { path: /livez, port: api, scheme: {{ ternary "HTTPS" "HTTP" (ne $v.tls.secret "") }} }
        periodSeconds: 20
        timeoutSeconds: 10
        failureThreshold: 3
      # It can use its database. /readyz would take it away while many BMCs are silent.
      readinessProbe:
        httpGet: { path: /v2/healthz, port: api, scheme: {{ ternary "HTTPS" "HTTP" (ne $v.tls.secret "") }} }
        periodSeconds: 3
        timeoutSeconds: 6
        failureThreshold: 2
      resources:
        {{- toYaml $v.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      volumeMounts:
        - { name: settings, mountPath: /etc/bos, readOnly: true }
        - { name: records, mountPath: /var/lib/bos }
        - { name: runtime, mountPath: /run/bos }
        - { name: temporary, mountPath: /tmp }
        {{- if $v.tls.secret }}
        - { name: tls, mountPath: /run/tls, readOnly: true }
        {{- end }}
        {{- if $v.tls.clientCASecret }}
        - { name: client-ca, mountPath: /run/client-ca, readOnly: true }
        {{- end }}
        {{- if $v.tokens.secret }}
        - { name: tokens, mountPath: /run/tokens, readOnly: true }
        {{- end }}
        {{- if $v.database.passwordSecret.name }}
        - { name: database, mountPath: /run/database, readOnly: true }
        {{- end }}
        {{- range $i, $name := $v.secrets }}
        - { name: secret-{{ $i }}, mountPath: /run/secrets/{{ $name }}, readOnly: true }
        {{- end }}
  volumes:
    - { name: settings, configMap: { name: {{ include "bos.fullname" . }} } }
    {{- if include "bos.shared" . }}
    - { name: records, emptyDir: {} }
    {{- end }}
    - { name: runtime, emptyDir: { medium: Memory, sizeLimit: 1Mi } }
    - { name: temporary, emptyDir: { sizeLimit: 64Mi } }
    {{- if $v.tls.secret }}
    - { name: tls, secret: { secretName: {{ $v.tls.secret }}, defaultMode: 0440 } }
    {{- end }}
    {{- if $v.tls.clientCASecret }}
    - { name: client-ca, secret: { secretName: {{ $v.tls.clientCASecret }}, defaultMode: 0440 } }
    {{- end }}
    {{- if $v.tokens.secret }}
    - { name: tokens, secret: { secretName: {{ $v.tokens.secret }}, defaultMode: 0440 } }
    {{- end }}
    {{- if $v.database.passwordSecret.name }}
    - { name: database, secret: { secretName: {{ $v.database.passwordSecret.name }}, defaultMode: 0440 } }
    {{- end }}
    {{- range $i, $name := $v.secrets }}
    - { name: secret-{{ $i }}, secret: { secretName: {{ $name }}, defaultMode: 0440 } }
    {{- end }}
{{- end -}}
