import { describe, expect, it } from "vitest";
import { channelPath, invitePath, localPath, match, signInPath } from "./routes";

const at = (path: string) => match(new URL(path, "https://lockstep.example"));

describe("routes", () => {
  it.each([
    ["/", { name: "home" }],
    ["/setup", { name: "setUp", token: null }],
    ["/setup?token=a%2Bb", { name: "setUp", token: "a+b" }],
    ["/sign-in", { name: "signIn", next: "/", problem: null }],
    ["/sign-in?problem=cancelled", { name: "signIn", next: "/", problem: "cancelled" }],
    ["/sign-in/name", { name: "chooseName", suggested: "" }],
    ["/sign-in/name#Ada%20L", { name: "chooseName", suggested: "Ada L" }],
    ["/sign-in/name#%E0%A4%A", { name: "chooseName", suggested: "" }],
    ["/sign-in?next=%2Fc%2Ffilms", { name: "signIn", next: "/c/films", problem: null }],
    ["/sign-in?next=https://evil.example", { name: "signIn", next: "/", problem: null }],
    ["/c/movie-night", { name: "channel", slug: "movie-night" }],
    ["/c/movie-night/", { name: "channel", slug: "movie-night" }],
    ["/c/%E0%A4%A", { name: "notFound", path: "/c/%E0%A4%A" }],
    ["/c", { name: "notFound", path: "/c" }],
    ["/c/a/b", { name: "notFound", path: "/c/a/b" }],
    ["/register?token=abc", { name: "register", token: "abc" }],
    ["/register", { name: "register", token: null }],
    ["/reset?token=abc", { name: "reset", token: "abc" }],
    ["/account", { name: "account", problem: null }],
    ["/account?problem=not_fresh", { name: "account", problem: "not_fresh" }],
    ["/admin/", { name: "admin" }],
    ["/i/0f00ab", { name: "invite", code: "0f00ab" }],
    ["/i/a/b", { name: "notFound", path: "/i/a/b" }],
    ["/i", { name: "notFound", path: "/i" }],
    ["/status", { name: "status" }],
    ["/notifications", { name: "notifications" }],
    ["/admin/audit", { name: "audit" }],
    ["/c/kino/audit", { name: "channelAudit", slug: "kino" }],
    ["/c/kino/else", { name: "notFound", path: "/c/kino/else" }],
    ["/library", { name: "library" }],
    ["/film/01920000-0000-7000-8000-000000000f01", { name: "film", id: "01920000-0000-7000-8000-000000000f01" }],
    ["/film/else", { name: "notFound", path: "/film/else" }],
    ["/nope", { name: "notFound", path: "/nope" }],
  ])("%s", (path, route) => expect(at(path)).toEqual(route));
});

it("goes on only to this site", () => {
  expect(["//evil.example", "/\\evil.example", "javascript:alert(1)", null].map(localPath)).toEqual([
    "/",
    "/",
    "/",
    "/",
  ]);
  expect(localPath("/c/x?y=1")).toBe("/c/x?y=1");
});

it("paths come back as the routes they were made of", () => {
  expect(at(channelPath("fünf & mehr"))).toEqual({ name: "channel", slug: "fünf & mehr" });
  expect(at(invitePath("0f-1"))).toEqual({ name: "invite", code: "0f-1" });
  expect(at(signInPath("/c/x"))).toEqual({ name: "signIn", next: "/c/x", problem: null });
  expect(signInPath("/")).toBe("/sign-in");
});
