import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Chart, Duration, type Size } from 'cdk8s';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  BackupApp,
  DatabaseBackup,
  type DatabaseBackupProps,
  DataVolume,
  type IEngine,
  Repository,
  Retention,
  Scratch,
  SecretRef,
} from '../../../lib';
import { Random } from '../../random';
import { Cluster, type ImageCatalog, type JobRun, type RunningPod } from '../../rehearsal';
import { expectUntouched, FAULT_SEED, FaultTable, failure, flipBit, type Holdings, holdings, lockSeries, truncate } from './faults';
import { imagesOfDist } from './images';
import { type Result, resultOf, succeed, untilIn } from './rehearse';

/**
 * The faults that every engine must survive, planted for real. An engine's test says what it is in an `EngineUnderFault`, and
 * calls `describeFaults`; `redis-faults.e2e.ts` is an example.
 *
 * Each fault must end the job with a verdict and one clear sentence, leave the recovery points that were there before intact (a
 * verification restores the newest of them after each fault), and leave the target of a restore as it was. The table at the end
 * says what was done, what the job said, and what was still restorable. What is left out is a row of it, too.
 */
export interface EngineUnderFault {
  /** What the table calls it: 'Redis 7.0'. */
  readonly name: string;
  readonly engine: IEngine;
  /** @default - the rehearsal's stand-ins for the images of dist/ */
  readonly images?: () => Promise<ImageCatalog>;
  /** Brings up the server, filled with a few megabytes that compression cannot make small. */
  start(place: Place): Promise<FaultyServer>;

  /** The port on which the server listens. @default - the engine's own */
  readonly port?: number;
  /** A part of the dumping program's command line, by which it is seen at work: '--rdb'. */
  readonly dumping: string;
  /** The dumping program, as it is killed: 'redis-cli'. */
  readonly dumper: string;
  /** The program that is at work in the middle of a restore: 'redis-server'. */
  readonly restorer: string;
  /** A part of its command line, where that program does other things before. @default - its name */
  readonly restoring?: string;
  /** The largest member of a recovery point, without the suffix of its compression: 'dump.rdb'. */
  readonly payload: string;
  /** Scratch space that is too small to verify in, and large enough for the scripts' own notes. */
  readonly tightScratch: Size;
  /** What a restore request says so that what the target holds is replaced. @default { replace: 'yes' } */
  readonly replace?: { [key: string]: string };
  /**
   * The data volume 'data' that `start` filled goes to the jobs. With 'restore' the server is stopped before every restore, and
   * started after it.
   */
  readonly dataVolume?: 'restore' | 'running';
  /** Where in the data volume the data directory is. @default - its root */
  readonly dataDirectory?: string;
  /** What each fault must make the job say. */
  readonly says: {
    readonly wrongCredentials: RegExp;
    readonly serverKilled: RegExp;
    readonly dumperKilled: RegExp;
    readonly emptySource: RegExp;
    readonly scratchFull: RegExp;
    readonly targetHoldsSomething: RegExp;
    readonly restorerKilled: RegExp;
    /** @default /was not ready within 4 s/ */
    readonly serverAbsent?: RegExp;
  };
  /** Faults that make no sense for this engine, each with the sentence that says why. It is printed in the table. */
  readonly leaveOut?: { readonly [fault in Fault]?: string };
  /** Faults of this engine alone: registers further tests, which run last. */
  readonly more?: (suite: FaultSuite) => void;
}

/** Faults that an engine may leave out. */
export type Fault =
  | 'wrongCredentials'
  | 'serverKilled'
  | 'dumperKilled'
  | 'deadline'
  | 'emptySource'
  | 'serverAbsent'
  | 'scratchFull'
  | 'targetHoldsSomething'
  | 'restorerKilled';

/** Where a server is started. */
export interface Place {
  readonly images: ImageCatalog;
  /** The directory that jobs see as the data volume 'data'. */
  readonly dataVolume: string;
}

/** A server in the hands of a test. */
export interface FaultyServer {
  readonly address: string;
  /** What the Secret holds, and what it holds when it is wrong. */
  readonly credentials: { [key: string]: string };
  readonly wrongCredentials: { [key: string]: string };
  /** A server with the same credentials that holds nothing; the engine's own way to be empty otherwise. @default - address */
  readonly emptyAddress?: string;
  /** What a lost node does to it: SIGKILL. What it has acknowledged is there again after `up`. */
  kill(): void | Promise<void>;
  /** Stops it in good order. Only asked for where restores need that. */
  down?(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
  /** Of all content. */
  checksum(): string | Promise<string>;
  /** Writes something small, so that the checksum is another one. */
  change(): void | Promise<void>;
  /** Makes every dump last until it is released, so that it is certainly under way, and not done, when a fault comes. */
  hold(): (() => void | Promise<void>) | Promise<() => void | Promise<void>>;
  /** Whether it is at work on a dump that is held. @default - as soon as the dumping program is seen */
  isDumping?(): boolean | Promise<boolean>;
  /** Makes every restore last until it is released, where it would be over before it can be killed. @default - nothing is held */
  holdRestore?(): () => void;
  /** Whether it is at work on a restore that is held. @default - as soon as the restoring program is seen */
  isRestoring?(): boolean | Promise<boolean>;
}

/** What an engine's own faults may use. */
export interface FaultSuite {
  readonly cluster: Cluster;
  readonly server: FaultyServer;
  /** The newest recovery point that must survive. */
  readonly good: string;
  readonly table: FaultTable;
  /** Runs a CronJob: 'app-backup'. */
  run(name: string, onPod?: (pod: RunningPod) => void | Promise<void>): Promise<JobRun>;
  /** The run must have failed and said why; and the recovery points are as they were before the test, byte by byte. */
  failed(fault: string, run: JobRun, says: RegExp): void;
  /** The recovery points are as they were before the test, byte by byte. Returns that as a cell of the table. */
  untouched(): string;
}

const NAMESPACE = 'faults';

/** Registers the faults of an engine as tests. */
export function describeFaults(subject: EngineUnderFault): void {
  describe(`faults of ${subject.name}`, () => {
    const table = new FaultTable(`faults of ${subject.name}`);
    const replace = subject.replace ?? { replace: 'yes' };
    const offline = subject.dataVolume === 'restore';
    let dist: string;
    let cluster: Cluster;
    let server: FaultyServer;
    let good: string;
    /** The checksum of what `good` holds. */
    let backedUp: string;
    /** What the repository held before the test. */
    let before: Holdings;

    beforeAll(async () => {
      dist = synthesized(subject);
      const images = await (subject.images ?? imagesOfDist)();
      cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
      cluster.claim(NAMESPACE, 'repository');
      server = await subject.start({ images, dataVolume: cluster.claim(NAMESPACE, 'data') });
      cluster.service(NAMESPACE, 'db', server.address);
      cluster.service(NAMESPACE, 'empty-db', server.emptyAddress ?? server.address);
      cluster.secret(NAMESPACE, 'db', server.credentials);
    });

    beforeEach(() => {
      before = holdings(repository());
    });

    afterAll(async () => {
      await cluster?.destroy();
      await server?.stop();
      if (dist) rmSync(dist, { recursive: true });
      table.print();
    });

    const run: FaultSuite['run'] = (name, onPod) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name }, { onPod });
    const backup = (onPod?: (pod: RunningPod) => void | Promise<void>) => run('app-backup', onPod);
    const verify = () => succeed(run('app-verify'), 'verified');
    const repository = (claim = 'repository') => cluster.claim(NAMESPACE, claim);
    const unpublished = (series = 'app') => readdirSync(join(repository(), series)).filter(name => name.startsWith('.staging'));
    const pointsOf = (series: string) =>
      readdirSync(join(repository(), series))
        .filter(name => !name.startsWith('.'))
        .sort();
    const restorable = ({ id, bytes }: Result) => `${id}, ${bytes} bytes, verified after the fault`;

    function untouched(): string {
      expectUntouched(repository(), before);
      return `${good}, and others, byte by byte as before`;
    }

    /** A run that was killed has published nothing; or what it has published verifies. */
    async function goodOrNothing(): Promise<string> {
      const known = new Set(Object.keys(before).map(path => path.split('/')[1]));
      if (pointsOf('app').every(id => known.has(id))) return untouched();
      const verified = await verify();
      expect(known.has(verified.id)).toBe(false);
      expect(holdings(repository())).toMatchObject(before);
      before = holdings(repository());
      return restorable(verified);
    }

    function failed(fault: string, faulty: JobRun, says: RegExp): void {
      const { reason } = failure(faulty, says);
      table.add(fault, reason, untouched());
    }

    /** A backup that is held in the middle of its dump, where something happens to it. */
    async function duringDump(act: (pod: RunningPod) => unknown): Promise<JobRun> {
      const release = await server.hold();
      try {
        return await backup(async pod => {
          const isSeen = () => pod.processes().some(argv => argv.join(' ').includes(subject.dumping));
          await untilIn(pod, 'the dumping program is at work', isSeen);
          await untilIn(pod, 'the server is at work on the dump', () => server.isDumping?.() ?? true);
          await act(pod);
        });
      } finally {
        await release();
      }
    }

    /** A restore of a recovery point, as somebody asks for it. */
    async function restore(words: { [key: string]: string }, onPod?: (pod: RunningPod) => void | Promise<void>): Promise<JobRun> {
      cluster.configMap(NAMESPACE, 'app-restore-request', { recoveryPoint: good, ...words });
      if (offline) await server.down?.();
      try {
        return await run('app-restore', onPod);
      } finally {
        if (offline) await server.up();
      }
    }

    /** A restore that replaces what the target holds, and that something happens to. */
    async function duringRestore(act: (pod: RunningPod) => Promise<void>): Promise<JobRun> {
      const release = server.holdRestore?.();
      try {
        return await restore(replace, act);
      } finally {
        release?.();
      }
    }

    const restoreUnderWay = (pod: RunningPod) =>
      untilIn(pod, 'the restore is under way', () => {
        const isSeen = () => pod.processes().some(argv => argv.join(' ').includes(subject.restoring ?? subject.restorer));
        return server.isRestoring?.() ?? isSeen();
      });

    /** A fault as a test; or the reason why there is none, as a row of the table. */
    function fault(name: Fault | undefined, title: string, body: () => Promise<void>): void {
      const why = name && subject.leaveOut?.[name];
      if (why === undefined) test(title, body);
      else
        test(`left out: ${title}`, () => {
          expect(why.length, 'a fault is left out for a reason').toBeGreaterThan(20);
          table.add(`left out: ${title}`, why, '');
        });
    }

    test('a healthy backup, to have something to lose', async () => {
      backedUp = await server.checksum();
      const { id, bytes } = await succeed(backup(), 'published');
      good = id;
      expect(await verify()).toMatchObject({ id, bytes });
    });

    fault('wrongCredentials', 'wrong credentials', async () => {
      cluster.secret(NAMESPACE, 'db', server.wrongCredentials);
      const faulty = await backup();
      cluster.secret(NAMESPACE, 'db', server.credentials);
      failed('wrong credentials', faulty, subject.says.wrongCredentials);
    });

    fault('serverAbsent', 'the server is not there', async () => {
      await server.kill();
      const faulty = await backup();
      await server.up();
      failed('server not there', faulty, subject.says.serverAbsent ?? /was not ready within 4 s/);
    });

    fault('serverKilled', 'the server is killed in the middle of the dump', async () => {
      const faulty = await duringDump(async () => {
        await server.kill();
        await server.up();
      });
      failed('server killed (SIGKILL) mid-dump', faulty, subject.says.serverKilled);
    });

    fault('dumperKilled', 'the dumping program is killed', async () => {
      const faulty = await duringDump(pod => pod.kill(subject.dumper));
      failed(`${subject.dumper} killed (SIGKILL)`, faulty, subject.says.dumperKilled);
    });

    fault('deadline', 'a dump outlasts its deadline', async () => {
      const late = await duringDump(pod => pod.passDeadline());
      expect(late.reason).toBe('DeadlineExceeded');
      failed('deadline passed mid-dump', late, /^told to stop .*: this run published nothing/);
    });

    fault('emptySource', 'there is nothing to back up', async () => {
      failed('empty source', await run('empty-backup'), subject.says.emptySource);
    });

    test('the repository is locked by another run', async () => {
      const unlock = await lockSeries(repository(), 'app');
      const faulty = await backup();
      unlock();
      failed('repository locked', faulty, /^another run is still writing series app after 4 s/);
    });

    test('the repository volume is full; what was there stays, and there is room again', async () => {
      const bytes = statSync(payload()).size;
      cluster.claim(NAMESPACE, 'small', { sizeLimit: `${Math.ceil((bytes * 1.6) / 1024)}Ki`, lostAndFound: false });
      const first = await succeed(run('small-backup'), 'published');
      const { reason } = failure(await run('small-backup'), /No space left on device/i);
      const verified = await succeed(run('small-verify'), 'verified');
      expect(verified.id).toBe(first.id);
      expect(readdirSync(join(repository('small'), 'small')).filter(name => name.startsWith('.staging'))).toEqual([]);
      table.add('repository volume full', reason, restorable(verified));
    });

    test('two runs at once: both end well, or the one that cannot says so; none disturbs the other', async () => {
      const runs = await Promise.all([backup(), backup()]);
      const published = runs.filter(each => each.succeeded).map(each => resultOf(each).id);
      expect(published.length).toBeGreaterThan(0);
      for (const each of runs.filter(other => !other.succeeded)) failure(each, /another run is still writing series/);
      const verified = await verify();
      expect(published).toContain(verified.id);
      good = verified.id;
      table.add('two runs at once', runs.map(each => resultOf(each).reason || resultOf(each).verdict).join('; '), restorable(verified));
    });

    fault('scratchFull', 'the scratch volume of a verification is full', async () => {
      const { id } = await succeed(run('tight-backup'), 'published');
      const { reason } = failure(await run('tight-verify'), subject.says.scratchFull);
      expect(readdirSync(join(repository(), '.state-tight'))).toEqual(['reading']);
      table.add('scratch of the verification full', reason, `${id}: not noted as verified`);
    });

    test('restore of a recovery point that is not there', async () => {
      const faulty = await restore({ recoveryPoint: '20010101T000000Z-aaaaa', ...replace });
      failed('restore of an unknown id', faulty, /^series app has no recovery point 20010101T000000Z-aaaaa; it has: /);
      expect(await server.checksum()).toBe(backedUp);
    });

    fault('targetHoldsSomething', 'restore into a target that holds something', async () => {
      const faulty = await restore({});
      failed('restore into a target that holds something', faulty, subject.says.targetHoldsSomething);
      expect(await server.checksum()).toBe(backedUp);
    });

    fault('restorerKilled', 'the restoring program is killed, then a node is lost: the target is as it was', async () => {
      await server.change();
      const changed = await server.checksum();
      expect(changed).not.toBe(backedUp);

      const faulty = await duringRestore(async pod => {
        // Otherwise it is killed as soon as it is there.
        if (subject.restoring || server.isRestoring) await restoreUnderWay(pod);
        await pod.kill(subject.restorer);
      });
      failed(`${subject.restorer} killed (SIGKILL) in a restore`, faulty, subject.says.restorerKilled);
      expect(await server.checksum()).toBe(changed);

      const lost = await duringRestore(async pod => {
        await restoreUnderWay(pod);
        pod.killPod();
      });
      expect(lost.succeeded).toBe(false);
      expect(await server.checksum()).toBe(changed);

      const next = await restore(replace);
      expect(await succeed(Promise.resolve(next), 'restored')).toMatchObject({ id: good });
      expect(await server.checksum()).toBe(backedUp);
      table.add('node lost in the middle of a restore', 'nothing (it was killed)', `${good}: the next restore brought it back`);
    });

    test('backups that are killed at random instants leave nothing that looks good, and the next run cleans up', async () => {
      const random = new Random(FAULT_SEED);
      const began = Date.now();
      await succeed(backup(), 'published');
      const whole = Date.now() - began;
      before = holdings(repository());
      for (let kills = 0; kills < 2; kills += 1) {
        const after = random.below(whole);
        const killed = await backup(async pod => {
          await new Promise(resolve => setTimeout(resolve, after));
          pod.killEverything();
        });
        const said = killed.succeeded ? 'it had published already' : 'nothing (it was killed)';
        table.add(`killed after ${after} ms of a backup`, said, await goodOrNothing());
      }
      good = (await succeed(backup(), 'published')).id;
      expect(unpublished()).toEqual([]);
    });

    test.each([
      ['truncated', truncate],
      ['with one bit flipped', flipBit],
    ])('verification and restore refuse a payload that is %s', async (how, damage) => {
      const file = payload();
      copyFileSync(file, `${file}.copy`);
      damage(file);
      const verification = await run('app-verify');
      const restored = await restore(replace);
      for (const each of [verification, restored]) failure(each, /is damaged: \S+ does not match its checksum/);
      expect(await server.checksum()).toBe(backedUp);
      // Written over, not replaced: the file keeps its owner.
      execFileSync('cp', [`${file}.copy`, file]);
      rmSync(`${file}.copy`);
      failed(`payload ${how}`, verification, /./);
    });

    subject.more?.({
      get cluster() {
        return cluster;
      },
      get server() {
        return server;
      },
      get good() {
        return good;
      },
      table,
      run,
      failed,
      untouched,
    });

    // Bytes that nothing has touched restore as they did: once, in the end, it is shown of the newest.
    test('after all this the newest recovery point verifies', async () => {
      expect((await verify()).id).toBe(pointsOf('app').at(-1));
    });

    function payload(): string {
      const directory = join(repository(), 'app', good);
      const [file] = readdirSync(directory).filter(name =>
        [subject.payload, `${subject.payload}.zst`, `${subject.payload}.gz`].includes(name),
      );
      if (file === undefined) throw new Error(`no ${subject.payload} in ${readdirSync(directory)}`);
      return join(directory, file);
    }
  });
}

/** An app with short waits: `app` is healthy, the others are made to meet a fault. */
function synthesized(subject: EngineUnderFault): string {
  const dist = mkdtempSync(join(tmpdir(), 'e2e-faults-'));
  const app = new BackupApp({ outdir: dist });
  const chart = new Chart(app, 'faults', { namespace: NAMESPACE });
  const healthy: DatabaseBackupProps = {
    engine: subject.engine,
    host: 'db',
    ...(subject.port !== undefined && { port: subject.port }),
    credentials: SecretRef.named('db'),
    repository: Repository.files({ claimName: 'repository' }),
    retention: Retention.keep({ last: 50 }),
    retries: 0,
    readyTimeout: Duration.seconds(4),
    repositoryWait: Duration.seconds(4),
    ...(subject.dataVolume && { dataVolume: DataVolume.claim('data', subject.dataDirectory) }),
  };
  const series: { [name: string]: Partial<DatabaseBackupProps> } = {
    app: {},
    empty: { host: 'empty-db' },
    tight: {},
    small: { repository: Repository.files({ claimName: 'small' }) },
  };
  for (const [name, different] of Object.entries(series)) {
    const backup = new DatabaseBackup(chart, name, { ...healthy, ...different });
    backup.addVerification({ retries: 0, ...(name === 'tight' && { scratch: Scratch.emptyDir(subject.tightScratch) }) });
    backup.addRestore();
  }
  app.synth();
  return dist;
}
