#!/usr/bin/env bash
# A teacher's script for secret-mount: secret-mount.sh FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

secret=$RANDOM$RANDOM$RANDOM$RANDOM
echo "$secret" >"$scratch/secret"
digest=$(sha256sum <"$scratch/secret" | cut -d ' ' -f 1)

# Builds at the same time share a step that looks the same, and a secret is no part of its look: a host name of its own keeps them apart.
own=${me//-/}

holds() { "$docker" run --rm --network none "$me" cat /secret.sha256 | grep -q "$digest"; }
no_leak() { ! "$docker" save "$me" | grep -aq "$secret" && ! "$docker" history --no-trunc "$me" | grep -q "$secret"; }
refuses() { ! "$docker" build --no-cache --network none --add-host "$own:127.0.0.1" -t "$me-without" "$submission"; }

point builds "$docker" build --no-cache --network none --add-host "$own:127.0.0.1" --secret "id=mysecret,src=$scratch/secret" -t "$me" "$submission"
point digest holds
point no-leak no_leak
point refuses refuses
total
