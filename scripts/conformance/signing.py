"""Gets past the doors: signs the messages of an external encoder as Standard Webhooks describes it, lets most of them say
something about a film that is there, and names such a film in every second address. One message in eight stays as it was
made up, so that refusals are seen as well."""

import base64
import hashlib
import hmac
import json
import os
import time

import schemathesis
from requests.auth import AuthBase

PATH = "/api/webhook/processing-complete"
SECRET = base64.b64decode(os.environ["LOCKSTEP_ENCODER_SECRET"].removeprefix("whsec_"))
FILMS = os.environ["CONFORMANCE_FILMS"].split(",")


def chosen(text):
    """A number that follows from a text: the same run is the same again."""
    return hashlib.sha256(text).digest()[0]


def sensible(body):
    """The same message about a film that is there, with what its status goes with: no schema says that."""
    try:
        said = json.loads(body)
    except ValueError:
        return body
    if not isinstance(said, dict) or said.get("status") not in ("completed", "failed") or chosen(body) % 4 == 1:
        return body
    more = {"durationMs": 5_400_000} if said["status"] == "completed" else {"error": "the disk is full"}
    return json.dumps({"videoId": FILMS[chosen(body) % len(FILMS)], "status": said["status"], **more}).encode()


class Signed(AuthBase):
    def __call__(self, request):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        if chosen(body) % 8 == 0:
            return request
        # Whatever was made up names the delivery: few of them are the same.
        name, now = f"check-{hashlib.sha256(body).hexdigest()[:32]}", str(int(time.time()))
        body = sensible(body)
        request.prepare_body(body, None)
        signed = hmac.new(SECRET, f"{name}.{now}.".encode() + body, hashlib.sha256).digest()
        request.headers["webhook-id"] = name
        request.headers["webhook-timestamp"] = now
        request.headers["webhook-signature"] = "v1," + base64.b64encode(signed).decode()
        return request


schemathesis.auth.set_from_requests(Signed()).apply_to(path=PATH)


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Every second address is one of a film there is; what is deleted is not."""
    named = path_parameters and "id" in path_parameters and context.operation.method.upper() != "DELETE"
    if named and chosen(str(path_parameters["id"]).encode()) % 2 == 0:
        return path_parameters | {"id": FILMS[len(str(path_parameters)) % len(FILMS)]}
    return path_parameters
