#!/usr/bin/env bash
# Deploy to a local cluster: Minikube, kind or k3d, whichever the kubeconfig's current context is.
#
#   scripts/deploy-minikube.sh [arguments of `dagger call deploy`]
#
# Before: a registry that the cluster can pull from, and for Minikube a network plugin that enforces policies and an ingress:
#   minikube start --cni=calico --addons=registry,ingress,metrics-server
#   export REGISTRY=localhost:5000
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${REGISTRY:?set REGISTRY to a registry that the cluster can pull from, such as localhost:5000}"

images=$(mktemp)
trap 'rm -f "$images"' EXIT
npm run --silent dagger -- call publish --registry="$REGISTRY" --tag=local export --path="$images"
npm run --silent dagger -- call deploy --env=dev --kubeconfig="file://${KUBECONFIG:-$HOME/.kube/config}" --images="$images" "$@"
