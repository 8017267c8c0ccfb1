# shellcheck shell=bash disable=SC2154 # work, tree, epoch come from build
# Compiles busybox from Debian's source, static, into $work/busybox.
# Debian's own binaries will not do: no adduser, nohup, nice, pgrep, install …, `wget -T` crashes, and their shell runs applets that the image has no link for.
[ ! -x "$work/layers/busybox.static" ] || return 0
start=$(now)
source="$work/source"
rm -rf "$source" && mkdir -p "$source/tree"
(cd "$source" && apt_own -qq source --download-only busybox) >"$work/busybox.log" 2>&1
tar -xf "$source"/busybox_*.orig.tar.* -C "$source/tree" --strip-components=1

# Left out, to compile in half the time: what deals in hardware, boot, kernel modules, mail, printers or services.
left_out=(
    RPM DPKG DPKG_DEB RUN_INIT RESUME NUKE INIT LINUXRC BOOTCHARTD HUSH BC DC TLS FEATURE_WGET_HTTPS SSL_CLIENT
    CHVT DEALLOCVT DUMPKMAP FGCONSOLE KBD_MODE LOADFONT SETFONT LOADKMAP OPENVT SETCONSOLE SETKEYCODES SETLOGCONS SHOWKEY
    DEPMOD INSMOD LSMOD MODINFO MODPROBE RMMOD MAKEMIME POPMAILDIR REFORMIME SENDMAIL LPD LPR LPQ
    CHPST SETUIDGID ENVUIDGID ENVDIR SOFTLIMIT RUNSV RUNSVDIR SV SVC SVOK SVLOGD FSCK TUNE2FS
    UDHCPC UDHCPC6 UDHCPD DHCPRELAY DUMPLEASES VOLUMEID TC ARP ARPING BRCTL DNSD ETHER_WAKE FTPD FAKEIDENTD NAMEIF NBDCLIENT NTPD
    PSCAN SLATTACH TELNETD TFTPD TUNCTL VCONFIG WHOIS ZCIP IFENSLAVE IFPLUGD IFUP IFDOWN
    ACPID BLKID BLKDISCARD EJECT FBSET FDFORMAT FDISK FINDFS FDFLUSH FREERAMDISK FSCK_MINIX FSFREEZE FSTRIM HWCLOCK LSPCI LSUSB
    MDEV MKE2FS MKFS_EXT2 MKFS_MINIX MKFS_REISER MKDOSFS MKFS_VFAT RDEV READPROFILE RTCWAKE UEVENT SWITCH_ROOT
    ADJTIMEX BEEP CHAT CONSPY DEVFSD DEVMEM FBSPLASH FLASH_ERASEALL FLASH_LOCK FLASH_UNLOCK FLASHCP HDPARM HEXEDIT
    I2CGET I2CSET I2CDUMP I2CDETECT I2CTRANSFER LSSCSI MAKEDEVS MAN MICROCOM MIM MT NANDWRITE NANDDUMP PARTPROBE RAIDAUTORUN
    READAHEAD RFKILL RUNLEVEL RX SETFATTR SETSERIAL UBIATTACH UBIDETACH UBIMKVOL UBIRMVOL UBIRSVOL UBIUPDATEVOL UBIRENAME VOLNAME
    SELINUX WATCHDOG
)
{
    make -C "$source/tree" defconfig
    for option in "${left_out[@]}"; do sed -i "s/^CONFIG_$option=y/# CONFIG_$option is not set/" "$source/tree/.config"; done
    sed -i 's/.*CONFIG_STATIC[ =].*/CONFIG_STATIC=y/; s/^CONFIG_EXTRA_CFLAGS=.*/CONFIG_EXTRA_CFLAGS="-w -O1 -std=gnu17"/' "$source/tree/.config"
    # Its build would otherwise print the time into the program.
    SOURCE_DATE_EPOCH=$epoch KCONFIG_NOTIMESTAMP=1 make -C "$source/tree" -j "$(($(nproc) + 1))" busybox SKIP_STRIP=n
} >>"$work/busybox.log" 2>&1 < <(yes '')
cp "$source/tree/busybox" "$work/layers/busybox.static"
rm -rf "$source"
say "compiled busybox in $(since "$start")"
