/**
 * Appends frames to a ledger and exports its lake, over and over, until it is killed. Says the position of each export.
 * Arguments: the ledger's file, the lake's folder.
 */
import { Ledger } from '../../../storage/ledger.ts';
import { at, BatchWriter } from '../duckdb/batches.ts';

const [path, directory] = process.argv.slice(2);
const ledger = await Ledger.open({ path });
const { customers, dimensions } = await ledger.registry();
const writer = new BatchWriter(ledger.position, { customers, dimensions: dimensions.map(({ id }) => id) });
for (;;) {
  const frame = writer.sequence + 1;
  // Of three days, so that there is something to merge, and to split.
  ledger.append(
    writer.batch([0, 1, 2].map((day) => ({ series: `s${day}`, time: at(frame + day * 86_400), value: '1' }))),
  );
  await ledger.whenLoaded(frame);
  const report = await ledger.exportLake({
    directory,
    rewriteRows: frame % 3 === 0 ? 1_000 : 0,
    isQuiet: frame % 7 === 0,
    anew: frame % 29 === 0,
    keepReplacedMs: 60_000,
  });
  console.log(report.position);
}
