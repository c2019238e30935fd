// How the UI is bundled: hashed files under assets/, a manifest for the size gate, no inlined data URLs (the CSP forbids them).
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [tailwindcss(), svelte()],
  resolve: { alias: { $src: fileURLToPath(new URL("./src", import.meta.url)) } },
  worker: { format: "es" },
  build: {
    target: "es2022",
    // light-dark() and nesting as they are: the browsers that can play the films know them.
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    manifest: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: {
      "/graphql": { target: "http://localhost:8080", ws: true },
      "/sync": { target: "http://localhost:8080", ws: true },
      "/v": "http://localhost:8080",
    },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
