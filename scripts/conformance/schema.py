"""Starts the program with an administrator, a channel and a film, and lets schemathesis ask every field of the schema."""

import os
import shutil
import subprocess
import sys
import tempfile
import uuid

from openapi import PASSWORD, graphql, started

CASES_EACH = 20


def session(url, link):
    mutation = "mutation($i: SetUpInput!) { setUp(input: $i) { __typename } }"
    sent = {"i": {"token": link.split("token=")[1], "name": "Ada", "password": PASSWORD}}
    _, cookie = graphql(url, mutation, sent)
    cookie = cookie.split(";")[0]
    mutation = "mutation($i: CreateChannelInput!) { createChannel(input: $i) { __typename } }"
    graphql(url, mutation, {"i": {"operationId": str(uuid.uuid4()), "name": "Club", "visibility": "PUBLIC"}}, cookie)
    return cookie


def main(schemathesis):
    data = tempfile.mkdtemp(prefix="lockstep-conformance-")
    os.chmod(data, 0o711)
    env = os.environ | {
        "PORT": "0", "LOCKSTEP_DATA": data, "LOCKSTEP_DEMO": "off", "LOG_LEVEL": "warn", "LOCKSTEP_LIMITS": "relaxed",
        "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": os.path.dirname(os.path.abspath(__file__)),
    }
    server = subprocess.Popen([env["LOCKSTEP_PROGRAM"], "serve"], env=env, stdout=subprocess.PIPE, text=True)
    try:
        url, link = started(server)
        cookie = session(url, link)
        command = [
            schemathesis, "run", "graphql/schema.graphql", "--url", f"{url}/graphql", "--header", f"Cookie: {cookie}",
            "--header", f"Origin: {url}", "--max-examples", str(CASES_EACH), "--checks", "no_fault",
            "--request-timeout", "10", "--seed", "1",
            # A session of one's own must live on, and so must the account.
            "--exclude-name-regex", "Mutation.(signOut|signOutElsewhere|revokeSession|suspendAccount|grantPlatformRole)",
        ]
        return subprocess.run(command, env=env, check=False).returncode
    finally:
        server.terminate()
        server.wait(timeout=60)
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
