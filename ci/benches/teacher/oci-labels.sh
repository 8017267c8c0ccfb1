#!/usr/bin/env bash
# A teacher's script for oci-labels: oci-labels.sh FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

label() {
    local name=org.opencontainers.image.$2 value
    value=$("$docker" image inspect --format "{{index .Config.Labels \"$name\"}}" "$1")
    grep -Eq "$3" <<<"$value"
}

point builds "$docker" build --network none -t "$me" "$submission"
point title label "$me" title .
point description label "$me" description .
point version label "$me" version '^[0-9]+\.[0-9]+\.[0-9]+'
point licenses label "$me" licenses '^(MIT|Apache-2.0|GPL-3.0-only|BSD-3-Clause)$'
point source label "$me" source '^https?://[^/]+/.'
point authors label "$me" authors '<[^@]+@[^@]+>'
if grep -q 'ARG VERSION' "$submission/Dockerfile"; then
    point versioned-builds "$docker" build --network none --build-arg VERSION=9.8.7 -t "$me-versioned" "$submission"
    point version-follows label "$me-versioned" version '^9\.8\.7$'
fi
total
