# shellcheck shell=bash disable=SC2154 # work, tree come from build
# The layer of grade-sandbox: a whole Docker Engine, its CLI with buildx and Compose, and what students' scripts use; from Debian
# forky, which has the newest engine of all releases: Docker 28.5 with BuildKit 0.25, buildx 0.29, Compose 2.40.
merge_usr "$tree"
fetch docker.io docker-cli docker-buildx docker-compose iptables ca-certificates base-files base-passwd libc-bin \
    bash dash coreutils util-linux mount e2fsprogs procps hostname findutils grep sed mawk diffutils debianutils \
    tar gzip bzip2 xz-utils zstd curl wget jq >"$work/sandbox.debs"

# Depended on for installing, services or boot; nothing of that happens in a container.
idle='adduser|passwd|dpkg|debconf|perl-base|openssl|init-system-helpers|sysvinit-utils|login|login\.defs|logsave|systemd|systemd-.*|udev|dmsetup|libpam-.*|libperl.*|libdb5.*|gcc-.*-base|tzdata|netbase'
grep -vE "/($idle)_[^/]*\$" "$work/sandbox.debs" | while read -r deb; do unpack "$deb" "$tree" >/dev/null; done

mkdir -p "$tree"/{dev,proc,sys,run,tmp,mnt,root,home,opt,var/{tmp,log,lib/docker,lib/containerd},etc/docker}
chmod 1777 "$tree/tmp" "$tree/var/tmp"
chmod 700 "$tree/root"
rm -rf "$tree"/var/{run,lock}
ln -s /run "$tree/var/run"
ln -s /run/lock "$tree/var/lock"
rm -rf "${tree:?}"/usr/share/{bash-completion,zsh,fish,bug,initramfs-tools,apport,man,doc,info,locale,gdb,perl5,pixmaps,menu,polkit-1,doc-base,common-licenses,lintian} \
    "$tree"/usr/lib/{systemd,tmpfiles.d,sysusers.d,udev,modules-load.d,sysctl.d} "$tree"/usr/lib/*/{gconv,perl-base,audit,security,e2fsprogs} \
    "$tree"/etc/{init.d,default,cron.d,cron.daily,cron.hourly,logrotate.d,systemd,init,apparmor.d,kernel} "$tree"/var/{cache,lib/dpkg,lib/systemd,mail,backups}
# Tools of the packages that nothing here calls.
rm -f "$tree"/usr/bin/{ctr,containerd-stress,containerd-shim,containerd-shim-runc-v1,dockerd-rootless*,rootlesskit*,vpnkit*}

# base-passwd, docker.io
cp "$tree/usr/share/base-passwd/passwd.master" "$tree/etc/passwd"
cp "$tree/usr/share/base-passwd/group.master" "$tree/etc/group"
sed -i 's|^root:[^:]*:\(.*\):[^:]*$|root:x:\1:/bin/bash|; s|^\([^:]*\):\*:|\1:x:|' "$tree/etc/passwd"
sed -i 's|^\([^:]*\):\*:|\1:x:|' "$tree/etc/group"
echo 'docker:x:999:' >>"$tree/etc/group"

# libc-bin, dash, mawk, debianutils, ca-certificates
printf '%s\n' 'passwd: files' 'group: files' 'hosts: files dns' 'services: files' 'protocols: files' >"$tree/etc/nsswitch.conf"
[ -e "$tree/usr/bin/sh" ] || ln -s dash "$tree/usr/bin/sh"
ln -sfn mawk "$tree/usr/bin/awk"
ln -sfn which.debianutils "$tree/usr/bin/which"
mkdir -p "$tree/etc/ssl/certs"
cat "$tree"/usr/share/ca-certificates/mozilla/*.crt >"$tree/etc/ssl/certs/ca-certificates.crt"
rm -rf "$tree/usr/share/ca-certificates"

# iptables: what the alternatives are by default. A kernel without nf_tables takes iptables-legacy, which is there as well.
for name in iptables ip6tables; do
    for tool in '' -save -restore; do ln -sfn "$name-nft$tool" "$tree/usr/sbin/$name$tool"; done
done

# Without what an engine never asks of its containerd: it starts sooner, and opens no further socket.
cat >"$tree/etc/containerd/config.toml" <<'TOML'
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
TOML
