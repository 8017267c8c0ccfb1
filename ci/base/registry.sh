# shellcheck shell=bash disable=SC2154 # work, tree come from build
# The layer that makes alpine registry:2: Debian's docker-registry where the real image has it, and the C library that it needs there.
fetch docker-registry | grep -E '/(docker-registry|libc6)_' | while read -r deb; do unpack "$deb" "$tree" >/dev/null; done
mkdir -p "$tree"/{bin,lib,var/lib/registry}
mv "$tree/usr/bin/docker-registry" "$tree/bin/registry"
# From Debian 13 on the library's packages have it below /usr.
for folder in lib lib64; do
    rm -rf "$tree/usr/$folder"/{systemd,tmpfiles.d,*/gconv,*/audit}
    [ ! -d "$tree/usr/$folder" ] || cp -a "$tree/usr/$folder" "$tree/"
done
rm -rf "${tree:?}"/{usr,etc}

mkdir -p "$tree/etc/docker/registry"
cat >"$tree/etc/docker/registry/config.yml" <<'YML'
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
YML
cat >"$tree/entrypoint.sh" <<'SH'
#!/bin/sh
set -e
case "$1" in
*.yaml | *.yml) set -- registry serve "$@" ;;
serve | garbage-collect | help | -*) set -- registry "$@" ;;
esac
exec "$@"
SH
chmod 755 "$tree/entrypoint.sh"
