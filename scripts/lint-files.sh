#!/bin/sh
# Lint what is neither TypeScript nor Python: Dockerfiles, shell scripts, workflows. Every linter runs, whatever the others say.
set -u
status=0
step() {
  echo "== $1"
  shift
  "$@" || status=1
}
step hadolint find docker -name Dockerfile -exec hadolint --config docker/hadolint.yaml {} +
step shellcheck find scripts docker offline .ci -name '*.sh' -exec shellcheck {} +
step actionlint find .github/workflows -name '*.yml' -exec actionlint {} +
step zizmor zizmor --offline --no-progress .github/workflows
exit $status
