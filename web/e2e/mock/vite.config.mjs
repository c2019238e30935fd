// Builds the bench page; run with the UI's Vite: `npx vite build -c ../e2e/mock/vite.config.mjs --outDir FOLDER` in web/ui.
import { fileURLToPath } from 'node:url';

export default {
  root: fileURLToPath(new URL('./page', import.meta.url)),
  resolve: { alias: { $src: fileURLToPath(new URL('../../ui/src', import.meta.url)) } },
  build: { target: 'es2022', emptyOutDir: true, chunkSizeWarningLimit: 2_000 },
  worker: { format: 'es' },
};
