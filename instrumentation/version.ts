/** The version of this package, written into the instrumentation scope. A test holds it equal to package.json. */
export const VERSION = '0.1.0';
