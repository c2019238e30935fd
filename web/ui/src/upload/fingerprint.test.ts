import { describe, expect, it, vi } from "vitest";
import { fingerprint } from "./fingerprint";

const MIB = 1 << 20;

function file(change: Partial<{ at: number; byte: number; size: number; modified: number; name: string }> = {}): File {
  const { at = 0, byte = 7, size = 3 * MIB, modified = 1_700_000_000_000, name = "holiday.mp4" } = change;
  const bytes = new Uint8Array(size);
  bytes[at] = byte;
  return new File([bytes], name, { lastModified: modified });
}

describe("a fingerprint", () => {
  it("is 64 hexadecimal digits, the same for the same file under any name", async () => {
    const print = await fingerprint(file());
    expect(print).toMatch(/^[0-9a-f]{64}$/);
    expect(await fingerprint(file({ name: "copy.mp4" }))).toBe(print);
  });

  it("changes with the size, the time of change, and the first and last MiB", async () => {
    const others = [{ size: 3 * MIB + 1 }, { modified: 1 }, { byte: 8 }, { at: 3 * MIB - 1 }];
    const prints = await Promise.all([{}, ...others].map((change) => fingerprint(file(change))));
    expect(new Set(prints).size).toBe(5);
  });

  it("reads two MiB of a file, however large", async () => {
    const huge = file({ size: 8 * MIB });
    const slice = vi.spyOn(huge, "slice");
    await fingerprint(huge);
    expect(slice.mock.results.map((result) => (result.value as Blob).size)).toEqual([MIB, MIB]);
  });

  it("is null where the browser gives no hashes", async () => {
    vi.stubGlobal("crypto", {});
    expect(await fingerprint(file())).toBeNull();
    vi.unstubAllGlobals();
  });
});
