# shellcheck shell=bash disable=SC2154 # work, tree, epoch come from build
# The layer of busybox: one static program, every applet a hard link to it in /bin, and the folders and accounts of the real image.
mkdir -p "$tree"/{bin,dev,etc,home,lib,proc,root,sys,tmp,usr/bin,usr/sbin,usr/lib,var/spool/mail,var/www}
chmod 1777 "$tree/tmp"
chmod 700 "$tree/root"
install -m 755 "$work/layers/busybox.static" "$tree/bin/busybox"
for applet in $("$tree/bin/busybox" --list); do ln -f "$tree/bin/busybox" "$tree/bin/$applet"; done
ln -s ../../bin/env "$tree/usr/bin/env"
ln -s lib "$tree/lib64"

cat >"$tree/etc/passwd" <<'PASSWD'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
PASSWD
cat >"$tree/etc/group" <<'GROUP'
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
lp:x:7:
mail:x:8:
kmem:x:9:
wheel:x:10:root
cdrom:x:11:
dialout:x:18:
floppy:x:19:
video:x:28:
audio:x:29:
tape:x:32:
www-data:x:33:
operator:x:37:
utmp:x:43:
plugdev:x:46:
staff:x:50:
lock:x:54:
netdev:x:82:
users:x:100:
nobody:x:65534:
GROUP
sed 's/:.*/:*:20089:0:99999:7:::/' "$tree/etc/passwd" >"$tree/etc/shadow"
chmod 640 "$tree/etc/shadow"
printf '%s\n' 'passwd: files' 'group: files' 'shadow: files' 'hosts: files dns' >"$tree/etc/nsswitch.conf"
echo '65534:65534 home
8:8 var/spool/mail' >"$tree/.owners"
