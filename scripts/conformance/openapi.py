"""Starts the program with an administrator, a token and two films, and lets schemathesis ask everything."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import uuid

CASES_EACH = 120
TIERS = ["UPLOAD", "GENERAL", "STREAMING", "STATUS", "SEARCH", "WEBHOOK", "AUTH", "GRAPHQL", "REALTIME"]
PASSWORD = "correct horse battery"
ENCODER_SECRET = "whsec_" + "A" * 44


def graphql(url, query, variables, cookie=""):
    headers = {"content-type": "application/json", "origin": url, "cookie": cookie}
    body = json.dumps({"query": query, "variables": variables}).encode()
    with urllib.request.urlopen(urllib.request.Request(url + "/graphql", body, headers)) as answer:
        return json.load(answer), answer.headers.get("set-cookie", "")


def token_of(url, link):
    mutation = "mutation($i: SetUpInput!) { setUp(input: $i) { __typename } }"
    sent = {"i": {"token": link.split("token=")[1], "name": "Ada", "password": PASSWORD}}
    _, cookie = graphql(url, mutation, sent)
    mutation = "mutation($i: CreateApiTokenInput!) { createApiToken(input: $i) { ... on ApiTokenCreated { token } } }"
    scopes = ["VIDEOS_READ", "VIDEOS_WRITE", "UPLOAD", "NOTIFICATIONS_READ", "WEBHOOKS_READ"]
    ends = subprocess.check_output(["date", "-u", "-d", "+1 day", "+%Y-%m-%dT%H:%M:%SZ"], text=True).strip()
    wanted = {"operationId": str(uuid.uuid4()), "name": "check", "scopes": scopes, "expiresAt": ends, "password": PASSWORD}
    answer, _ = graphql(url, mutation, {"i": wanted}, cookie.split(";")[0])
    return answer["data"]["createApiToken"]["token"]


def upload(url, token):
    body = json.dumps({"fileName": "a.mp4", "fileSize": 9, "contentType": "video/mp4"}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    request = urllib.request.Request(url + "/api/upload/generate-presigned-url", body, headers)
    with urllib.request.urlopen(request) as answer:
        return re.search(r'"videoId":\s*"([0-9a-f-]{36})"', answer.read().decode())[1]


def started(server):
    url = link = None
    for line in server.stdout:
        found = re.search(r"http://\S+", line)
        if found and "/setup?token=" in found[0]:
            link = found[0]
        elif found:
            url = found[0]
        if "Ctrl-C" in line:
            return url, link
    raise SystemExit("the program did not start")


def main(schemathesis):
    data = tempfile.mkdtemp(prefix="lockstep-conformance-")
    os.chmod(data, 0o711)
    env = os.environ | {
        "PORT": "0", "LOCKSTEP_DATA": data, "LOCKSTEP_DEMO": "off", "LOG_LEVEL": "warn",
        "LOCKSTEP_ENCODER_SECRET": ENCODER_SECRET, "LOCKSTEP_ACCOUNT_UPLOADS_MAX": "1000",
        # What lies behind the limits is to be tried, not they.
        **{f"LOCKSTEP_LIMIT_{tier}": "100000/60" for tier in TIERS},
    }
    server = subprocess.Popen([env["LOCKSTEP_PROGRAM"], "serve"], env=env, stdout=subprocess.PIPE, text=True)
    try:
        url, link = started(server)
        token = token_of(url, link)
        films = [upload(url, token), upload(url, token)]
        hooks = {"SCHEMATHESIS_HOOKS": "signing", "PYTHONPATH": os.path.dirname(os.path.abspath(__file__))}
        env |= hooks | {"CONFORMANCE_FILMS": ",".join(films)}
        checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
        command = [
            schemathesis, "run", "docs/openapi.json", "--url", url, "--header", f"Authorization: Bearer {token}",
            "--max-examples", str(CASES_EACH), "--checks", checks, "--phases", "examples,coverage,fuzzing",
            "--mode", "all", "--request-timeout", "10", "--seed", "1",
        ]
        return subprocess.run(command, env=env, check=False).returncode
    finally:
        server.terminate()
        server.wait(timeout=60)
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
