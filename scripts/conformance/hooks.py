"""What schemathesis cannot know: how a position looks, and which of our errors are faults of the server."""

import schemathesis
from hypothesis import strategies
from schemathesis.graphql import nodes

schemathesis.graphql.scalar("Position", strategies.integers(min_value=0, max_value=2**63 - 1).map(str).map(nodes.String))

# Every other code tells a caller what it did wrong.
FAULTS = {"internal", "unavailable"}


@schemathesis.check
def no_fault(ctx, response, case):
    assert response.status_code < 500, f"{response.status_code}"
    for error in response.json().get("errors") or []:
        code = error.get("extensions", {}).get("code")
        assert code is not None and code not in FAULTS, f"{code}: {error}"
