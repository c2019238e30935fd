import { expect, it } from "vitest";
import { Fault } from "../graphql/client";
import { problem, refusal } from "./problems";

it("uses our words for a known refusal", () => {
  expect(refusal({ code: "BANNED", message: "you are banned" })).toBe("You are banned from this channel.");
});

it("makes a sentence of an unknown one", () => {
  expect(refusal({ code: "odd", message: "a title has 1 to 200 characters" })).toBe("A title has 1 to 200 characters.");
});

it("keeps the reference of a fault and hides its detail", () => {
  const { text, reference } = problem(new Fault("server", "req-7", "relation rm_videos does not exist"));
  expect(reference).toBe("req-7");
  expect(text).not.toContain("rm_videos");
});
