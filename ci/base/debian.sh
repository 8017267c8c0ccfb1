# shellcheck shell=bash disable=SC2154 # work, tree, apt come from build
# The layer of debian:bookworm-slim: the packages of the real image, and by hand what their set-up scripts would do.
merge_usr "$tree"
fetch '?essential' adduser apt debian-archive-keyring e2fsprogs gpgv mount passwd tzdata usr-is-merged util-linux-extra >"$work/debian.debs"
while read -r deb; do install_deb "$deb" "$tree"; done <"$work/debian.debs"

mkdir -p "$tree"/{dev,proc,sys,run,tmp,mnt,media,srv,opt,home,boot,etc/{opt,apt/sources.list.d},usr/local/{bin,sbin,lib,share,include,etc,src,games},var/{tmp,local,opt,mail,log,spool,backups},var/cache/apt/archives/partial,var/lib/apt/lists/partial}
mkdir -p "$tree"/var/lib/dpkg/{updates,triggers,parts,alternatives}
touch "$tree"/var/lib/dpkg/{available,diversions,statoverride,triggers/Unincorp,triggers/Lock,lock,lock-frontend}
echo 1 >"$tree/var/lib/dpkg/info/format"
chmod 1777 "$tree/tmp" "$tree/var/tmp"
chmod 2775 "$tree/var/mail"
ln -sfn ../mail "$tree/var/spool/mail"
chmod 700 "$tree/root" "$tree/var/cache/apt/archives/partial" "$tree/var/lib/apt/lists/partial"

# base-passwd, apt
cp "$tree/usr/share/base-passwd/passwd.master" "$tree/etc/passwd"
cp "$tree/usr/share/base-passwd/group.master" "$tree/etc/group"
sed -i 's|^root:[^:]*:\(.*\):[^:]*$|root:x:\1:/bin/bash|; s|^\([^:]*\):\*:|\1:x:|' "$tree/etc/passwd"
sed -i 's|^\([^:]*\):\*:|\1:x:|' "$tree/etc/group"
echo '_apt:x:42:65534::/nonexistent:/usr/sbin/nologin' >>"$tree/etc/passwd"
awk -F: '{ print $1 ":*:20089:0:99999:7:::" }' "$tree/etc/passwd" >"$tree/etc/shadow"
awk -F: '{ print $1 ":*::" }' "$tree/etc/group" >"$tree/etc/gshadow"
chmod 640 "$tree/etc/shadow" "$tree/etc/gshadow"
: >"$tree/etc/subuid" && : >"$tree/etc/subgid"
echo '0:42 etc/shadow
0:42 etc/gshadow
0:8 var/mail
42:0 var/cache/apt/archives/partial
42:0 var/lib/apt/lists/partial' >"$tree/.owners"

# base-files, libc-bin, debianutils, dash, tzdata
cp "$tree/usr/share/base-files/profile" "$tree/etc/profile"
cp "$tree/usr/share/base-files/dot.bashrc" "$tree/root/.bashrc"
cp "$tree/usr/share/base-files/dot.profile" "$tree/root/.profile"
cp "$tree/usr/share/base-files/motd" "$tree/etc/motd"
[ ! -f "$tree/usr/share/libc-bin/nsswitch.conf" ] || cp "$tree/usr/share/libc-bin/nsswitch.conf" "$tree/etc/nsswitch.conf"
printf '%s\n' '# /etc/shells: valid login shells' /bin/sh /bin/bash /usr/bin/bash /bin/rbash /usr/bin/rbash /bin/dash /usr/bin/dash >"$tree/etc/shells"
[ -e "$tree/usr/bin/sh" ] || ln -s dash "$tree/usr/bin/sh"
ln -sf /usr/share/zoneinfo/Etc/UTC "$tree/etc/localtime"
echo Etc/UTC >"$tree/etc/timezone"
echo localhost >"$tree/etc/hostname"

# The alternatives that are commands (update-alternatives itself wants an absolute root and knows it as --root).
mkdir -p "$tree/etc/alternatives"
alternative() {
    update-alternatives --quiet --root "$tree" --install "$@" 2>/dev/null ||
        { ln -sf "$3" "$tree/etc/alternatives/$2" && ln -sf "/etc/alternatives/$2" "$tree$1"; }
}
alternative /usr/bin/awk awk /usr/bin/mawk 5
alternative /usr/bin/nawk nawk /usr/bin/mawk 5
alternative /usr/bin/pager pager /usr/bin/more 50
[ ! -e "$tree/usr/bin/which.debianutils" ] || alternative /usr/bin/which which /usr/bin/which.debianutils 0
rm -f "$tree/var/log/alternatives.log"

# libpam-runtime: what pam-auth-update writes where there is only pam_unix; `su` and `useradd` want it.
pam() { printf '%s\n' "${@:2}" >"$tree/etc/pam.d/common-$1"; }
pam auth 'auth [success=1 default=ignore] pam_unix.so nullok' 'auth requisite pam_deny.so' 'auth required pam_permit.so'
pam account 'account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so' 'account requisite pam_deny.so' 'account required pam_permit.so'
pam password 'password [success=1 default=ignore] pam_unix.so obscure yescrypt' 'password requisite pam_deny.so' 'password required pam_permit.so'
pam session 'session [default=1] pam_permit.so' 'session requisite pam_deny.so' 'session required pam_permit.so' 'session required pam_unix.so'
pam session-noninteractive 'session [default=1] pam_permit.so' 'session requisite pam_deny.so' 'session required pam_permit.so' 'session required pam_unix.so'

sed 's/ \[signed-by=[^]]*\]//; /^deb-src/d' "$apt/sources.list" >"$tree/etc/apt/sources.list"
# The layer above writes the database whole.
cp "$tree/var/lib/dpkg/status" "$work/layers/debian.status"
