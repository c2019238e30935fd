import { expect, test, vi } from "vitest";
import { uploads } from "./queue.svelte";
import type { Upload } from "./upload.svelte";

/** Looking through a file, by its name, and what ends it. */
const looking = new Map<string, Promise<string>>();
const ends = new Map<string, () => void>();
const sent: string[] = [];
let online = true;

vi.mock("./magic", () => ({ sniffFile: async () => ({ ok: true, contentType: "video/mp4" }) }));
vi.mock("./fingerprint", () => ({ fingerprint: (file: File) => looking.get(file.name) }));
vi.mock("./transfer", () => ({
  giveUp: async () => undefined,
  transfer: (upload: Upload) => {
    sent.push(upload.file.name);
    if (!online) return Promise.reject(new Error("offline"));
    return new Promise<boolean>(() => undefined);
  },
}));

/** A file whose looking through ends when this is called. */
function film(name: string): File {
  looking.set(name, new Promise((resolve) => ends.set(name, () => resolve(name))));
  return new File(["film"], name);
}

test("files are sent in the order they were given, whichever is looked through first", async () => {
  uploads.add(["a.mp4", "b.mp4", "c.mp4"].map(film));
  ends.get("c.mp4")?.();
  ends.get("b.mp4")?.();
  await vi.waitFor(() => expect(uploads.list.map((one) => one.phase)).toEqual(["checking", "waiting", "waiting"]));
  expect(sent).toEqual([]);
  ends.get("a.mp4")?.();
  await vi.waitFor(() => expect(sent).toEqual(["a.mp4", "b.mp4"]));
  // One that is given up while it is looked through holds nobody up.
  uploads.add(["d.mp4", "e.mp4"].map(film));
  ends.get("e.mp4")?.();
  await vi.waitFor(() => expect(uploads.list.at(-1)?.phase).toBe("waiting"));
  for (const upload of uploads.list.slice(0, 4)) uploads.cancel(upload);
  await vi.waitFor(() => expect(sent).toEqual(["a.mp4", "b.mp4", "c.mp4", "e.mp4"]));
});

test("without a network what waits goes on waiting, and all of it goes on with the network", async () => {
  for (const upload of [...uploads.list]) uploads.dismiss(upload);
  sent.length = 0;
  const names = ["f.mp4", "g.mp4", "h.mp4", "i.mp4"];
  uploads.add(names.map(film));
  for (const name of names) ends.get(name)?.();
  await vi.waitFor(() => expect(sent).toEqual(["f.mp4", "g.mp4"]));
  online = false;
  uploads.offline();
  // One more comes meanwhile, and one is tried again by hand.
  uploads.add([film("j.mp4")]);
  ends.get("j.mp4")?.();
  await vi.waitFor(() => expect(uploads.list.at(-1)?.phase).toBe("waiting"));
  expect(uploads.list.map((one) => one.phase)).toEqual(["offline", "offline", "waiting", "waiting", "waiting"]);
  expect(sent).toHaveLength(2);
  online = true;
  uploads.online();
  await vi.waitFor(() => expect(sent).toEqual(["f.mp4", "g.mp4", "f.mp4", "g.mp4"]));
  expect(uploads.list.every((one) => one.phase !== "failed")).toBe(true);
});

test("the files of somebody who has signed out stop, and are nobody else's", async () => {
  for (const upload of [...uploads.list]) uploads.dismiss(upload);
  uploads.belongTo("ada");
  uploads.add([film("k.mp4")]);
  ends.get("k.mp4")?.();
  await vi.waitFor(() => expect(uploads.list.map((one) => one.phase)).toEqual(["sending"]));
  const [held] = uploads.list;
  uploads.belongTo("ada");
  expect(uploads.list).toHaveLength(1);
  uploads.belongTo(null);
  expect([uploads.list.length, held?.phase, held?.abort.signal.aborted]).toEqual([0, "cancelled", true]);
});
