import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { damage } from './damage';
import { findMachine } from './find-machine';
import { fromHere, makeFolder } from './folder';
import { guard } from './guard';
import type { Machine } from './machine';
import { SHOP, synthesizePlan } from './plan';
import { type PodEnd, Pods } from './pods';
import { Programs, Stopped } from './programs';
import { Screen } from './screen';
import { ShopServer, type TableSum } from './shop';

/** Options of the demo. */
export interface DemoOptions {
  /** Keeps its folder. */
  readonly keep: boolean;
}

/** Where there is more, as it is installed: build/lib/cli/demo, or lib/cli/demo. */
const PAGE = 'docs/quick-start.md';

const SIGNALS: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Backs up a shop, verifies, loses and restores it, with the synthesized YAML. @returns the exit code */
export async function demo({ keep }: DemoOptions): Promise<number> {
  const screen = new Screen();
  const programs = new Programs();
  const stop = (signal: NodeJS.Signals) => programs.stop(signal);
  for (const signal of SIGNALS) process.on(signal, stop);
  // Nobody reads any more what is shown. The last words may be what tells of it, when cleaning up has begun.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop('SIGPIPE'));

  const folder = makeFolder();
  const cleaned = guard(folder, { keep });
  let machine: Machine | undefined;
  let code = 1;
  try {
    machine = await findMachine(programs, folder);
    await story(machine, folder, screen);
    code = 0;
  } catch (problem) {
    if (problem instanceof Stopped) {
      screen.end('stopped');
      code = 128 + constants.signals[problem.signal];
    } else {
      screen.end(`failed: ${(problem as Error).message}`);
    }
  } finally {
    // Of a run that has failed there may be none.
    if (keep) await machine?.take('claims').catch(() => undefined);
    await machine?.clear().catch(problem => screen.end(`processes could not be stopped: ${problem.message}`));
    if (!keep) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    await cleaned();
    for (const signal of SIGNALS) process.off(signal, stop);
  }
  const server = machine ? 'the server is stopped, and ' : '';
  screen.plain(
    keep
      ? `${capital(`${server}${folder} is kept`)}.`
      : `${capital(`${server}${folder} is removed`)}${code === 0 ? '; --keep keeps it' : ''}.`,
  );
  if (code === 0) farewell(screen);
  return code;
}

async function story(machine: Machine, folder: string, screen: Screen): Promise<void> {
  screen.plain(
    'A small shop is backed up, verified, lost and restored, by the YAML that a cluster would get. Here is no cluster, and nobody is root.\n',
  );
  screen.step(machine.words);
  await machine.start();
  const [owner, reader] = [password(), password()];
  const server = new ShopServer(machine, owner);
  await server.start();
  await server.fill(reader);
  const before = await server.sums();
  screen.step(`its server is up, with a shop in it: ${before.length} tables, ${rows(before)} rows`);

  const yaml = synthesizePlan(join(folder, 'dist'), machine.major, machine.hasZstd);
  screen.step(`plan synthesized: ${yaml}`);
  const pods = new Pods(machine, folder, yaml, {
    namespace: SHOP.namespace,
    secrets: { [SHOP.backup]: { username: 'backup', password: reader }, [SHOP.owner]: { username: 'postgres', password: owner } },
    services: { [SHOP.host]: { PGHOST: server.socket } },
  });

  screen.step('CronJob orders-backup is run: what a night does');
  shown(screen, expected('published', await pods.run('orders-backup')));
  screen.step('CronJob orders-verify is run: restores it into a throw-away server, and compares');
  shown(screen, expected('verified', await pods.run('orders-verify')));

  const undo = await damage(machine, join(pods.claim('backups'), 'orders'));
  screen.step('one bit of the stored dump is flipped, and the verification is run again: it has to fail');
  const found = expected('failed', await pods.run('orders-verify'));
  // A verification that fails because of something else has found nothing.
  if (!/orders\.dump\S* does not match its checksum/.test(found.reason)) throw new Error(`the flipped bit was not found: ${found.reason}`);
  shown(screen, found);
  await undo();

  await server.dropTables();
  if ((await server.tables()).length > 0) throw new Error('the tables could not be dropped');
  screen.step('the bit is flipped back. Disaster: all tables of the shop are dropped');
  screen.step('CronJob orders-restore is run: what a bad day asks for');
  shown(screen, expected('restored', await pods.run('orders-restore')));

  const after = await server.sums();
  compare(screen, before, after);
}

function expected(verdict: string, end: PodEnd): PodEnd {
  if (end.verdict === verdict) return end;
  const log = end.log.trim().split('\n').slice(-12).join('\n    ');
  throw new Error(`the verdict is '${end.verdict}' and should be '${verdict}': ${end.reason}\n    ${log}`);
}

function shown(screen: Screen, { line }: PodEnd): void {
  screen.step(`  ${line}`);
}

function compare(screen: Screen, before: TableSum[], after: TableSum[]): void {
  screen.plain('\n           table              rows before      after   MD5 of all rows, before and after, by psql');
  let isSame = before.length === after.length;
  for (const { table, rows: count, checksum } of before) {
    const now = after.find(each => each.table === table);
    const same = now?.rows === count && now.checksum === checksum;
    isSame &&= same;
    const sums = `${checksum.slice(0, 12)} ${same ? '=' : '≠'} ${now?.checksum.slice(0, 12) ?? 'nothing'}`;
    screen.plain(`           ${table.padEnd(18)} ${String(count).padStart(11)} ${String(now?.rows ?? 0).padStart(10)}   ${sums}`);
  }
  screen.plain('');
  if (!isSame) throw new Error('the restored data differs from what was there');
  screen.step('everything came back, row for row');
}

function farewell(screen: Screen): void {
  const page = join(__dirname, '..', '..', '..', PAGE);
  const installed = join(__dirname, '..', '..', '..', '..', PAGE);
  const here = fromHere(__dirname.includes(join('build', 'lib')) ? installed : page);
  screen.plain(`
What ran is the YAML's: its scripts, with its variables. What a cluster adds was not here: schedules, limits, NetworkPolicies, read-only mounts,
and a volume that is not on the machine it protects.

Next: ${here} has the same app on your cluster, in a quarter of an hour.`);
}

function rows(sums: TableSum[]): string {
  return sums.reduce((sum, { rows: count }) => sum + count, 0).toLocaleString('en');
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function password(): string {
  return randomBytes(18).toString('hex');
}
