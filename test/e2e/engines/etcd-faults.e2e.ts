import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { Duration, Size } from 'cdk8s';
import { expect, test } from 'vitest';
import { DataVolume, Engine, EtcdCluster, EtcdVersion } from '../../../lib';
import type { JobRun, RunningPod } from '../../rehearsal';
import { describeFaults, type FaultSuite } from '../support/engine-faults';
import { EtcdServer } from '../support/etcd-server';
import { imageNamed } from '../support/images';
import { succeed, until } from '../support/rehearse';

const PASSWORD = 'correct horse "battery" staple';
const NO_SCRIPT = 'etcdctl and etcdutl run in containers without a shell, which give no result line: see the rows that say so';

// With users, whom the throw-away server would not let in either: what is proven without their passwords.
describeFaults({
  name: 'etcd 3.5 with users',
  engine: Engine.etcd({
    version: EtcdVersion.V3_5,
    snapshotTimeout: Duration.seconds(6),
    cluster: EtcdCluster.of([{ name: 'etcd-0', peerUrl: 'http://127.0.0.1:2380', dataVolume: DataVolume.claim('data') }]),
  }),
  dataVolume: 'restore',
  start: async ({ images, dataVolume }) => {
    const image = imageNamed(images, 'gcr.io/etcd-development/etcd:v3.5.33');
    const server = await EtcdServer.start({ image, name: 'etcd-0', directory: dataVolume });
    const empty = await EtcdServer.start({ image, name: 'empty' });
    for (let i = 0; i < 10; i += 1) {
      server.fill(Object.fromEntries(Array.from({ length: 100 }, (_, j) => [`noise/${i}/${j}`, randomBytes(9_000).toString('base64')])));
    }
    for (const each of [server, empty]) {
      each.ctl('user', 'add', `root:${PASSWORD}`);
      each.ctl('user', 'grant-role', 'root', 'root');
      each.ctl('auth', 'enable');
      each.login = { username: 'root', password: PASSWORD };
    }
    return {
      address: server.address,
      emptyAddress: empty.address,
      credentials: { username: 'root', password: PASSWORD },
      wrongCredentials: { username: 'root', password: 'wrong' },
      kill: () => server.kill(),
      down: () => server.kill('SIGTERM'),
      up: () => server.up(),
      stop: async () => {
        await server.stop();
        await empty.stop();
      },
      checksum: () => server.content(),
      change: () => void server.ctl('put', 'since', 'then'),
      hold: () => () => {},
    };
  },
  dumping: 'snapshot save',
  dumper: 'etcdctl',
  restorer: 'etcdutl',
  payload: 'snapshot.db',
  tightScratch: Size.mebibytes(4),
  says: {
    wrongCredentials: /^the etcd server refuses this job, .*error: etcdserver: authentication failed/,
    serverKilled: /./,
    dumperKilled: /./,
    emptySource: /^the server holds no key: an empty backup is rarely intended/,
    scratchFull: /^snapshot\.db of \S+ cannot be fetched: .*No space left on device/,
    targetHoldsSomething: /^the data directory is not empty \(.*\): nothing was changed/,
    restorerKilled: /./,
  },
  leaveOut: { serverKilled: NO_SCRIPT, dumperKilled: NO_SCRIPT, deadline: NO_SCRIPT, restorerKilled: NO_SCRIPT },
  more: steps,
});

/** Faults of the steps: the run fails without a result line, and the step's container says why. */
function steps(suite: FaultSuite): void {
  function failedIn(step: string, fault: string, run: JobRun, says: RegExp): void {
    expect(run.succeeded, run.log).toBe(false);
    expect(run.result).toBeUndefined();
    const last = run.pods.at(-1)?.containers.at(-1);
    expect(last?.name).toBe(step);
    expect(`${last?.signal ?? ''} ${last?.terminationMessage}`).toMatch(says);
    suite.table.add(`step: ${fault}`, `${step}: ${last?.signal ?? last?.terminationMessage.trim().split('\n').at(-1)}`, suite.untouched());
  }

  /** A program that is stopped in the middle, until it is told to go on. */
  async function frozen(pod: RunningPod, program: string, act: () => unknown): Promise<void> {
    expect(await pod.kill(program, 'SIGSTOP')).toBe(true);
    await act();
    await pod.kill(program, 'SIGCONT');
  }

  test('the program that takes the snapshot is killed', async () => {
    const run = await suite.run('app-backup', async pod => void (await pod.kill('etcdctl')));
    failedIn('snapshot', 'etcdctl killed (SIGKILL)', run, /SIGKILL/);
  });

  test('the server is killed while it sends the snapshot', async () => {
    const run = await suite.run('app-backup', pod => frozen(pod, 'etcdctl', () => suite.server.kill()));
    await suite.server.up();
    failedIn('snapshot', 'server killed (SIGKILL) mid-snapshot', run, /rror|refused|EOF|deadline/);
  });

  test('the snapshot outlasts the deadline', async () => {
    const run = await suite.run('app-backup', pod => frozen(pod, 'etcdctl', () => pod.passDeadline()));
    expect(run.reason).toBe('DeadlineExceeded');
    suite.table.add('step: deadline passed mid-snapshot', 'DeadlineExceeded (said by the Job)', suite.untouched());
  });

  test('the throw-away server is killed: it is started again, and nothing is lost', async () => {
    const run = await suite.run('app-verify', async pod => void (await pod.kill('etcd')));
    expect(await succeed(Promise.resolve(run), 'verified')).toMatchObject({ id: suite.good });
    expect(run.pods[0]?.containers.find(({ name }) => name === 'etcd')?.restarts).toBeGreaterThan(0);
    suite.table.add('step: throw-away etcd killed (SIGKILL)', 'verified: it was started again', `${suite.good}`);
  });

  test('a restore that is killed, and one whose node is lost, leave the target as it was; the next one clears up', async () => {
    const { cluster, server, good } = suite;
    const before = await server.checksum();
    await server.change();
    const changed = await server.checksum();
    expect(changed).not.toBe(before);
    cluster.configMap('faults', 'app-restore-request', {
      series: 'app',
      recoveryPoint: good,
      safetyBackup: 'no',
      replace: 'yes',
      attempt: '1',
    });
    const restore = async (onPod?: (pod: RunningPod) => Promise<void>) => {
      await server.down?.();
      const run = await suite.run('app-restore', onPod);
      await server.up();
      return run;
    };
    const member = (pod: RunningPod) => pod.processes().some(argv => argv.join(' ').includes('.restoring-member'));

    const killed = await restore(async pod => {
      await until('the member is being made', () => member(pod));
      await pod.kill('etcdutl');
    });
    failedIn('restore-member', 'etcdutl killed (SIGKILL) in a restore', killed, /SIGKILL/);
    expect(await server.checksum()).toBe(changed);

    const lost = await restore(async pod => {
      await until('the member is being made', () => member(pod));
      pod.killPod();
    });
    expect(lost.succeeded).toBe(false);
    expect(await server.checksum()).toBe(changed);

    await succeed(restore(), 'restored');
    expect(await server.checksum()).toBe(before);
    suite.table.add('node lost in the middle of a restore', 'nothing (it was killed)', `${good}: the next restore brought it back`);
    expect(readdirSync(cluster.claim('faults', 'data')).filter(name => name.startsWith('.restoring-'))).toEqual([]);
  });

  // The last one, as it makes another recovery point the newest.
  test('no password is in the arguments, the log or the result of a backup', async () => {
    const seen: string[] = [];
    const run = await suite.run('app-backup', async pod => {
      let over = false;
      void pod.done.then(() => {
        over = true;
      });
      while (!over) {
        seen.push(...pod.processes().map(argv => argv.join(' ')));
        await new Promise(resolve => setTimeout(resolve, 10));
      }
    });
    await succeed(Promise.resolve(run), 'published');
    // The look itself must have seen those who know it, or it proves nothing.
    expect(seen.join('\n')).toMatch(/etcdctl snapshot save/);
    expect(seen.join('\n')).toMatch(/curl .*authenticate/);
    expect([...seen, run.log, JSON.stringify(run.result)].filter(text => text.includes('battery'))).toEqual([]);
  });
}
