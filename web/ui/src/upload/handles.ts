// Files the browser can open again after it was closed (File System Access): one click goes on with an upload. Kept by
// the film's id; where the browser has no such files, nothing is kept.

const DATABASE = "lockstep-uploads";
const STORE = "handles";
/** Handles kept; the oldest go first. */
const HANDLES_MAX = 100;

/** What is used of a file handle; not in TypeScript's own types. */
export interface FileHandle {
  readonly kind: "file" | "directory";
  readonly name: string;
  getFile(): Promise<File>;
  requestPermission?(options: { mode: "read" }): Promise<PermissionState>;
}

type Picker = (options: { multiple: boolean }) => Promise<FileHandle[]>;

/** Where this browser lets files be chosen so that they can be opened again. */
export function picker(): Picker | null {
  const found = (globalThis as { showOpenFilePicker?: Picker }).showOpenFilePicker;
  return found ? found.bind(globalThis) : null;
}

/** The handles of dropped files, as far as there are any. To be called in the drop itself. */
export async function droppedHandles(items: DataTransferItemList): Promise<Map<string, FileHandle>> {
  const asked = Array.from(items, (item) => {
    const withHandle = item as DataTransferItem & { getAsFileSystemHandle?: () => Promise<FileHandle | null> };
    return item.kind === "file" ? withHandle.getAsFileSystemHandle?.() : undefined;
  });
  const found = await Promise.all(asked.map((one) => one?.catch(() => null)));
  const files = found.filter((handle) => handle?.kind === "file") as FileHandle[];
  return new Map(files.map((handle) => [handle.name, handle]));
}

export async function keepHandle(video: string, handle: FileHandle): Promise<void> {
  await withStore("readwrite", (store) => {
    store.put({ handle, atMs: Date.now() }, video);
    const keys = store.getAllKeys();
    keys.onsuccess = () => {
      for (const key of keys.result.slice(0, Math.max(0, keys.result.length - HANDLES_MAX))) store.delete(key);
    };
    return null;
  });
}

export async function forgetHandle(video: string): Promise<void> {
  await withStore("readwrite", (store) => {
    store.delete(video);
    return null;
  });
}

/** The films whose file can be opened again here. */
export async function keptHandles(): Promise<Set<string>> {
  const keys = await withStore("readonly", (store) => store.getAllKeys());
  return new Set((keys ?? []).map(String));
}

/** Opens the file again; the browser may ask the person. Null when it is gone or they say no. */
export async function reopen(video: string): Promise<File | null> {
  const kept = (
    await withStore("readonly", (store) => store.get(video) as IDBRequest<{ handle: FileHandle } | undefined>)
  )?.handle;
  if (!kept) return null;
  try {
    if (kept.requestPermission && (await kept.requestPermission({ mode: "read" })) !== "granted") return null;
    return await kept.getFile();
  } catch {
    return null;
  }
}

/** Runs one transaction; null where there is no database (private windows may refuse it). */
function withStore<T>(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<T> | null,
): Promise<T | null> {
  return new Promise((resolve) => {
    let opening: IDBOpenDBRequest;
    try {
      opening = indexedDB.open(DATABASE, 1);
    } catch {
      return resolve(null);
    }
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = () => resolve(null);
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction(STORE, mode);
      let wanted: IDBRequest<T> | null = null;
      const end = (value: T | null): void => {
        database.close();
        resolve(value);
      };
      transaction.oncomplete = () => end(wanted?.result ?? null);
      transaction.onabort = () => end(null);
      transaction.onerror = () => end(null);
      wanted = work(transaction.objectStore(STORE));
    };
  });
}
