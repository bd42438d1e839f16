/** The server's own log: lines for people, or JSON lines for programs. */

export interface Log {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** @param write takes one line without its end */
export function createLog(format: 'text' | 'json', write: (line: string) => void): Log {
  const line =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      const time = new Date().toISOString();
      if (format === 'json') {
        write(JSON.stringify({ time, level, message, ...fields }));
        return;
      }
      const pairs = Object.entries(fields).map(
        ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
      write([time, level, message, ...pairs].join(' '));
    };
  return { info: line('info'), warn: line('warn'), error: line('error') };
}
