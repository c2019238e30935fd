// How the UI is bundled: hashed files under assets/, a manifest for the size gate, no inlined data URLs (the CSP forbids them).
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vitest/config";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// hls.js is built from its own source with the switches its build has: only what our streams need (separate sound),
// which is a third less to load. The version is pinned in package.json; types come from the package.
const hls = {
  __VERSION__: JSON.stringify("1.7.4"),
  __USE_ALT_AUDIO__: "true",
  __USE_SUBTITLES__: "false",
  __USE_CMCD__: "false",
  __USE_CONTENT_STEERING__: "false",
  __USE_EME_DRM__: "false",
  __USE_IFRAMES__: "false",
  __USE_INTERSTITIALS__: "false",
  __USE_M2TS_ADVANCED_CODECS__: "false",
  __USE_MEDIA_CAPABILITIES__: "false",
  __USE_VARIABLE_SUBSTITUTION__: "false",
};

export default defineConfig({
  plugins: [tailwindcss(), svelte()],
  define: hls,
  resolve: {
    alias: {
      $src: at("./src"),
      "hls.js": at("./node_modules/hls.js/src/exports-default.ts"),
    },
  },
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
  test: { include: ["src/**/*.test.ts"], environment: "node", testTimeout: 20_000 },
});
