#!/usr/bin/env bash
set -euo pipefail
: "${REGISTRY:?set REGISTRY to host:port}"

here=$(dirname -- "${BASH_SOURCE[0]}")
readonly image="${REGISTRY}/team/app"

publish() {
    local tag=$1
    docker image build --quiet --tag "app:${tag}" --file "$here/Dockerfile" "$here"
    docker image tag "app:${tag}" "${image}:${tag}"
    docker image push --quiet "${image}:${tag}"
}

publish 1.0
