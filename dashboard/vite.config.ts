/** How the page is built. Nothing is inlined: the page's Content Security Policy allows no inline script or style. */
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  cacheDir: fileURLToPath(new URL('../node_modules/.cache/vite', import.meta.url)),
  plugins: [react()],
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // Small files compress badly: few of them, and one style sheet, are 40 kB less in all.
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'libraries', test: /node_modules/, priority: 2 },
            { name: 'pages', test: /dashboard\/pages\//, priority: 1 },
          ],
        },
      },
    },
  },
  // `npx vite dashboard` for work on the page, beside a receiver that runs where it does by default.
  server: { host: '127.0.0.1', proxy: { '/api': 'http://127.0.0.1:4318', '/v1': 'http://127.0.0.1:4318' } },
});
