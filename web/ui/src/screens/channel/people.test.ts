import { expect, it } from "vitest";
import type { Member } from "../../sync/protocol";
import { peopleOf } from "./people";

const member = (session: string, id: string, change: Partial<Member> = {}): Member => ({
  session,
  account: { id, name: id },
  role: "viewer",
  state: "playing",
  error_us: null,
  ...change,
});

it("joins the windows of one person", () => {
  const [ada] = peopleOf(
    [
      member("1", "ada", { error_us: 2_000, state: "hidden" }),
      member("2", "ada", { error_us: -9_000, state: "playing" }),
    ],
    null,
  );
  expect(ada).toMatchObject({ windows: 2, errorUs: -9_000, state: "playing" });
});

it("puts me first, then by role and name", () => {
  const people = peopleOf(
    [member("1", "zoe"), member("2", "bob"), member("3", "eve", { role: "owner" }), member("4", "me")],
    "me",
  );
  expect(people.map((person) => person.id)).toEqual(["me", "eve", "bob", "zoe"]);
});

it("does not invent an error", () => {
  expect(peopleOf([member("1", "ada")], null)[0]?.errorUs).toBeNull();
});
