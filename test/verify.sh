#!/bin/bash
# The one command that passes the tests: lint, types, fast tests (shellcheck among them), drift of dist/, package, end-to-end tests on real servers.
# Made for a fresh Debian machine, as root: it installs what is missing. Its last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export CI=true DEBIAN_FRONTEND=noninteractive

passed=0 failed=0
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

step() { # NAME COMMAND...: one check that passes or fails as a whole
  printf '\n== %s\n' "$1"
  if "${@:2}"; then passed=$((passed + 1)); else failed=$((failed + 1)); printf 'FAILED: %s\n' "$1"; fi
}

tests() { # NAME ARGUMENTS...: a vitest run, whose every test counts; one that did not report counts as a failure
  printf '\n== %s\n' "$1"
  npx vitest run --reporter=default --reporter=json --outputFile="$reports/report.json" "${@:2}"
  local rc=$? counts
  # shellcheck disable=SC2016 # the expression is JavaScript
  counts=$(node -p 'const r = require(process.argv[1]); `${r.numPassedTests} ${r.numFailedTests} ${r.numPendingTests + r.numTodoTests}`' "$reports/report.json" 2>/dev/null) || counts='0 1 0'
  rm -f "$reports/report.json"
  local p f s
  read -r p f s <<<"$counts"
  # Here nothing may be skipped: a check that did not run has not passed.
  [ "$s" = 0 ] || { printf 'FAILED: %s tests of "%s" were skipped\n' "$s" "$1"; f=$((f + s)); }
  # A file that could not be loaded fails no test, only the run.
  [ "$rc" = 0 ] || [ "$f" != 0 ] || f=1
  passed=$((passed + p)) failed=$((failed + f))
}

install_tools() {
  local missing=()
  command -v shellcheck >/dev/null || missing+=(shellcheck)
  command -v bwrap >/dev/null || missing+=(bubblewrap)
  command -v debootstrap >/dev/null || missing+=(debootstrap)
  command -v rclone >/dev/null || missing+=(rclone)
  # Only a static one runs in a root file system that holds nothing else.
  if ! command -v busybox >/dev/null || ldd "$(command -v busybox)" >/dev/null 2>&1; then missing+=(busybox-static); fi
  command -v gawk >/dev/null || missing+=(gawk)
  command -v mawk >/dev/null || missing+=(mawk)
  command -v ssh-keygen >/dev/null || missing+=(openssh-client)
  command -v setpriv >/dev/null || missing+=(util-linux)
  command -v openssl >/dev/null || missing+=(openssl)
  command -v mkfs.ext4 >/dev/null || missing+=(e2fsprogs)
  command -v git >/dev/null || missing+=(git)
  command -v zstd >/dev/null || missing+=(zstd)
  command -v pgrep >/dev/null || missing+=(procps)
  [ "${#missing[@]}" = 0 ] || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; } || return 1
  for tool in shellcheck bwrap debootstrap rclone busybox gawk mawk ssh-keygen setpriv flock openssl mkfs.ext4 fsfreeze git zstd pgrep; do
    command -v "$tool" >/dev/null || { echo "$tool is missing, and the tests need it"; return 1; }
  done
}

synth_is_clean() {
  npm run --silent synth >/dev/null && git diff --exit-code --stat -- dist && [ -z "$(git status --porcelain -- dist)" ]
}

if ! install_tools; then
  printf '0 passed, 1 failed\n'
  exit 1
fi
step 'images and programs that the tests use are there' npx tsx test/prepare.ts
step 'lint' npm run --silent lint
step 'types' npm run --silent typecheck
step 'dist/ is what main.ts synthesizes' synth_is_clean
tests 'fast tests' --project unit
tests 'end-to-end tests' --project e2e
tests 'tests on a Kubernetes' --project cluster

printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
