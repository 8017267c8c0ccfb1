# shellcheck shell=bash disable=SC2154 # work, tree, epoch come from build
# The layer that makes debian:bookworm-slim python:3.12-slim: Debian's Python moved to /usr/local and set up as python.org's is.
# The version is Debian's own (3.11 in Debian 12): the image's PYTHON_VERSION and the set-up say so.
merge_usr "$tree"
mkdir -p "$tree/var/lib/dpkg"
cp "$work/layers/debian.status" "$tree/var/lib/dpkg/status"
fetch '?essential' apt usr-is-merged ca-certificates netbase python3 python3-venv python3-pip-whl >"$work/python.debs"

# The libraries are packages of the system, as in the real image; Python itself is not, so it goes into no database.
grep -vxFf "$work/debian.debs" "$work/python.debs" | while read -r deb; do
    case ${deb##*/} in
    python3.[0-9]* | libpython3.[0-9]* | python3-*-whl_*) unpack "$deb" "$tree" >/dev/null ;;
    python3* | libpython3*) ;; # Debian's defaults, distutils and 2to3: python.org's has none of them any more
    *) install_deb "$deb" "$tree" ;;
    esac
done

# A Python finds its library beside its own program: moved together, its prefix is /usr/local.
minor=$(basename "$tree"/usr/lib/python3.*)
lib="$tree/usr/local/lib/$minor"
bin="$tree/usr/local/bin"
mkdir -p "$bin" "$lib"
cp -a "$tree/usr/lib/$minor/." "$lib"
rm -rf "${tree:?}"/{usr/lib/{"$minor",python3},etc/"$minor",usr/share/{applications,pixmaps,python3,binfmts},var/lib/binfmts}
mv "$tree/usr/bin/$minor" "$bin/"
rm -f "$tree"/usr/bin/{python3*,py*3*,pdb3*,2to3*} "$lib/sitecustomize.py" "$lib/EXTERNALLY-MANAGED"
rm -rf "$lib"/{test,lib2to3,__pycache__}
ln -s "$minor" "$bin/python3"
ln -s python3 "$bin/python"
# Submissions name the version that the image's tag promises.
if [ "$minor" != python3.12 ]; then
    ln -s "$minor" "$bin/python3.12"
    ln -s "$minor" "$tree/usr/local/lib/python3.12"
fi

# Debian's two changes to where packages are installed and where they are looked for, undone.
# The second is in the program too, frozen: the two names are equally long, so it can be put right there.
sysconfig="$lib/sysconfig.py"
[ -f "$sysconfig" ] || sysconfig="$lib/sysconfig/__init__.py"
sed -i "s/prefix_scheme = 'posix_local'/prefix_scheme = 'posix_prefix'/; s/'DEB_PYTHON_INSTALL_LAYOUT', 'posix_local'/'DEB_PYTHON_INSTALL_LAYOUT', 'posix_prefix'/" "$sysconfig"
LC_ALL=C sed -i 's/dist-packages/site-packages/g' "$lib/site.py" "$bin/$minor"

# pip, from the wheel that `python -m venv` uses.
# Unzipped by Debian's busybox: not every machine has an unzip.
site="$lib/site-packages"
mkdir -p "$work/unzip"
unpack "$(fetch busybox-static | grep busybox)" "$work/unzip" >/dev/null
mkdir -p "$site"
"$work/unzip/bin/busybox" unzip -q -d "$site" "$tree"/usr/share/python-wheels/pip-*.whl
for name in pip pip3 "pip${minor#python}"; do
    printf '%s\n' "#!/usr/local/bin/$minor" 'import re' 'import sys' 'from pip._internal.cli.main import main' \
        "if __name__ == '__main__':" "    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?\$', '', sys.argv[0])" '    sys.exit(main())' >"$bin/$name"
    chmod 755 "$bin/$name"
done

# ca-certificates: its bundle, which update-ca-certificates writes.
mkdir -p "$tree/etc/ssl/certs"
cat "$tree"/usr/share/ca-certificates/mozilla/*.crt >"$tree/etc/ssl/certs/ca-certificates.crt"
(cd "$tree/usr/share/ca-certificates" && find . -name '*.crt' | sed 's|^\./||' | LC_ALL=C sort) >"$tree/etc/ca-certificates.conf"

rm -rf "${tree:?}"/{bin,sbin,lib,lib64}
sed -nE 's|.*/python3\.[0-9]+_([0-9.]+).*|\1|p' "$work/python.debs" | head -n 1 >"$work/layers/python.version"
say "python:3.12-slim's stand-in has Python $(cat "$work/layers/python.version")"
