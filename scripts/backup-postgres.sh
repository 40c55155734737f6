#!/usr/bin/env bash
# Back the database of an environment up into one archive.
#
#   scripts/backup-postgres.sh ENVIRONMENT FILE
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
environment=${1:?usage: backup-postgres.sh ENVIRONMENT FILE}
file=${2:?usage: backup-postgres.sh ENVIRONMENT FILE}
npm run --silent dagger -- call backup --env="$environment" --kubeconfig="file://${KUBECONFIG:-$HOME/.kube/config}" export --path="$file"
