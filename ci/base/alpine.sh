# shellcheck shell=bash disable=SC2154 # work, tree, epoch come from build
# The layer of alpine: busybox's applets as links where Alpine has them, less those Alpine leaves out, and Alpine's folders and accounts.
# There is no apk: without a registry there would be no packages for it either.
version=3.22.0
mkdir -p "$tree"/{bin,dev,etc/apk,etc/profile.d,home,lib,media/cdrom,media/floppy,media/usb,mnt,opt,proc,root,run/lock,sbin,srv,sys,tmp}
mkdir -p "$tree"/usr/{bin,sbin,lib,local/bin,local/lib,local/share,share} "$tree"/var/{cache/apk,cache/misc,empty,lib,local,log,lock,mail,opt,spool,tmp}
chmod 1777 "$tree/tmp" "$tree/var/tmp"
chmod 700 "$tree/root"
chmod 555 "$tree/var/empty"
ln -s /run "$tree/var/run"
install -m 755 "$work/layers/busybox.static" "$tree/bin/busybox"
for path in $("$tree/bin/busybox" --list-full); do
    case $path in
    bin/busybox | */httpd | */ftpd | */hush | */inetd | */tcpsvd | */udpsvd) ;; # the last ones are in busybox-extras
    *) ln -s /bin/busybox "$tree/$path" ;;
    esac
done
# Alpine keeps these in /sbin and /usr/bin, busybox's own installer elsewhere.
[ ! -L "$tree/usr/sbin/nologin" ] || mv "$tree/usr/sbin/nologin" "$tree/sbin/nologin"

echo "$version" >"$tree/etc/alpine-release"
cat >"$tree/etc/os-release" <<RELEASE
NAME="Alpine Linux"
ID=alpine
VERSION_ID=$version
PRETTY_NAME="Alpine Linux v${version%.*}"
HOME_URL="https://alpinelinux.org/"
BUG_REPORT_URL="https://gitlab.alpinelinux.org/alpine/aports/-/issues"
RELEASE
cat >"$tree/etc/passwd" <<'PASSWD'
root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
lp:x:4:7:lp:/var/spool/lpd:/sbin/nologin
sync:x:5:0:sync:/sbin:/bin/sync
shutdown:x:6:0:shutdown:/sbin:/sbin/shutdown
halt:x:7:0:halt:/sbin:/sbin/halt
mail:x:8:12:mail:/var/mail:/sbin/nologin
news:x:9:13:news:/usr/lib/news:/sbin/nologin
uucp:x:10:14:uucp:/var/spool/uucppublic:/sbin/nologin
cron:x:16:16:cron:/var/spool/cron:/sbin/nologin
ftp:x:21:21::/var/lib/ftp:/sbin/nologin
sshd:x:22:22:sshd:/dev/null:/sbin/nologin
games:x:35:35:games:/usr/games:/sbin/nologin
ntp:x:123:123:NTP:/var/empty:/sbin/nologin
guest:x:405:100:guest:/dev/null:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
PASSWD
cat >"$tree/etc/group" <<'GROUP'
root:x:0:root
bin:x:1:root,bin,daemon
daemon:x:2:root,bin,daemon
sys:x:3:root,bin
adm:x:4:root,daemon
tty:x:5:
disk:x:6:root
lp:x:7:lp
kmem:x:9:
wheel:x:10:root
floppy:x:11:root
mail:x:12:mail
news:x:13:news
uucp:x:14:uucp
cron:x:16:cron
audio:x:18:
cdrom:x:19:
dialout:x:20:root
ftp:x:21:
sshd:x:22:
input:x:23:
tape:x:26:root
video:x:27:root
netdev:x:28:
kvm:x:34:kvm
games:x:35:
shadow:x:42:
www-data:x:82:
users:x:100:games
ntp:x:123:
abuild:x:300:
utmp:x:406:
ping:x:999:
nogroup:x:65533:
nobody:x:65534:
GROUP
sed 's/:.*/:!::0:::::/; s/^root:!/root:*/' "$tree/etc/passwd" >"$tree/etc/shadow"
chmod 640 "$tree/etc/shadow"
printf '%s\n' /bin/sh /bin/ash >"$tree/etc/shells"
echo localhost >"$tree/etc/hostname"
printf '%s\t%s\n' 127.0.0.1 'localhost localhost.localdomain' ::1 'localhost localhost.localdomain' >"$tree/etc/hosts"
echo 'Welcome to Alpine!' >"$tree/etc/motd"
# shellcheck disable=SC2016 # for the image's shell
printf '%s\n' 'export PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"' 'export PAGER=less' 'umask 022' \
    'for script in /etc/profile.d/*.sh; do [ ! -r "$script" ] || . "$script"; done' >"$tree/etc/profile"
printf '%s\n' "https://dl-cdn.alpinelinux.org/alpine/v${version%.*}/main" "https://dl-cdn.alpinelinux.org/alpine/v${version%.*}/community" >"$tree/etc/apk/repositories"
echo '0:42 etc/shadow
0:12 var/mail' >"$tree/.owners"
