import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Answer, FakeKubectl } from '../shell/kubectl';
import { inEachShell } from '../shell/shells';
import { linkShell } from '../support/shell-folder';

// What the jobs that ask Velero make of what they are answered. That a cluster's objects answer so, test/cluster/velero.cluster.ts shows.

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

/** Runs a script of Velero's jobs; what it says as its reason and beside a good verdict, and what it has asked. */
function run(shell: string[], script: string, answers: Answer[], environment: { [variable: string]: string }) {
  const root = mkdtempSync(join(tmpdir(), 'velero-'));
  roots.push(root);
  mkdirSync(join(root, 'scratch', 'outcome'), { recursive: true });
  linkShell(join(root, 'shell'));
  for (const [name, directory] of Object.entries({ api: 'kubernetes/kubectl', kubectl: 'velero' })) {
    symlinkSync(resolve('lib', directory), join(root, name));
  }
  const kubectl = new FakeKubectl(root, answers);
  const [program = 'sh', ...options] = shell;
  const { status, stderr } = spawnSync(program, [...options, join(root, 'kubectl', script)], {
    encoding: 'utf8',
    env: {
      PATH: `${kubectl.bin}:${process.env.PATH}`,
      ...{ SCRATCH: join(root, 'scratch'), BACKUP_HOME: root, REPOSITORY_FOLDER: 'none', NAMESPACE: 'velero' },
      ...{ KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443', ...environment },
    },
  });
  const said = (file: string) => {
    const path = join(root, 'scratch/outcome', file);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  return { status, log: stderr, id: said('id'), reason: said('reason'), caveats: said('caveats'), asked: kubectl.asked() };
}

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString().replace(/\.\d+/, '');

interface BackupSays {
  readonly phase?: string;
  readonly began?: string;
  readonly created?: string;
  readonly location?: string;
  readonly warnings?: string;
  /** Attempted and completed. */
  readonly csi?: [string, string];
  readonly native?: [string, string];
  /** Attempted, completed and failed. */
  readonly operations?: [string, string, string];
  readonly items?: string;
  readonly attempted?: string;
  readonly failed?: string;
  readonly errors?: string;
  readonly why?: string;
}

/** A line of the list of backups. */
function backup(day: number, { phase = 'Completed', began = hoursAgo(100 - 24 * day), attempted = '2', ...says }: BackupSays = {}) {
  const { failed = '', errors = '', location = 'offsite', warnings = '', items = '40', why = '' } = says;
  const { csi = ['1', '1'], native = ['', ''], operations = ['1', '1', ''], created = `2026-01-0${day}T02:00:00Z` } = says;
  const line = [began, created, `shop-daily-2026010${day}020000`, phase, attempted, failed, errors, location, warnings];
  return [...line, ...csi, ...native, ...operations, items, why].join('|');
}
const backups = (...lines: string[]): Answer => ({
  to: 'get backups.velero.io -l velero.io/schedule-name=shop-daily',
  says: lines.join('\n'),
});
const deployment = (image: string, available = '1'): Answer => ({ to: 'get deployment velero', says: `${available}|${image}` });
const location = (says: string): Answer => ({ to: 'get backupstoragelocations.velero.io offsite', says });
const nodeAgent = (desired: number, ready: number): Answer => ({ to: 'get daemonset node-agent', says: `${desired}|${ready}` });
const schedule = (paused: string, phase = 'Enabled', errors = ''): Answer => ({
  to: 'get schedules.velero.io shop-daily',
  says: `${paused}|${phase}|${errors}`,
});
const missing = (to: string, name: string): Answer => ({ to, fails: `Error from server (NotFound): ${name} not found` });
/** What is as it should be. */
const GOOD = [
  deployment('velero/velero:v1.18.1'),
  { to: 'get backupstoragelocations.velero.io -o', says: 'offsite' },
  location('Available|'),
  nodeAgent(3, 3),
  schedule(''),
  backups(backup(1, { phase: 'PartiallyFailed' }), backup(2, { began: hoursAgo(4) })),
];

inEachShell('%s: a check of Velero', shell => {
  const check = (...answers: Answer[]) => checkOf('2', ...answers);
  const checkOf = (hooks: string, ...answers: Answer[]) => checkBy({ EXPECTED_HOOKS: hooks }, ...answers);
  const checkBy = (environment: { [variable: string]: string }, ...answers: Answer[]) =>
    run(shell, 'velero-check.sh', [...answers, ...GOOD], {
      ...{ OPERATION: 'velero-check', VELERO_DEPLOYMENT: 'velero', SERIES: 'shop-daily', STORAGE_LOCATION: '', NODE_AGENT: 'yes' },
      ...{ MAXIMUM_AGE: String(30 * 3600), EXPECTED_HOOKS: '2' },
      ...{ EXPECTED_VOLUMES: '0', MOVES_DATA: 'no', ...environment },
    });

  test.each<[string, Answer[]]>([
    ['the newest backup is whole, whatever became of those before', []],
    [
      'another is being made, or waits to be',
      [
        backups(
          backup(2, { began: hoursAgo(4) }),
          backup(3, { phase: 'InProgress', began: hoursAgo(0), attempted: '' }),
          backup(4, { phase: '', began: '', created: hoursAgo(0), attempted: '' }),
        ),
      ],
    ],
    [
      'older ones have come into the cluster after it, as Velero finds them in its bucket',
      [
        backups(
          backup(2, { began: hoursAgo(4), created: '2026-03-01T10:00:00Z' }),
          backup(1, { began: hoursAgo(1400), phase: 'Failed', created: '2026-03-01T10:00:07Z' }),
        ),
      ],
    ],
    [
      'another cluster, whose bucket is read here, has a newer one of the same schedule name',
      [
        backups(
          backup(2, { began: hoursAgo(4) }),
          backup(3, { began: hoursAgo(1), phase: 'Failed', location: 'production', created: '2026-03-01T10:00:07Z' }),
        ),
      ],
    ],
    ['the image says nothing of its version', [deployment(`registry.example/velero@sha256:${'0'.repeat(64)}`)]],
  ])('succeeds when %s', (_, answers) => {
    const { status, log, id } = check(...answers);
    expect(status, log).toBe(0);
    expect(id).toBe('shop-daily-20260102020000');
  });

  test.each<[string, Answer, RegExp]>([
    ['Velero is not installed', missing('get deployment', 'velero'), /no Deployment velero in namespace velero: install Velero there/],
    ['Velero does not run', deployment('velero/velero:v1.18.1', ''), /no pod of Velero is available/],
    ['Velero is too old', deployment('velero/velero:v1.14.0'), /Velero is 1\.14\.0, which runs post hooks before the volumes are copied/],
    ['Velero is a little too old', deployment('velero/velero:v1.15.0'), /upgrade it to 1\.15\.1 or later/],
    ['its store cannot be reached', location('Unavailable|access denied'), /offsite is not available \(access denied\)/],
    ['nobody has looked at its store', location('|'), /not available \(Velero has not looked at it yet\)/],
    ['no store is the default', { to: 'get backupstoragelocations.velero.io -o', says: '' }, /there is no default BackupStorageLocation/],
    [
      'the node agent is missing',
      missing('get daemonset', 'node-agent'),
      /no DaemonSet node-agent .* install Velero with --use-node-agent/,
    ],
    ['the node agent is on no node', nodeAgent(0, 0), /node-agent runs on no node/],
    ['the node agent is not on every node', nodeAgent(3, 2), /only 2 of 3 pods of node-agent are ready/],
    ['the schedule is gone', missing('get schedules', 'shop-daily'), /no Schedule shop-daily in namespace velero/],
    ['the schedule is paused', schedule('true'), /the Schedule shop-daily is paused/],
    ['the schedule is refused', schedule('', 'FailedValidation', '["invalid"]'), /Velero refuses the Schedule shop-daily: .*invalid/],
    ['there is no backup', backups(), /has no finished backup in offsite/],
    [
      'the newest backup is whole in part',
      backups(backup(2), backup(3, { began: hoursAgo(1), phase: 'PartiallyFailed', errors: '2', attempted: '3', failed: '1' })),
      /the backup shop-daily-20260103020000 is PartiallyFailed, with 2 errors: 1 of 3 hooks failed: look at `velero backup describe/,
    ],
    [
      'the newest backup failed',
      backups(backup(2), backup(3, { began: hoursAgo(1), phase: 'Failed', why: 'no space left' })),
      /is Failed, with 0 errors \(no space left\)/,
    ],
    ['the newest backup is of yesterday', backups(backup(2, { began: hoursAgo(31) })), /more than 30 hours ago/],
    [
      'the newest backup is of the future',
      backups(backup(2, { began: hoursAgo(-4800) })),
      /which is in the future: the clock of Velero's node or of this node is wrong/,
    ],
    ['a hook failed', backups(backup(2, { failed: '1' })), /1 of 2 hooks failed/],
    ['no hook was run', backups(backup(2, { attempted: '' })), /only 0 of 2 hooks ran/],
    ['nothing is in it', backups(backup(2, { items: '' })), /the backup shop-daily-20260102020000 is empty: check what the Schedule/],
    ['a CSI snapshot is missing', backups(backup(2, { csi: ['3', '1'] })), /only 1 of 3 CSI snapshots were completed in the backup/],
    ["a snapshot of a plugin's is missing", backups(backup(2, { native: ['2', ''] })), /only 0 of 2 snapshots were completed/],
    [
      'data was not moved',
      backups(backup(2, { operations: ['3', '1', '2'] })),
      /only 1 of 3 operations, such as moving data, were completed/,
    ],
    ['an operation failed', backups(backup(2, { operations: ['3', '3', '1'] })), /1 operations failed in the backup/],
    [
      'the newest has come into the cluster before older ones that are whole',
      backups(
        backup(2, { began: hoursAgo(2), phase: 'PartiallyFailed', errors: '7', created: '2026-03-01T10:00:00Z' }),
        backup(1, { began: hoursAgo(20), created: '2026-03-01T10:00:07Z' }),
      ),
      /the backup shop-daily-20260102020000 is PartiallyFailed, with 7 errors/,
    ],
    [
      'Velero has refused to begin the newest',
      backups(
        backup(2, { began: hoursAgo(4) }),
        backup(3, { began: '', created: hoursAgo(2), phase: 'FailedValidation', why: '["read-only"]' }),
      ),
      /shop-daily-20260103020000 is FailedValidation, with 0 errors \(.*read-only/,
    ],
    [
      'there are backups of another cluster only',
      backups(backup(3, { location: 'production' })),
      /has no finished backup in offsite \(1 in other locations, the newest shop-daily-20260103020000 of \S+Z in production, which are not/,
    ],
  ])('fails when %s', (_, answer, reason) => {
    const failed = check(answer);
    expect(failed.status, failed.log).toBe(1);
    expect(failed.reason).toMatch(reason);
  });

  test.each<[string, string, BackupSays]>([
    ['snapshotted', 'no', { csi: ['2', '2'], operations: ['2', '2', ''] }],
    ["snapshotted by a plugin's", 'no', { csi: ['', ''], native: ['2', '2'], operations: ['', '', ''] }],
    ['moved', 'yes', { csi: ['', ''], operations: ['2', '2', ''] }],
  ])('counts the volumes that were %s, and those that were copied', (_, MOVES_DATA, says) => {
    const name = 'shop-daily-20260102020000';
    const copied: Answer = { to: 'get podvolumebackups.velero.io', says: [name, 'shop-daily-20260101020000', name].join('\n') };
    const volumes = (expected: string) =>
      checkBy({ EXPECTED_VOLUMES: expected, MOVES_DATA }, copied, backups(backup(2, { began: hoursAgo(4), ...says })));
    const enough = volumes('4');
    expect(enough.status, enough.log).toBe(0);
    const less = volumes('5');
    expect(less.status, less.log).toBe(1);
    expect(less.reason).toMatch(/^only 4 of 5 volumes are in the backup shop-daily-20260102020000: check that CSI snapshots are enabled/);
  });

  test('says that it expects no hooks and no volumes where nobody has told it of any', () => {
    const nothing = backups(backup(2, { began: hoursAgo(4), attempted: '', csi: ['', ''], operations: ['', '', ''] }));
    const caveats = (EXPECTED_HOOKS: string, EXPECTED_VOLUMES: string) => {
      const { status, log, caveats } = checkBy({ EXPECTED_HOOKS, EXPECTED_VOLUMES }, nothing);
      expect(status, log).toBe(0);
      return caveats;
    };
    expect(caveats('', '')).toMatch(
      /^not checked: whether hooks were run \(expectedHooks\), and which volumes are in it \(expectedVolumes\)\. No VeleroProtection and no VeleroDump names the Schedule shop-daily/,
    );
    expect(caveats('', '0')).toMatch(/^not checked: whether hooks were run \(expectedHooks\)\. /);
    expect(caveats('0', '')).toMatch(/^not checked: which volumes are in it \(expectedVolumes\)\. /);
    expect(caveats('0', '0')).toBe('');
  });

  test('asks for the Deployment that it is told', () => {
    const { status, log } = checkBy(
      { VELERO_DEPLOYMENT: 'backups-velero' },
      { to: 'get deployment backups-velero', says: '1|velero/velero:v1.18.1' },
      missing('get deployment velero', 'velero'),
    );
    expect(status, log).toBe(0);
  });

  test('says what Velero warns of', () => {
    const warned = check(backups(backup(2, { began: hoursAgo(4), warnings: '5' })));
    expect(warned.status, warned.log).toBe(0);
    expect(warned.caveats).toMatch(
      /^Velero gave 5 warnings for the backup shop-daily-20260102020000: .*, such as a volume, may be missing/,
    );
  });
});

inEachShell('%s: a restore that somebody starts', shell => {
  const restore = (named: string, ...answers: Answer[]) => restoreBy({ VELERO_WAIT: '0' }, named, ...answers);
  const restoreBy = (environment: { [variable: string]: string }, named: string, ...answers: Answer[]) =>
    run(
      shell,
      'velero-restore.sh',
      [
        ...answers,
        { to: 'create', says: 'shop-drill-a1b2c|1' },
        { to: 'get restores.velero.io shop-drill-a1b2c', says: 'Completed|||||40|1|1|2|' },
        { to: 'get backups.velero.io shop-daily-20260102020000', says: 'Completed' },
        { to: 'get backups.velero.io shop-daily-20260103020000', says: 'PartiallyFailed' },
        { to: 'get backups.velero.io shop-daily-20260104020000', says: 'Failed' },
        backups(backup(1), backup(2)),
        { to: 'get backups.velero.io ', fails: 'Error from server (NotFound): backups.velero.io "it" not found' },
      ],
      {
        ...{ OPERATION: 'velero-restore', VELERO_DEPLOYMENT: 'velero', SERIES: 'shop-drill', SCHEDULE: 'shop-daily', BACKUP: named },
        POD_NAME: 'shop-drill-1-a1b2c',
        ...{ SPEC: '{"includedNamespaces":["shop"]}', ...environment },
      },
    );
  const ends = (says: string): Answer => ({ to: 'get restores.velero.io shop-drill-a1b2c', says });

  test('is of the newest backup, and says when that is not whole', () => {
    const newest = restore('');
    expect(newest).toMatchObject({ status: 0, id: 'shop-drill-a1b2c' });
    expect(newest.caveats).toMatch(/^restoring shop-daily-20260102020000 from \S+Z, 2 days ago\n$/);
    const newer = restore('', backups(backup(2), backup(3, { phase: 'PartiallyFailed' })), ends('Completed||3|||40||||'));
    expect(newer.status, newer.log).toBe(0);
    expect(newer.caveats).toMatch(
      /^restoring shop-daily-20260102020000 from \S+Z, 2 days ago, and not the newer shop-daily-20260103020000 from \S+Z, which is PartiallyFailed: .*\nVelero gave 3 warnings: /,
    );
    expect(restore('shop-daily-20260103020000').caveats).toMatch(/^the backup shop-daily-20260103020000 is only partly complete/);
  });

  describe('whose creation is not answered', () => {
    const LOST = { to: 'create', fails: 'error: unexpected EOF' };
    const found = (run: string): Answer => ({
      to: 'get restores.velero.io shop-drill-a1b2c -o jsonpath={.metadata.name}',
      says: `shop-drill-a1b2c|7|${run}`,
    });

    test('goes on where it was made all the same', () => {
      const { status, log, id } = restore('', LOST, found('shop-drill-1-a1b2c'));
      expect(status, log).toBe(0);
      expect(id).toBe('shop-drill-a1b2c');
      expect(log).toContain('the answer was lost, but the Restore was created');
    });

    test('has failed where it was not made, or is of somebody else', () => {
      const none = restore('', LOST, missing('get restores.velero.io', 'shop-drill-a1b2c'));
      expect(none.reason).toMatch(/^the Restore could not be created: .*unexpected EOF.*; nothing was restored$/);
      expect(none.asked.filter(request => request.startsWith('delete'))).toEqual([]);
      const there = { to: 'create', fails: 'Error from server (AlreadyExists): restores.velero.io "shop-drill-a1b2c" already exists' };
      const other = restore('', there, found('another-a1b2c'));
      expect(other.reason).toMatch(/ A Restore shop-drill-a1b2c that this job did not make exists already; nothing was restored$/);
      expect(other.asked.filter(request => request.startsWith('delete'))).toEqual([]);
    });

    test('is named where nobody may ask for it', () => {
      const forbidden = 'Error from server (Forbidden): restores is forbidden: User "it" cannot get resource "restores"';
      const { status, reason, log } = restore('', LOST, { to: 'get restores.velero.io', fails: forbidden });
      expect(status).toBe(1);
      expect(reason).toMatch(/ It may exist in spite of that, .*delete restores\.velero\.io shop-drill-a1b2c`\)$/);
      expect(log).toContain('and it is still there: delete it');
    });

    test('is taken back by a run that is told to end meanwhile', () => {
      const ended = restore('', { to: 'create', fails: 'error: unexpected EOF', stops: true }, found('shop-drill-1-a1b2c'));
      expect(ended.status).toBe(143);
      expect(ended.asked.filter(request => request.startsWith('delete'))).toHaveLength(1);
    });
  });

  describe('chooses among those of the schedule', () => {
    const ofSchedule = (says: string): Answer => ({ to: 'get schedules.velero.io shop-daily', says });
    const byDefault: Answer = { to: 'get backupstoragelocations.velero.io -o', says: 'offsite' };
    const chosen = (...answers: Answer[]) => {
      const ended = restore('', ...answers);
      expect(ended.status, ended.log).toBe(0);
      return ended.caveats;
    };

    test('the one that was begun last, in whatever order Velero has found them in its bucket', () => {
      const found = backups(backup(2, { created: '2026-03-01T10:00:00Z' }), backup(1, { created: '2026-03-01T10:00:07Z' }));
      expect(chosen(found)).toMatch(/^restoring shop-daily-20260102020000 /);
    });

    test.each<[string, Answer[]]>([
      ['its own location', [ofSchedule('offsite')]],
      ['the default one, where it names none', [ofSchedule(''), byDefault]],
    ])('those of %s, and says that there are others', (_, answers) => {
      const found = backups(backup(2), backup(3, { location: 'production' }));
      expect(chosen(...answers, found)).toMatch(
        /^restoring shop-daily-20260102020000 .*\nwith the same schedule name, there are 1 in other locations, the newest shop-daily-20260103020000 of \S+Z in production: /,
      );
    });

    test('in a new cluster all that there are, before the schedule is there', () => {
      const fails = 'Error from server (NotFound): schedules.velero.io "shop-daily" not found';
      const gone: Answer = { to: 'get schedules.velero.io', fails };
      expect(chosen(gone, backups(backup(2, { location: 'found' })))).toMatch(/^restoring shop-daily-20260102020000 /);
      const several = restore('', gone, backups(backup(2), backup(3, { location: 'production' })));
      expect(several.status, several.log).toBe(78);
      expect(several.reason).toMatch(/are in several locations \(offsite production\), .*: name a Backup in .* nothing was restored$/);
    });
  });

  test.each<[string, string, Answer[], RegExp]>([
    [
      'none is of its own location',
      '',
      [{ to: 'get schedules.velero.io shop-daily', says: 'offsite' }, backups(backup(3, { location: 'production' }))],
      /no Backup that is Completed in offsite; there are 1 in other locations, the newest shop-daily-20260103020000 .*: to restore one/,
    ],
    [
      'no backup is whole',
      '',
      [backups(backup(3, { phase: 'PartiallyFailed' }))],
      /no Backup that is Completed; the newest, shop-daily-20260103020000, is PartiallyFailed; nothing was restored/,
    ],
    ['there is none of that name', 'shop-daily-20250101020000', [], /there is no Backup shop-daily-20250101020000 .* nothing was restored/],
    ['it failed', 'shop-daily-20260104020000', [], /the backup shop-daily-20260104020000 is Failed: choose one that is Completed/],
    ['its name is no name', 'x" ,"y', [], /nothing was restored/],
  ])('is refused, and makes nothing, when %s', (_, named, answers, reason) => {
    const refused = restore(named, ...answers);
    expect(refused.status, refused.log).toBe(78);
    expect(refused.reason).toMatch(reason);
    expect(refused.asked.filter(request => request.startsWith('create'))).toEqual([]);
  });

  test.each<[string, RegExp]>([
    ['PartiallyFailed|2||||||||', /is PartiallyFailed, with 2 errors: what was restored is in the cluster/],
    ['FailedValidation|||||||||["no backup"]', /is FailedValidation, with 0 errors \(.*no backup.*\)/],
    ['Completed|||1|2|40||||', /1 of 2 hooks failed in the restore/],
    ['Completed|||||||||', /has restored nothing: the backup shop-daily-20260102020000 holds nothing of what was requested; compare/],
    ['Completed|||||0||||', /has restored nothing/],
    ['Completed|||||40|3|1||', /only 1 of 3 operations, such as bringing back data, were completed in the restore/],
  ])('fails when Velero says %s', (says, reason) => {
    const failed = restore('', ends(says));
    expect(failed.status, failed.log).toBe(1);
    expect(failed.reason).toMatch(reason);
  });

  test('is not waited for when it may not be asked', () => {
    const fails = 'Error from server (Forbidden): restores.velero.io is forbidden: User "it" cannot get resource "restores"';
    const failed = restore('', { to: 'get restores.velero.io shop-drill-a1b2c', fails });
    expect(failed.status, failed.log).toBe(1);
    expect(failed.reason).toMatch(/^the Restore shop-drill-a1b2c was created, but its state cannot be read: .*the Role/);
  });

  describe('of which Velero says nothing', () => {
    const DELETE = 'delete --raw /apis/velero.io/v1/namespaces/velero/restores/shop-drill-a1b2c';
    const unbegun: Answer = { to: 'get restores.velero.io shop-drill-a1b2c', says: '||||||||7|' };
    const ended: Answer = { ...ends('Completed|||||40|||8|'), after: 2 };
    const deleted = ({ asked }: { asked: string[] }) => asked.filter(request => request.startsWith('delete'));

    test('fails after some minutes, and leaves none behind that Velero would begin on another day', () => {
      const failed = restore('', unbegun);
      expect(failed.status, failed.log).toBe(1);
      expect(failed.reason).toMatch(
        /^Velero did not start the Restore shop-drill-a1b2c within \d+ minutes: make sure that Velero is running .* is deleted again, and nothing was restored: start/,
      );
      expect(deleted(failed)).toEqual([expect.stringContaining(DELETE)]);
    });

    test('says what is left when it may not delete it', () => {
      const fails = 'Error from server (Forbidden): User "it" cannot delete resource "restores"';
      const failed = restore('', unbegun, { to: DELETE, fails });
      expect(failed.status, failed.log).toBe(1);
      expect(failed.reason).toMatch(
        /The Restore is still there, .* and Velero starts it as soon as it is running: delete it with `kubectl/,
      );
    });

    test('goes on when Velero begins it at the last moment', () => {
      const fails = 'Error from server (Conflict): Operation cannot be fulfilled: Precondition failed';
      const restored = restore('', ended, unbegun, { to: DELETE, fails });
      expect(restored.status, restored.log).toBe(0);
    });

    test('waits while Velero, which runs, restores another one first', () => {
      const runs = (available: string): Answer => ({ to: 'get deployment velero', says: available });
      const another: Answer = { to: 'get restores.velero.io -o', says: 'other-x1y2z' };
      const waited = restore('', ended, unbegun, runs('1'), another);
      expect(waited.status, waited.log).toBe(0);
      expect(deleted(waited)).toEqual([]);
      // What a Velero that has ended was at, says nothing.
      expect(restore('', unbegun, runs(''), another).status).toBe(1);
    });

    test.each<[string, string]>([
      ['its Deployment', 'get deployment velero'],
      ['other Restores', 'get restores.velero.io -o'],
    ])('says that it may not ask for %s', (_, to) => {
      const fails = 'Error from server (Forbidden): User "it" cannot get resource "it"';
      const runs: Answer = { to: 'get deployment velero', says: '1' };
      const failed = restore('', unbegun, { to, fails }, runs);
      expect(failed.status, failed.log).toBe(1);
      expect(failed.log.match(/WARNING: could not find out whether Velero restores something else first: the Role/g)).toHaveLength(1);
      expect(failed.reason).toMatch(
        / minutes, and it could not be found out whether it restores something else first \(the Role of this job does not/,
      );
    });

    test('is deleted when the job is stopped before Velero has begun', () => {
      const stopped = restoreBy({ VELERO_WAIT: '600' }, '', { ...unbegun, stops: true });
      expect(stopped.status, stopped.log).toBe(143);
      expect(deleted(stopped)).toEqual([expect.stringContaining(DELETE)]);
      expect(stopped.log).toContain('Velero had not started the Restore shop-drill-a1b2c: it is deleted, and nothing was restored');
    });
  });
});
