# shellcheck shell=bash disable=SC2154 # work, suite, more come from build
# Layers as tars that come out the same every time, and images of them in the form that `docker load` reads.

# No file is younger than this, so that equal contents give an equal layer.
epoch=1735689600

# pack FOLDER TAR: everything belongs to root, but for what the folder's `.owners` names: lines of "uid:gid path", files or empty folders.
# An engine refuses a tar that holds a path twice, so these are left out of the first pass.
pack() {
    local folder=$1 tar=$2 owner path others=(--exclude=./.owners)
    local flags=(--sort=name --mtime="@$epoch" --clamp-mtime --format=posix '--pax-option=delete=atime,delete=ctime' --numeric-owner -C "$folder")
    touch "$folder/.owners"
    while read -r owner path; do others+=(--exclude="./$path"); done <"$folder/.owners"
    tar "${flags[@]}" --owner=0 --group=0 --anchored "${others[@]}" -cf "$tar.part" .
    while read -r owner path; do
        tar "${flags[@]}" --owner="${owner%:*}" --group="${owner#*:}" --no-recursion -rf "$tar.part" "./$path"
    done <"$folder/.owners"
    mv "$tar.part" "$tar"
}

# load NAME CMD ENV LAYER…: CMD and ENV are JSON lists, $more is what else the image's configuration has (members of JSON, each with
# its comma), $suite the release that it is made from. Layers that the engine has already are not stored again.
load() {
    local name=$1 cmd=$2 env=$3 stage digest layers='' ids='' history='' before after
    shift 3
    stage=$(mktemp -d "$work/load.XXXXXX")
    for part in "$@"; do
        digest=$(sha256sum "$work/layers/$part.tar" | cut -c1-64)
        mkdir -p "$stage/$digest"
        ln "$work/layers/$part.tar" "$stage/$digest/layer.tar"
        layers+=",\"$digest/layer.tar\""
        ids+=",\"sha256:$digest\""
        history+="{\"created\":\"$created\",\"created_by\":\"ci/base/$part.sh\"},"
    done
    cat >"$stage/config.json" <<JSON
{"architecture":"$(dpkg --print-architecture)","os":"linux","created":"$created","config":{"Env":$env,"Cmd":$cmd,${more-}"Labels":{"$label":"true","$label.from":"$(cat "$work/release.$suite")"}},"rootfs":{"type":"layers","diff_ids":[${ids#,}]},"history":[$history{"created":"$created","created_by":"CMD ${cmd//\"/\\\"}","empty_layer":true}]}
JSON
    case $name in *:*) ;; *) name+=:latest ;; esac
    printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":[%s]}]\n' "$name" "${layers#,}" >"$stage/manifest.json"
    before=$(docker image inspect -f '{{.Id}}' "$name" 2>/dev/null || true)
    tar -C "$stage" -c . | docker load -q >/dev/null
    rm -rf "$stage"
    after=$(docker image inspect -f '{{.Id}}' "$name")
    # The stand-in of an earlier recipe has lost its name; it stays only while something is built on it.
    [ -z "$before" ] || [ "$before" = "$after" ] || docker image rm "$before" >/dev/null 2>&1 || true
}

label=grade.stand-in
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
