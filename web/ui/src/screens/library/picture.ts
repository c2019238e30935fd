// Pictures for posters: drawn anew at most 1280 wide, as a JPEG, so nothing a camera wrote beside them leaves the browser.

const WIDTH_MAX = 1_280;
/** The most the server takes. */
const BYTES_MAX = 2 << 20;
/** Tried in turn until it fits. */
const QUALITIES = [0.86, 0.7, 0.5];

export interface Drawn {
  readonly source: CanvasImageSource;
  readonly width: number;
  readonly height: number;
  /** The part of the source that is taken; all of it where it is left out. */
  readonly part?: { x: number; y: number; width: number; height: number };
}

/** A picture as a JPEG. */
export async function encode({ source, width, height, part }: Drawn): Promise<Blob> {
  const taken = part ?? { x: 0, y: 0, width, height };
  const scale = Math.min(1, WIDTH_MAX / taken.width);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(taken.width * scale));
  canvas.height = Math.max(1, Math.round(taken.height * scale));
  const context = canvas.getContext("2d");
  if (!context) throw new Error("nothing can be drawn here");
  // What was transparent is white, as on paper.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, taken.x, taken.y, taken.width, taken.height, 0, 0, canvas.width, canvas.height);
  for (const quality of QUALITIES) {
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
    if (blob && blob.size <= BYTES_MAX) return blob;
  }
  throw new Error("the picture is too large");
}

/** A picture file as a JPEG; rejects what is no picture. */
export async function redraw(file: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  try {
    return await encode({ source: bitmap, width: bitmap.width, height: bitmap.height });
  } finally {
    bitmap.close();
  }
}

export function base64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^data:[^,]*,/, ""));
    reader.onerror = () => reject(reader.error ?? new Error("not read"));
    reader.readAsDataURL(blob);
  });
}
