# shellcheck shell=bash disable=SC2154 # work comes from build
# Debian's packages without installing them: an apt of our own beside the host's, with its own lists, and unpacking.

# open_packages SUITE [sources]: that release's lists, of source packages too if asked for, from the host's own mirror; where the mirror
# has that release no more, those of the host's. Each release has an apt of its own, in the folder $apt.
open_packages() {
    local wanted=$1 sources=${2-} start host keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirror
    start=$(now)
    apt="$work/apt/$wanted"
    have apt-get || die 3 "stand-ins are made from Debian's packages: this needs apt-get (Debian or Ubuntu)"
    [ -f "$keyring" ] || die 3 "please install debian-archive-keyring: without it Debian's packages cannot be checked"
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : >"$apt/status"
    cat >"$apt/conf" <<CONF
#clear APT::Update;
#clear DPkg;
Dir::State "$apt";
Dir::State::Lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::Archives "$apt/archives";
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
    # shellcheck disable=SC2016 # apt's own placeholders
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        awk '$2 == "main" && $1 ~ /\/debian\/?$/ { print $1; exit }')
    host=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
    for suite in "$wanted" "$host"; do
        write_sources "$suite" "${mirror:-http://deb.debian.org/debian}" "$keyring" "$sources"
        if apt_own update -qq >"$apt/log" 2>&1; then
            echo "debian $suite" >"$work/release.$wanted"
            [ "$suite" = "$wanted" ] || say "no packages of Debian $wanted in reach: the stand-ins are made from $suite"
            say "read the package lists of $suite in $(since "$start")"
            return
        fi
    done
    tail -n 5 "$apt/log" >&2
    die 3 "no Debian mirror answers, and no registry: there is nothing to make base images from"
}

write_sources() {
    local suite=$1 mirror=${2%/} keyring=$3 sources=$4
    {
        printf 'deb [signed-by=%s] %s\n' "$keyring" "$mirror $suite main" "$keyring" "$mirror $suite-updates main" \
            "$keyring" "${mirror%/debian}/debian-security $suite-security main"
        [ -z "$sources" ] || printf 'deb-src [signed-by=%s] %s\n' "$keyring" "$mirror $suite main"
    } >"$apt/sources.list"
}

apt_own() { apt-get -c "$apt/conf" "$@" </dev/null; }

# fetch PACKAGE…: downloads them with all they depend on; prints the files, one a line.
fetch() {
    local log="$apt/log.$BASHPID"
    apt_own -s install "$@" >"$log.list" 2>"$log" || { cat "$log" >&2; return 1; }
    apt_own -qq -y --download-only install "$@" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
    # "Inst libc6 (2.36-9+deb12u10 Debian:12.11/stable [amd64])"
    sed -nE 's/^Inst ([^ ]+) \(([^ ]+) .*\[([a-z0-9]+)\]\).*/\1_\2_\3.deb/p' "$log.list" |
        sed "s/:/%3a/g; s|^|$apt/archives/|"
    rm -f "$log" "$log.list"
}

# What the slim images leave out, as they do.
omitted=(--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*'
    --exclude='./usr/share/info/*' --exclude='./usr/share/lintian/*' --exclude='./usr/share/linda/*' --exclude='./usr/share/groff/*')

# unpack DEB FOLDER: the package's files only.
unpack() {
    dpkg-deb --fsys-tarfile "$1" |
        tar -x -v -p --no-same-owner --keep-directory-symlink "${omitted[@]}" -C "$2"
}

# install_deb DEB FOLDER: files, and an entry in the folder's dpkg database, as if installed.
install_deb() {
    local info="$2/var/lib/dpkg/info" control="$work/control" package file
    rm -rf "$control"
    dpkg-deb --control "$1" "$control"
    package=$(sed -n 's/^Package: //p' "$control/control")
    ! grep -q '^Multi-Arch: same' "$control/control" || package+=":$(sed -n 's/^Architecture: //p' "$control/control")"
    mkdir -p "$info"
    unpack "$1" "$2" | sed -e 's|^\.||' -e 's|^/$|/.|' -e 's|\(.\)/$|\1|' >"$info/$package.list"
    for file in "$control"/*; do
        [ "${file##*/}" = control ] || cp "$file" "$info/$package.${file##*/}"
    done
    { sed 's/^Package: .*/&\nStatus: install ok installed/' "$control/control"; echo; } >>"$2/var/lib/dpkg/status"
}

# merge_usr FOLDER: /bin and its like are links into /usr, made before anything is unpacked through them.
merge_usr() {
    local name
    for name in bin sbin lib lib64; do
        mkdir -p "$1/usr/$name"
        ln -s "usr/$name" "$1/$name"
    done
}
