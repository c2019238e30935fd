#!/usr/bin/env python3
"""Writes docs/advisories.tsv from a checkout of https://github.com/rustsec/advisory-db.

One line for each advisory about a crate that was not withdrawn: its id, the crate, what kind it is, the versions with
a fix and those that never had the fault (each a list, divided by `;`). A test of the repository holds the lock file
against that list, without a network.

    git clone --depth 1 https://github.com/rustsec/advisory-db && python3 scripts/advisories.py advisory-db
"""

import pathlib
import subprocess
import sys
import tomllib


def row(text):
    facts = tomllib.loads(text.split("```toml\n", 1)[1].split("\n```", 1)[0])
    advisory, versions = facts["advisory"], facts.get("versions", {})
    if "withdrawn" in advisory:
        return None
    kind = advisory.get("informational", "vulnerability")
    ranges = ("; ".join(versions.get(name, [])) for name in ("patched", "unaffected"))
    return "\t".join([advisory["id"], advisory["package"], kind, *ranges])


def main():
    source = pathlib.Path(sys.argv[1])
    rows = [row(path.read_text()) for path in source.glob("crates/*/RUSTSEC-*.md")]
    git = ["git", "-C", str(source), "log", "-1", "--format=%cs"]
    day = sys.argv[2] if len(sys.argv) > 2 else subprocess.run(git, capture_output=True, check=True, text=True).stdout.strip()
    target = pathlib.Path(__file__).parent.parent / "docs" / "advisories.tsv"
    head = f"# Advisories of the RustSec database as of {day}; made by scripts/advisories.py.\n"
    target.write_text(head + "\n".join(sorted(filter(None, rows))) + "\n")


main()
