import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Relative paths, so that any static host may serve the page from any folder; no inline scripts, so that the strictest CSP holds. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [react()],
  build: { outDir: "dist", emptyOutDir: true, target: "es2023", modulePreload: { polyfill: false }, assetsInlineLimit: 0, chunkSizeWarningLimit: 900 },
});
