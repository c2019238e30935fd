import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { waiting } from "../app/waiting.svelte";
import { Fault, request } from "./client";
import { graphql, textOf } from "./document";
import { CreateChannel, MeQuery, SignIn, StatusQuery } from "./documents";

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
    const body = JSON.parse(String(sent?.body));
    expect(body).toEqual({
      operationName: "Me",
      variables: {},
      extensions: {
        persistedQuery: { version: 1, sha256Hash: createHash("sha256").update(textOf(MeQuery)).digest("hex") },
      },
    });
  });

  it("sends the text of a document that the server does not know", async () => {
    const unknown = { errors: [{ message: "no", extensions: { code: "PERSISTED_QUERY_NOT_FOUND" } }] };
    const said = [unknown, { data: { me: null, setUpNeeded: true } }];
    vi.stubGlobal(
      "fetch",
      vi.fn(async () => new Response(JSON.stringify(said.shift()))),
    );
    expect(await request(MeQuery, {})).toEqual({ me: null, setUpNeeded: true });
    const queries = vi.mocked(fetch).mock.calls.map(([, sent]) => JSON.parse(String(sent?.body)).query);
    expect(queries).toEqual([undefined, textOf(MeQuery)]);
  });

  it("sends the text alone where the browser has no hashes", async () => {
    vi.stubGlobal("crypto", {});
    answer({ data: { position: "1", projections: null } });
    await request(StatusQuery, {});
    const [, sent] = vi.mocked(fetch).mock.calls[0] ?? [];
    const body = JSON.parse(String(sent?.body));
    expect(body).toEqual({ query: textOf(StatusQuery), operationName: "Status", variables: {} });
  });

  it("keeps what was answered beside an error", async () => {
    answer({ data: { setUpNeeded: false, me: null }, errors: [{ message: "no" }] });
    expect(await request(MeQuery, {})).toMatchObject({ setUpNeeded: false });
  });

  it.each([
    ["signed_out", "signedOut"],
    ["behind", "busy"],
    ["internal", "server"],
    ["rate_limited", "tooMany"],
    ["DOCUMENT_NOT_TRUSTED", "stale"],
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

describe("a request that was refused for now", () => {
  const input = { operationId: "5f0c3c6e-0000-4000-8000-000000000001", name: "Club", visibility: "PUBLIC" as const };
  const made = { createChannel: { __typename: "ChannelCreated", id: "1", slug: "club", position: "1" } };
  const refusing = (times: number, data: unknown, retryAfter = "7") => {
    let left = times;
    const refused = () =>
      new Response(JSON.stringify({ errors: [{ message: "wait", extensions: { code: "rate_limited" } }] }), {
        status: 429,
        headers: { "retry-after": retryAfter },
      });
    vi.stubGlobal(
      "fetch",
      vi.fn(async () => (left-- > 0 ? refused() : new Response(JSON.stringify({ data })))),
    );
  };
  const sent = () => vi.mocked(fetch).mock.calls.length;

  /** Lets what is under way come to this, and the clock stands meanwhile. */
  const comes = async (seen: () => boolean) => {
    for (let turns = 0; turns < 1_000 && !seen(); turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(seen()).toBe(true);
  };

  // One clock for all of them: what a request was told holds for the next one.
  beforeAll(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
  });
  // A hash is made on another thread, which a clock that is moved does not wait for.
  beforeEach(() => void vi.stubGlobal("crypto", {}));
  afterEach(async () => void (await vi.advanceTimersByTimeAsync(200_000)));
  afterAll(() => void vi.useRealTimers());

  it("is sent again when the server says so, with the same operation id, and not before", async () => {
    refusing(1, made);
    const done = request(CreateChannel, { input });
    await comes(() => waiting.leftS >= 7);
    await vi.advanceTimersByTimeAsync(6_990);
    expect(sent()).toBe(1);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await done).toEqual(made);
    expect(sent()).toBe(2);
    const [first, second] = vi.mocked(fetch).mock.calls.map(([, init]) => String(init?.body));
    expect(second).toBe(first);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(waiting.why).toBeNull();
  });

  it("is given up after four tries", async () => {
    refusing(99, made, "1");
    const done = request(CreateChannel, { input }).catch((cause: unknown) => cause);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(await done).toMatchObject({ kind: "tooMany" });
    expect(sent()).toBe(4);
  });

  it("is not sent again when it could have two effects", async () => {
    refusing(1, {}, "1");
    const input = { name: "Ada", password: "correct horse battery" };
    await expect(request(SignIn, { input })).rejects.toMatchObject({ kind: "tooMany" });
    expect(sent()).toBe(1);
  });

  it("ends with its signal", async () => {
    refusing(1, made, "60");
    const abort = new AbortController();
    const done = request(CreateChannel, { input }, abort.signal).catch((cause: unknown) => cause);
    await comes(() => waiting.why === "tooMany");
    abort.abort();
    expect(await done).toMatchObject({ name: "AbortError" });
    expect(sent()).toBe(1);
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
