import { parseArgs } from 'node:util';
import { demo } from './demo/demo';

const USAGE = `usage: npx cdk8s-backup demo [--keep]

  demo     a small shop on a PostgreSQL of its own: backed up, verified, lost and restored, without a cluster and without root
           It needs PostgreSQL 14 to 18 (postgres, initdb, pg_dump, psql), or Docker, or Podman. It was tried on Linux, and not on macOS.
  --keep   leaves its folder, with the YAML and the recovery point, for you to look at
`;

/** The package's command. @returns its exit code */
export async function main(argv: string[]): Promise<number> {
  let keep: boolean;
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      options: { keep: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
      allowPositionals: true,
    });
    if (values.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    const [command, ...others] = positionals;
    if (command === undefined) throw new Error('say what to do');
    if (command !== 'demo') throw new Error(`'${command}' is not a command: write demo`);
    if (others.length > 0) throw new Error(`demo takes no '${others.join(' ')}'`);
    keep = values.keep;
  } catch (problem) {
    process.stderr.write(`cdk8s-backup: ${(problem as Error).message}\n\n${USAGE}`);
    return 2;
  }
  return demo({ keep });
}
