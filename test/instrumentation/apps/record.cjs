// A CommonJS application: require() of an ES module.
const { recordUsage, defaultUsageMeter } = require('../../../instrumentation/index.ts');

recordUsage({ customer: 'cjs', dimension: 'tokens', value: 2 });
defaultUsageMeter()
  .flush()
  .then((result) => process.stdout.write(`${JSON.stringify(result)}\n`));
