import { afterEach, describe, expect, it, vi } from "vitest";
import { Fault, request } from "./client";
import { graphql, textOf } from "./document";
import { MeQuery } from "./documents";

afterEach(() => vi.unstubAllGlobals());

const answer = (body: unknown, init: ResponseInit = {}) =>
  vi.stubGlobal("fetch", vi.fn().mockResolvedValue(new Response(JSON.stringify(body), init)));
const faultOf = async () =>
  request(MeQuery, {}).then(
    () => null,
    (cause: unknown) => cause as Fault,
  );

describe("a request", () => {
  it("is a POST of JSON with the cookie of this site", async () => {
    answer({ data: { me: null, setUpNeeded: true } });
    expect(await request(MeQuery, {})).toEqual({ me: null, setUpNeeded: true });
    const [url, sent] = vi.mocked(fetch).mock.calls[0] ?? [];
    expect(url).toBe("/graphql");
    expect(sent).toMatchObject({
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
    });
    expect(JSON.parse(String(sent?.body)).query).toContain("query Me");
  });

  it("keeps what was answered beside an error", async () => {
    answer({ data: { setUpNeeded: false, me: null }, errors: [{ message: "no" }] });
    expect(await request(MeQuery, {})).toMatchObject({ setUpNeeded: false });
  });

  it.each([
    ["signed_out", "signedOut"],
    ["behind", "busy"],
    ["internal", "server"],
  ])("tells %s as %s with its reference", async (code, kind) => {
    answer({ data: null, errors: [{ message: "x", extensions: { code, requestId: "req-1" } }] });
    expect(await faultOf()).toMatchObject({ kind, reference: "req-1" });
  });

  it("survives an answer that is no JSON", async () => {
    vi.stubGlobal(
      "fetch",
      vi.fn().mockResolvedValue(new Response("<html>", { status: 502, headers: { "x-request-id": "req-2" } })),
    );
    expect(await faultOf()).toMatchObject({ kind: "server", reference: "req-2" });
  });

  it("tells a server out of reach", async () => {
    vi.stubGlobal("fetch", vi.fn().mockRejectedValue(new TypeError("failed")));
    expect(await faultOf()).toMatchObject({ kind: "offline" });
  });
});

it("sends each fragment once, however often it is used", () => {
  const inner = graphql(`
    fragment Inner on Account {
      id
    }
  `);
  const outer = graphql(
    `
      fragment Outer on Video {
        id
        owner {
          ...Inner
        }
      }
    `,
    [inner],
  );
  const text = textOf(
    graphql(
      `
        query Q($id: UUID!) {
          video(id: $id) {
            ...Outer
            owner {
              ...Inner
            }
          }
        }
      `,
      [outer, inner],
    ),
  );
  expect(text.match(/fragment Inner/g)).toHaveLength(1);
  expect(text.match(/fragment Outer/g)).toHaveLength(1);
});
