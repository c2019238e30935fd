// What tells the same file again, on any device: size, time of change, and its first and last MiB.

const EDGE_BYTES = 1 << 20;

/** SHA-256 in hexadecimal; null where the browser gives no hashes (plain http away from localhost). */
export async function fingerprint(file: File): Promise<string | null> {
  // Typed as always there; it is not outside secure contexts.
  const subtle = crypto.subtle as SubtleCrypto | undefined;
  if (!subtle) return null;
  const first = file.slice(0, EDGE_BYTES);
  const last = file.slice(Math.max(0, file.size - EDGE_BYTES));
  const edges = [hex(await digest(subtle, first)), hex(await digest(subtle, last))];
  const text = [file.size, file.lastModified, ...edges].join(":");
  return hex(await subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

async function digest(subtle: SubtleCrypto, part: Blob): Promise<ArrayBuffer> {
  return subtle.digest("SHA-256", await part.arrayBuffer());
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
