// What an application preloads, like its OpenTelemetry set-up: it says so each time it runs.
require('node:fs').writeSync(1, 'preload\n');
