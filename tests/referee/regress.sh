#!/usr/bin/env bash
# The statements of PostgreSQL's own tests, from the source package of the newest PostgreSQL that this Debian has:
# regress.sh FOLDER unpacks them there. Nothing of the machine's own configuration is changed. Exit status: 77 if there
# is no such package to be had.
set -eu

folder=${1:?where to}
if [ -e "$folder/complete" ]; then
  cat "$folder/complete"
  exit 0
fi
command -v apt-get >/dev/null 2>&1 || { echo 'no apt-get: no tests of PostgreSQL' >&2; exit 77; }

rm -rf "$folder"
mkdir -p "$folder/apt/parts" "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/sql"
folder=$(cd "$folder" && pwd)
codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-none}")
# The machine's own places for Debian's packages, asked for sources.
for file in /etc/apt/sources.list.d/*.sources; do
  if [ -e "$file" ] && grep -Eq "^Suites:.* ?$codename( |\$)" "$file"; then
    sed 's/^Types:.*/Types: deb-src/' "$file" >"$folder/apt/parts/$(basename "$file")"
  fi
done
cat /etc/apt/sources.list 2>/dev/null | sed -n 's/^deb /deb-src /p' >"$folder/apt/parts/own.list"
apt_options=(-q -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$folder/apt/parts"
  -o "Dir::State::lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt" -o "APT::Sandbox::User=root")

# The newest version that can really be had: a mirror may list one that it has no more.
fetch() {
  apt-get "${apt_options[@]}" update
  cd "$folder/apt"
  /usr/lib/apt/apt-helper cat-file lists/*Sources* |
    awk '/^Package: / { name = $2 } /^Version: / && name ~ /^postgresql-[0-9]+$/ { print name "=" $2 }' | sort -rV >versions
  while read -r version; do
    if apt-get "${apt_options[@]}" source --download-only "$version"; then return 0; fi
  done <versions
  return 1
}
fetch >"$folder/apt/log" 2>&1 || { tail -n 3 "$folder/apt/log" >&2; echo 'no source package of PostgreSQL to be had' >&2; exit 77; }

python3 - "$folder" <<'END'
import pathlib, sys, tarfile
folder = pathlib.Path(sys.argv[1])
(archive,) = folder.glob("apt/*.orig.tar.*[0-9a-z]")
with tarfile.open(archive) as tar:
    for member in tar:
        path = pathlib.PurePosixPath(member.name)
        if member.isfile() and path.suffix == ".sql" and path.parent.name == "sql":
            # Flat, with the path in the name.
            (folder / "sql" / "-".join(path.parts[1:])).write_bytes(tar.extractfile(member).read())
(folder / "complete").write_text(f"{archive.name}\n")
END
rm -rf "$folder/apt"
cat "$folder/complete"
