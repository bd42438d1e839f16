/** How the page is built. Nothing is inlined: the page's Content Security Policy allows no inline script or style. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));

export default defineConfig(({ command }) => ({
  root,
  cacheDir: fileURLToPath(new URL('../node_modules/.cache/vite', import.meta.url)),
  plugins: [
    react(),
    ...(command === 'build' ? [classConstants(), classSheets(), jsxConstants(), unused()] : []),
  ],
  css: command === 'build' ? { modules: { generateScopedName: shortClassNames() } } : {},
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
}));

/** `_3b` instead of a class's (or animation's) name and a hash: 4 kB less. Numbered beforehand, so the same for the same sources. */
function shortClassNames(): (name: string, file: string) => string {
  const files = globSync('**/*.module.css', { cwd: root, exclude: ['dist/**'] }).sort();
  const classes = files.flatMap((file) => {
    const names = readFileSync(root + file, 'utf8').matchAll(/(?:\.|@keyframes )([a-zA-Z][\w-]*)/g);
    return [...new Set([...names].map(([, name]) => `${root}${file} ${name}`))];
  });
  return (name, file) => {
    const number = classes.indexOf(`${file.split('?')[0]} ${name}`);
    if (number < 0)
      throw new Error(`a class of the page must stand in its style sheet (got ${name} of ${file})`);
    return `_${number.toString(36)}`;
  };
}

/** `styles.title` becomes the class's name itself, and the objects of all names go: 4 kB less. */
function classConstants(): Plugin {
  return {
    name: 'class-constants',
    enforce: 'pre',
    transform: {
      filter: { id: /\.tsx$/ },
      handler: (code) => code.replace(/import (\w+) from ('[^']+\.module\.css')/g, 'import * as $1 from $2'),
    },
  };
}

/** The style sheet stays where all that is used of its module are constants. */
function classSheets(): Plugin {
  return {
    name: 'class-sheets',
    enforce: 'post',
    transform: {
      filter: { id: /\.module\.css$/ },
      handler: (code) => ({ code, moduleSideEffects: 'no-treeshake' }),
    },
  };
}

/** React's `jsx` as a constant, not a property read of a CommonJS module per element: 1 kB less. */
function jsxConstants(): Plugin {
  const id = '\0jsx';
  return {
    name: 'jsx-constants',
    enforce: 'pre',
    resolveId: (source, importer) => (source === 'react/jsx-runtime' && importer !== id ? id : null),
    load: (loaded) =>
      // In production `jsxs` is the same function.
      loaded === id
        ? `import runtime from 'react/jsx-runtime';
           export const { Fragment, jsx } = runtime;
           export { jsx as jsxs };`
        : null,
  };
}

/**
 * Parts of libraries that the bundler cannot see are never reached, 2 kB: each with why it is not. Reached all the same,
 * it would fail at once ("… is not a function").
 */
const UNUSED: readonly [module: RegExp, code: string][] = [
  // createRouter is given both ways of the address (app/search.ts).
  [
    /router-core\/dist\/esm\/searchParams\.js$/,
    'export const defaultParseSearch = undefined, defaultStringifySearch = undefined, parseSearchWith = undefined, stringifySearchWith = undefined;',
  ],
  // Pages of a list are asked for one at a time: no useInfiniteQuery.
  [
    /query-core\/build\/modern\/infiniteQueryBehavior\.js$/,
    'export const infiniteQueryBehavior = undefined, hasNextPage = undefined, hasPreviousPage = undefined;',
  ],
  // kit/table.tsx renders cells itself.
  [/react-table\/dist\/FlexRender\.js$/, 'export const FlexRender = undefined, flexRender = undefined;'],
  // React has had it since 18.
  [
    /use-sync-external-store-shim\.production\.js$/,
    "exports.useSyncExternalStore = require('react').useSyncExternalStore;",
  ],
  // There is one chunk of pages and one style sheet: nothing to load before a page.
  [/vite\/preload-helper\.js$/, 'export const __vitePreload = (load) => load();'],
];

function unused(): Plugin {
  return {
    name: 'unused',
    enforce: 'pre',
    load: (id) => UNUSED.find(([module]) => module.test(id))?.[1] ?? null,
  };
}
