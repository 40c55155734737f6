#!/usr/bin/env bash
# Restore an archive made by backup-postgres.sh; refuses a database with rows unless --force is given.
#
#   scripts/restore-postgres.sh ENVIRONMENT FILE [--force]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
environment=${1:?usage: restore-postgres.sh ENVIRONMENT FILE [--force]}
file=${2:?usage: restore-postgres.sh ENVIRONMENT FILE [--force]}
npm run --silent dagger -- call restore --env="$environment" --kubeconfig="file://${KUBECONFIG:-$HOME/.kube/config}" --archive="$file" "${@:3}"
