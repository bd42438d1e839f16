/** A small application for the tests of a process's end. `node record.ts HOW` records usage and then ends as HOW says. */
import { createServer } from 'node:http';
import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { onExit } from 'signal-exit';
import { defaultUsageMeter, recordUsage } from '../../../instrumentation/index.ts';

const how = process.argv[2];
const record = (customer: string) => recordUsage({ customer, dimension: 'tokens', value: 1 });
const say = (line: string) => process.stdout.write(`${line}\n`);

if (how === 'handles-once') {
  // Registered before the first record, and gone from the list of listeners while it runs.
  const server = createServer().listen(0, '127.0.0.1', () => say('ready'));
  process.once('SIGTERM', () => {
    // Longer than any flush: the application must not be killed meanwhile.
    setTimeout(() => {
      record('handler');
      server.close();
    }, 1500);
  });
}

if (process.env.NO_DIAG_LOGGER === undefined) diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
for (let i = 0; i < 10; i++) record('before');

switch (how) {
  case 'finishes':
    break;
  case 'drops':
    for (let i = 0; i < 3; i++) {
      recordUsage({ dimension: 'tokens', value: 1 } as never);
      recordUsage({ customer: 'before', dimension: 'tokens', value: Number.NaN });
    }
    break;
  case 'finishes-twice':
    // Work that begins when the loop is empty, as some applications do.
    process.once('beforeExit', () => setTimeout(() => record('late'), 10));
    break;
  case 'exits':
    process.exit(3);
    break;
  case 'exits-later':
    setTimeout(() => process.exit(3), 50);
    break;
  case 'throws':
    setTimeout(() => {
      throw new Error('nobody catches this');
    }, 50);
    break;
  case 'rejects':
    setTimeout(() => Promise.reject(new Error('nobody handles this')), 50);
    break;
  case 'shuts-down':
    say(JSON.stringify(await defaultUsageMeter().shutdown()));
    break;
  case 'serves':
    // No handler of its own: the signal's default action must hold.
    createServer().listen(0, '127.0.0.1', () => say('ready'));
    break;
  case 'serves-with-signal-exit':
    // Listens to signals like an application, but leaves their effect as it is.
    onExit((_, signal) => {
      say(`signal-exit saw ${signal}`);
    });
    createServer().listen(0, '127.0.0.1', () => say('ready'));
    break;
  case 'serves-and-records':
    createServer().listen(0, '127.0.0.1', () => say('ready'));
    setInterval(() => record('during'), 1);
    break;
  case 'handles': {
    // The usual handler: it ends the process at once when the server is closed.
    const server = createServer().listen(0, '127.0.0.1', () => say('ready'));
    process.on('SIGTERM', () => {
      record('handler');
      server.close(() => process.exit(7));
    });
    break;
  }
  case 'handles-once':
    // See above.
    break;
  case 'ignores':
    createServer().listen(0, '127.0.0.1', () => say('ready'));
    process.on('SIGTERM', () => say('ignored'));
    break;
  default:
    throw new Error(`unknown end: ${how}`);
}
