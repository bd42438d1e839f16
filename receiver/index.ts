/** The receiver as a library: the same one that `usage-meter serve` runs, started by your own code. */
export { ConfigError, readServerConfig, type ServerConfig, type ServerFlags } from './config.ts';
export { createLog, type Log } from './log.ts';
export { Receiver } from './server.ts';
