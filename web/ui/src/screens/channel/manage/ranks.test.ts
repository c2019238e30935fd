import { describe, expect, it } from "vitest";
import { below, rank } from "./ranks";

describe("ranks", () => {
  it("puts the owner above everyone and a viewer above nobody", () => {
    expect(rank("OWNER")).toBeGreaterThan(rank("ADMIN"));
    expect(rank("ADMIN")).toBeGreaterThan(rank("MODERATOR"));
    expect(below("VIEWER")).toEqual([]);
    expect(below(null)).toEqual([]);
    expect(below("ADMIN")).toEqual(["VIEWER", "MODERATOR"]);
  });
});
