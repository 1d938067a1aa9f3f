#!/usr/bin/env node
import { main } from './main';

main(process.argv.slice(2)).then(
  code => {
    process.exitCode = code;
  },
  problem => {
    process.stderr.write(`cdk8s-backup: ${problem instanceof Error ? problem.message : problem}\n`);
    process.exitCode = 1;
  },
);
