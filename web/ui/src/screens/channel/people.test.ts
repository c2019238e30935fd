import { expect, it } from "vitest";
import type { Member } from "../../sync/protocol";
import { peopleOf } from "./people";

const member = (session: string, id: string, change: Partial<Member> = {}): Member => ({
  session,
  account: { id, name: id },
  role: "viewer",
  device: "desktop",
  state: "playing",
  error_us: null,
  since_us: 0,
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

it("shows the device of the window that watches, and away only when no window is left", () => {
  const phone = member("1", "ada", { state: "hidden", device: "phone" });
  const tv = member("2", "ada", { state: "playing", device: "tv" });
  expect(peopleOf([phone, tv], null)[0]).toMatchObject({ device: "tv", state: "playing" });
  const gone = { ...tv, state: "away" as const };
  expect(peopleOf([gone, phone], null)[0]).toMatchObject({ device: "phone", state: "hidden" });
  expect(peopleOf([gone], null)[0]).toMatchObject({ state: "away" });
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
