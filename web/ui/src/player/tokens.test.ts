import { describe, expect, it } from "vitest";
import { VirtualTime } from "../sync/testing";
import { besides, createTokens, type Delivery, isOfFilm, withAccess } from "./tokens";

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
      base: `/v/t${fetched}/`,
      query: "",
      cookies: false,
      expiresAtMs: now + LIFE_MS,
      ...(options.withServerClock === false ? {} : { serverNowMs: now }),
    };
  };
  const source = createTokens(fetcher, time, () => serverNow() + (options.skew_ms ?? 0));
  const current = async (): Promise<string> => (await source.current()).base.slice("/v/".length, -1);
  return { time, tokens: { current, invalidate: (url: string) => source.invalidate(url) }, count: () => fetched };
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
    tokens.invalidate("/v/other/init.mp4");
    tokens.invalidate("/v/t1/init.mp4?another=query");
    expect(await tokens.current()).toBe("t1");
    tokens.invalidate("https://here/v/t1/720p/init.mp4");
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
  const here = { base: "/v/new/", query: "", cookies: false };
  const cdn = { base: "https://cdn.example/v/film/", query: "Policy=a&Signature=b", cookies: false };

  it("are made as of now, here or at a CDN", () => {
    expect(withAccess("/v/old/720p/00001.m4s", here)).toBe("/v/new/720p/00001.m4s");
    expect(withAccess("http://h:1/v/old/master.m3u8?x=/v/y/", here)).toBe("/v/new/master.m3u8");
    expect(withAccess("https://cdn.example/v/film/720p/init.mp4?Policy=old", cdn)).toBe(
      "https://cdn.example/v/film/720p/init.mp4?Policy=a&Signature=b",
    );
    expect(withAccess("/v/old/thumb.jpg", cdn)).toBe("https://cdn.example/v/film/thumb.jpg?Policy=a&Signature=b");
    expect(withAccess("/assets/v/old/x.js", here)).toBe("/assets/v/old/x.js");
  });
  it("are told from others", () => {
    expect(isOfFilm("https://h/v/abc/init.mp4")).toBe(true);
    expect(isOfFilm("/graphql")).toBe(false);
  });
  it("of files that are named by another carry what opened that", () => {
    expect(besides("/v/t/storyboard.vtt", "tiles/00001.jpg")).toBe("/v/t/tiles/00001.jpg");
    expect(besides("https://cdn/v/f/720p/playlist.m3u8?Signature=a/b", "00001.m4s")).toBe(
      "https://cdn/v/f/720p/00001.m4s?Signature=a/b",
    );
  });
});
