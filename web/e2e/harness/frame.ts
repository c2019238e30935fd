// Reads the frame number burned into a clip of scripts/make-clips.sh: a strip along the top left of the picture with
// 22 square cells: white, 20 bits from the lowest, black. A cell's side is 48/1280 of the picture's width.
import type { PageLike } from './sampler.ts';

export const CELLS = 22;
export const BITS = 20;
export const CELL_SHARE = 48 / 1280;

/** The number from the brightness (0–255) of each cell; `null` when the two references do not read as they should. */
export function decodeFrame(cells: readonly number[]): number | null {
  const white = cells[0] ?? 0;
  const black = cells[CELLS - 1] ?? 255;
  if (cells.length !== CELLS || white < 160 || black > 96 || white - black < 100) return null;
  const middle = (white + black) / 2;
  let frame = 0;
  for (let bit = 0; bit < BITS; bit += 1) if ((cells[bit + 1] ?? 0) > middle) frame += 2 ** bit;
  return frame;
}

/** The brightness of each cell of what the page's video shows now. */
export async function readCells(page: PageLike, selector = 'video'): Promise<number[]> {
  return page.evaluate(
    ({ chosen, cells, share }) => {
      const video = document.querySelector<HTMLVideoElement>(chosen);
      if (video === null || video.videoWidth === 0) return [];
      const side = video.videoWidth * share;
      const canvas = document.createElement('canvas');
      canvas.width = Math.ceil(side * cells);
      canvas.height = Math.ceil(side);
      const context = canvas.getContext('2d', { willReadFrequently: true });
      if (context === null) return [];
      context.drawImage(video, 0, 0);
      const brightness: number[] = [];
      for (let cell = 0; cell < cells; cell += 1) {
        const reach = Math.max(1, Math.floor(side / 4));
        const { data } = context.getImageData(Math.round(side * (cell + 0.5) - reach / 2), Math.round(side / 2 - reach / 2), reach, reach);
        let sum = 0;
        for (let pixel = 0; pixel < data.length; pixel += 4) sum += (data[pixel] ?? 0) * 0.3 + (data[pixel + 1] ?? 0) * 0.6 + (data[pixel + 2] ?? 0) * 0.1;
        brightness.push(sum / (data.length / 4));
      }
      return brightness;
    },
    { chosen: selector, cells: CELLS, share: CELL_SHARE },
  );
}

/** The burned-in number of the frame on screen; use it on a paused video. */
export async function readFrame(page: PageLike, selector = 'video'): Promise<number | null> {
  return decodeFrame(await readCells(page, selector));
}
