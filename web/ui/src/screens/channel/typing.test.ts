import { expect, it } from "vitest";
import { typingLine } from "./typing";

const people = ["Ada", "Bob", "Cyd", "Dan"].map((name) => ({ id: name, name }));

it.each([
  [0, 0, ""],
  [1, 0, "Ada is typing"],
  [2, 0, "Ada and Bob are typing"],
  [3, 0, "Ada, Bob and Cyd are typing"],
  [4, 0, "Ada, Bob and 2 others are typing"],
  [4, 1_310, "Ada, Bob and 1,312 others are typing"],
])("names a few of %i and %i more", (named, more, line) => {
  expect(typingLine(people.slice(0, named), more, null)).toBe(line);
});

it("does not tell me that I type", () => {
  expect(typingLine(people.slice(0, 1), 0, "Ada")).toBe("");
  expect(typingLine(people, 0, "Ada")).toBe("Bob, Cyd and Dan are typing");
});
