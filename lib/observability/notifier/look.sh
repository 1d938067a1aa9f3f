#!/bin/sh
# Looks once at jobs and their pods, and puts into queues what is to be told of them. notifier.sh describes the files.
#
# usage: look.sh [save]
#
# With `save` it only writes down what was told.
set -eu
# shellcheck source=lib/shell/lib/outcome.sh
. "$BACKUP_HOME/shell/outcome.sh"
# shellcheck source=lib/kubernetes/kubectl/api.sh
. "$BACKUP_HOME/api/api.sh"
cd "$SCRATCH"

# What is a table goes by tabs. Texts of others are quoted, as Go quotes: no tab and no line break is in them.
# shellcheck disable=SC2016 # the variables are the template's
JOBS='{{range .items}}{{$uid := .metadata.uid}}{{with .spec.template.metadata}}{{with .labels}}{{$labels := .}}{{if eq (print (index . "app.kubernetes.io/managed-by")) "cdk8s-backup"}}{{with index $labels "cdk8s-backup/series"}}S	{{$uid}}	{{.}}	{{with index $labels "cdk8s-backup/operation"}}{{.}}{{else}}-{{end}}
{{end}}{{end}}{{end}}{{end}}J	{{$uid}}	{{.metadata.name}}	{{.metadata.creationTimestamp}}	{{with .status}}{{with .startTime}}{{.}}{{else}}-{{end}}{{else}}-{{end}}	{{with .spec.suspend}}suspended{{else}}-{{end}}	{{with .status}}{{with .failed}}{{.}}{{else}}0{{end}}{{else}}0{{end}}
{{range .metadata.ownerReferences}}{{if eq .kind "CronJob"}}O	{{$uid}}	{{.name}}	{{.uid}}
{{end}}{{end}}{{with .status}}{{range .conditions}}{{if eq .status "True"}}E	{{$uid}}	{{.type}}	{{with .reason}}{{.}}{{else}}-{{end}}	{{.lastTransitionTime}}	{{with .message}}{{printf "%q" .}}{{else}}""{{end}}
{{end}}{{end}}{{with .completionTime}}T	{{$uid}}	{{.}}
{{end}}{{end}}{{end}}'
# shellcheck disable=SC2016 # the variables are the template's
PODS='{{range .items}}{{$pod := .metadata.name}}{{$job := ""}}{{range .metadata.ownerReferences}}{{if eq .kind "Job"}}{{$job = .uid}}{{end}}{{end}}{{if $job}}{{$created := .metadata.creationTimestamp}}{{with .status}}P	{{$job}}	{{$pod}}	{{$created}}	{{.phase}}	{{with .reason}}{{.}}{{else}}-{{end}}	{{with .message}}{{printf "%q" .}}{{else}}""{{end}}
{{range .conditions}}{{if eq .type "DisruptionTarget"}}{{if eq .status "True"}}D	{{$job}}	{{$pod}}	{{.reason}}	{{with .message}}{{printf "%q" .}}{{else}}""{{end}}
{{end}}{{end}}{{if eq .type "PodScheduled"}}{{if eq .status "False"}}U	{{$job}}	{{$pod}}	{{with .reason}}{{.}}{{else}}-{{end}}	{{with .message}}{{printf "%q" .}}{{else}}""{{end}}
{{end}}{{end}}{{end}}{{range .initContainerStatuses}}{{$name := .name}}{{with .state}}{{with .running}}C	{{$job}}	{{$pod}}	{{$name}}	running	-	0	""
{{end}}{{with .waiting}}C	{{$job}}	{{$pod}}	{{$name}}	waiting	{{with .reason}}{{.}}{{else}}-{{end}}	0	{{with .message}}{{printf "%q" .}}{{else}}""{{end}}
{{end}}{{with .terminated}}C	{{$job}}	{{$pod}}	{{$name}}	terminated	{{with .reason}}{{.}}{{else}}-{{end}}	{{.exitCode}}	{{with .message}}{{printf "%q" .}}{{else}}""{{end}}
{{end}}{{end}}{{end}}{{range .containerStatuses}}{{$name := .name}}{{with .state}}{{with .running}}C	{{$job}}	{{$pod}}	{{$name}}	running	-	0	""
{{end}}{{with .waiting}}C	{{$job}}	{{$pod}}	{{$name}}	waiting	{{with .reason}}{{.}}{{else}}-{{end}}	0	{{with .message}}{{printf "%q" .}}{{else}}""{{end}}
{{end}}{{with .terminated}}C	{{$job}}	{{$pod}}	{{$name}}	terminated	{{with .reason}}{{.}}{{else}}-{{end}}	{{.exitCode}}	{{with .message}}{{printf "%q" .}}{{else}}""{{end}}
{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}'
# shellcheck disable=SC2016 # the variables are the template's
STATE='= made {{.metadata.creationTimestamp}}
{{with .data}}{{range $file, $lines := .}}= {{$file}}
{{$lines}}{{end}}{{end}}'

# Each complaint once, until it is another one, or is gone.
complain() { # SUBJECT TEXT
  [ "$(cat "said.$1" 2>/dev/null)" != "$2" ] || return 0
  printf %s "$2" >"said.$1"
  log "ERROR: $2"
}
content() { rm -f "said.$1"; }

load_state() {
  mkdir -p loading
  : >loading/told
  : >loading/since
  : >loading/last
  : >loading/made
  if api get configmap "$NOTIFIER_STATE" -o go-template="$STATE" >loading/all; then
    awk '/^= made / { print $3 >"loading/made"; next } /^= / { file = $2; next } file ~ /^(told|since|last)$/ && NF { gsub(/ /, "\t"); print >("loading/" file) }' loading/all
  elif unreachable api.err; then
    complain api "$(api_reason)"
    exit 1
  else
    complain state "what was told before cannot be read (ConfigMap $NOTIFIER_STATE: $(api_reason)): what ends from now on is told"
  fi
  rm -rf state
  mv loading state
}

# What is written down is of jobs that there are, and of their CronJobs.
save_state() {
  [ -e unsaved ] || return 0
  {
    printf '{"data":{'
    for file in told since last; do
      printf '%s"%s":"' "${separator:-}" "$file"
      tr '\t' ' ' <"state/$file" | awk '{ printf "%s\\n", $0 }'
      separator='",'
    done
    printf '"}}\n'
  } >state.patch
  if api patch configmap "$NOTIFIER_STATE" --type=merge --patch-file=state.patch >/dev/null; then
    rm -f unsaved
    content state
  else
    complain state "what was told cannot be written into ConfigMap $NOTIFIER_STATE: $(api_reason). It is told again after a restart"
  fi
}

[ -e state/made ] || load_state
for item in done/*/*; do
  [ -e "$item" ] || continue
  name=${item##*/}
  channel=${item#done/}
  printf '%s\t%s\t%s\n' "$(printf %s "$name" | cut -d _ -f 2)" "$(printf %s "$name" | cut -d _ -f 3)" "${channel%%/*}" >>state/told
  : >unsaved
  rm -f "$item"
done
if [ "${1:-}" = save ]; then
  save_state
  exit 0
fi

# Jobs first: of one that has ended, the pods that are listed after it have ended, too.
api get jobs -o go-template="$JOBS" >jobs.rows || { complain api "jobs cannot be listed: $(api_reason)"; exit 1; }
api get pods -l app.kubernetes.io/managed-by=cdk8s-backup -o go-template="$PODS" >pods.rows || { complain api "pods cannot be listed: $(api_reason)"; exit 1; }
content api

# A pod that was deleted with its job's deadline has said before why nothing came of it.
[ -e pods.seen ] || : >pods.seen
awk -F '\t' '
  FILENAME == ARGV[1] { if ($1 == "J") job[$2]; next }
  FILENAME == ARGV[2] { if ($2 in job) print; listed[$3]; next }
  ($2 in job) && !($3 in listed)' jobs.rows pods.rows pods.seen >pods.known
mv pods.known pods.seen

[ -e stuck.before ] || : >stuck.before
now=$(date +%s)
moment() { date -u -d "@$((now - $1))" +%Y-%m-%dT%H:%M:%SZ; }
awk -F '\t' -v now="$(moment 0)" -v without_pod="$(moment "${NOTIFIER_WITHOUT_POD:-120}")" -v waiting="$(moment "${NOTIFIER_WAITING:-600}")" -v made="$(cat state/made)" \
  -f "$BACKUP_HOME/notifier/decide.awk" "$NOTIFIER_ROUTES/routes" state/since state/told state/last stuck.before jobs.rows pods.seen >decided

of() { awk -F '\t' -v kind="$1" '$1 == kind' decided | cut -f 2-; }
of stuck >stuck.before
for file in told since last; do
  of "$file" | LC_ALL=C sort >"$file.new"
  [ "$file" = told ] || [ "$(cksum <"$file.new")" = "$(cksum <"state/$file")" ] || : >unsaved
  mv "$file.new" "state/$file"
done
save_state

of message >messages
while IFS= read -r message <&6; do
  # shellcheck disable=SC2046 # none of the columns holds a blank
  set -- $(printf '%s\n' "$message" | cut -f 1-4,6)
  item=$1/$3_$4_$2_$5
  mkdir -p "queue/$1" "done/$1"
  [ ! -e "queue/$item" ] || continue
  [ ! -e "done/$item" ] || continue
  kind=$(awk -F '\t' -v channel="$1" '$1 == channel { print $2 }' "$NOTIFIER_ROUTES/channels")
  printf '%s\n' "$message" | awk -F '\t' -v kind="${kind:-event}" -v room="$NAMESPACE" -v cluster="${NOTIFIER_CLUSTER:-}" \
    -f "$BACKUP_HOME/notifier/message.awk" >item.new
  mv item.new "queue/$item"
done 6<messages
