import { describe, expect, it } from "vitest";
import { VirtualTime } from "../sync/testing";
import { createTokens, type Delivery, tokenOf, withToken } from "./tokens";

const LIFE_MS = 15_000;

function source(options: { skew_ms?: number; fails?: () => boolean; withServerClock?: boolean } = {}) {
  const time = new VirtualTime();
  let fetched = 0;
  const serverNow = (): number => time.now() / 1_000;
  const fetcher = async (): Promise<Delivery> => {
    fetched += 1;
    if (options.fails?.() === true) throw new Error("no answer");
    const now = serverNow();
    return {
      token: `t${fetched}`,
      expiresAtMs: now + LIFE_MS,
      ...(options.withServerClock === false ? {} : { serverNowMs: now }),
    };
  };
  const tokens = createTokens(fetcher, time, () => serverNow() + (options.skew_ms ?? 0));
  return { time, tokens, count: () => fetched };
}

describe("the token source", () => {
  it("fetches once for many requests and again before the token lapses", async () => {
    const { time, tokens, count } = source();
    expect(await Promise.all([tokens.current(), tokens.current(), tokens.current()])).toEqual(["t1", "t1", "t1"]);
    time.run(9_000);
    expect(await tokens.current()).toBe("t1");
    expect(count()).toBe(1);
    time.run(1_500);
    // In the margin nobody is sent off with the old one: it could lapse on its way.
    expect(await Promise.all([tokens.current(), tokens.current()])).toEqual(["t2", "t2"]);
    expect(count()).toBe(2);
  });

  it("never hands out a lapsed token", async () => {
    const { time, tokens } = source();
    await tokens.current();
    time.run(LIFE_MS);
    expect(await tokens.current()).toBe("t2");
  });

  it("fetches anew when the server refused the token, and only that one", async () => {
    const { tokens } = source();
    await tokens.current();
    tokens.invalidate("other");
    expect(await tokens.current()).toBe("t1");
    tokens.invalidate("t1");
    expect(await tokens.current()).toBe("t2");
  });

  it("keeps a good token while the server does not answer", async () => {
    let down = false;
    const { time, tokens, count } = source({ fails: () => down });
    await tokens.current();
    down = true;
    time.run(11_000);
    expect(await tokens.current()).toBe("t1");
    expect(await tokens.current()).toBe("t1");
    expect(count()).toBe(2);
    time.run(4_000);
    await expect(tokens.current()).rejects.toThrow("no answer");
    down = false;
    expect(await tokens.current()).toBe("t4");
  });

  it("survives a viewer's clock that is far ahead", async () => {
    const { time, tokens, count } = source({ skew_ms: 90_000, withServerClock: false });
    await tokens.current();
    time.run(5_000);
    expect(await tokens.current()).toBe("t1");
    expect(count()).toBe(1);
  });
});

describe("addresses", () => {
  it("carry the token of now", () => {
    expect(withToken("/v/old/720p/00001.m4s", "new")).toBe("/v/new/720p/00001.m4s");
    expect(withToken("http://h:1/v/old/master.m3u8?x=/v/y/", "new")).toBe("http://h:1/v/new/master.m3u8?x=/v/y/");
    expect(withToken("/assets/v/old/x.js", "new")).toBe("/assets/v/old/x.js");
    expect(withToken("/v/$&/x", "$&a")).toBe("/v/$&a/x");
  });
  it("tell their token", () => {
    expect(tokenOf("https://h/v/abc/init.mp4")).toBe("abc");
    expect(tokenOf("/graphql")).toBeNull();
  });
});
