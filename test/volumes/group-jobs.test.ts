import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Answer, FakeKubectl } from '../shell/kubectl';
import { inEachShell } from '../shell/shells';
import { linkShell } from '../support/shell-folder';

// What a restore and a verification of a group ask the Kubernetes API for, what they take back, and what they say when they fail.

const ID = '20261126T020000Z-aaaaa';
const CUT = '2026-11-26T02:00:03Z';
const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

/** A group of two claims, as the API has it. */
const GROUP = groupOf('csi.example');
function groupOf(driver: string): string {
  const snapshots = ['album', 'log'].map(claim => {
    const name = `shop-${claim}`;
    const labels = 'app.kubernetes.io/managed-by=Helm,part=album';
    const volume = {
      claim,
      snapshot: name,
      creationTime: CUT,
      accessModes: 'ReadWriteOnce',
      size: '1Gi',
      member: 'selected',
      driver,
      labels,
    };
    const about = ['{', '"format":1,', `"id":"${ID}",`, '"series":"shop",', '"volumes":[', '],', '"facts":{', '"volumes":2', '}', '}'].join(
      '\n',
    );
    return [`snapshot ${name} ${ID} ready yes unverified ${CUT} -,${CUT} -,${CUT}`, JSON.stringify(volume), about, ''].join('\n');
  });
  return snapshots.join('\n');
}
const claim = (name: string): Answer[] => [
  {
    to: `get persistentvolumeclaim ${name} -o name`,
    fails: `Error from server (NotFound): persistentvolumeclaims "${name}" not found`,
  },
  { to: `get persistentvolumeclaim ${name} -o go-template={{index`, says: `run-2 uid-of-${name}` },
  { to: `get persistentvolumeclaim ${name} -o go-template={{.metadata.uid`, says: `uid-of-${name} pvc-uid-of-${name} csi.example` },
  { to: `get persistentvolumeclaim ${name} -o go-template={{.status.phase`, says: 'Bound' },
];

function restore(shell: string[], claims: string, answers: Answer[] = [], environment: { [variable: string]: string } = {}) {
  const names = claims.split(' ').map(one => one.replace(/.*=/, ''));
  const asked = { RECOVERY_POINT: ID, CLAIMS: claims, LABELS: '', MEMBER_LABELS: '', BIND_TIMEOUT: '2', ...environment };
  return job(shell, 'restore', [...answers, ...names.flatMap(claim)], asked);
}

function job(shell: string[], operation: 'restore' | 'verify', answers: Answer[], environment: { [variable: string]: string }) {
  const root = mkdtempSync(join(tmpdir(), 'restore-'));
  roots.push(root);
  for (const folder of ['scratch/outcome', 'request']) mkdirSync(join(root, folder), { recursive: true });
  linkShell(join(root, 'shell'));
  for (const [name, folder] of Object.entries({ kubectl: 'volumes/group', api: 'kubernetes/kubectl' })) {
    symlinkSync(resolve('lib', folder), join(root, name));
  }
  const kubectl = new FakeKubectl(root, [...answers, { to: 'get volumesnapshots', says: GROUP }]);
  const [program = 'sh', ...options] = shell;
  const { status, stderr } = spawnSync(program, [...options, `lib/volumes/group/${operation}.sh`], {
    encoding: 'utf8',
    env: {
      PATH: `${kubectl.bin}:${process.env.PATH}`,
      ...{ SCRATCH: join(root, 'scratch'), BACKUP_HOME: root, REPOSITORY_FOLDER: 'none', OPERATION: operation, SERIES: 'shop' },
      ...{ NAMESPACE: 'shop', KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443', POD_NAME: 'run-2', STORAGE_CLASS: '' },
      ...environment,
    },
  });
  const read = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '');
  const asked = kubectl.asked();
  const deleted = asked.filter(request => request.startsWith('delete'));
  const made = () => parse(read('scratch/claim.yaml')).metadata.labels;
  return { status, log: stderr, reason: read('scratch/outcome/reason'), asked, deleted, made };
}

inEachShell('%s: a claim', shell => {
  test('that comes back under its own name has the labels that it had, and is a member again', () => {
    const { status, log, made } = restore(shell, 'album', [], { LABELS: 'tier: "2"', MEMBER_LABELS: 'tier: "1"\ngroup: "shop"' });
    expect(status, log).toBe(0);
    expect(made()).toEqual({ tier: '2', group: 'shop', part: 'album', 'app.kubernetes.io/managed-by': 'Helm' });
  });

  test('under another name has none of them', () => {
    const { status, log, made } = restore(shell, 'album=trial', [], { MEMBER_LABELS: 'group: "shop"' });
    expect(status, log).toBe(0);
    expect(made()).toEqual({ 'app.kubernetes.io/managed-by': 'cdk8s-backup' });
  });
});

const noLog: Answer = { to: 'create', fails: 'Error from server (Forbidden): no more', after: 2 };

test('a restore that fails takes back what it has made, and says so', () => {
  const { status, reason, deleted } = restore(['sh'], 'album log', [noLog, { to: 'get pods', says: 'other' }]);
  expect(status).toBe(1);
  expect(deleted.map(request => /persistentvolumeclaims\/(\S+)/.exec(request)?.[1])).toEqual(['album', 'log']);
  expect(reason).toMatch(/^claim log could not be created: .*; deleted again: album, log$/);
});

test.each<[string, Answer, RegExp]>([
  ['a pod has it', { to: 'get pods', says: 'album' }, /these claims, which it made, are kept: album \(a pod may use it\)$/],
  [
    'nobody knows whether one has',
    { to: 'get pods', fails: 'Error from server (Forbidden): pods' },
    /these claims, which it made, are kept: album \(a pod may use it\), log \(a pod may use it\)$/,
  ],
  [
    'nobody knows what volume it has',
    { to: 'get persistentvolumeclaim album -o go-template={{.metadata.uid', fails: 'error: unexpected EOF' },
    /are kept: album \(could not find out which volume it has: .*\)$/,
  ],
])('what a failed restore has made stays when %s, and is named', (_, pods, says) => {
  const { status, reason, deleted } = restore(['sh'], 'album log', [noLog, pods]);
  expect(status).toBe(1);
  expect(deleted.join()).not.toContain('album');
  expect(reason).toMatch(/^claim log could not be created: /);
  expect(reason).toMatch(says);
});

test('a restore of a snapshot whose driver nobody knows is not good, and leaves what it has made', () => {
  const { status, reason, deleted } = restore(['sh'], 'album=trial', [{ to: 'get volumesnapshots', says: groupOf('') }]);
  expect(status).toBe(1);
  expect(reason).toMatch(/^whether the volumes of these claims come from their snapshots is not known: trial \(made by csi\.example\)\. /);
  expect(deleted).toEqual([]);
});

test.each([
  ['kept', false],
  ['pvc-uid-of-shop-verify-album', true],
])(
  'where a class waits for the first pod, that is one that does nothing, before it is known whether %s is its volume',
  (volume, isChecked) => {
    const clone = 'shop-verify-album';
    const phase = `get persistentvolumeclaim ${clone} -o go-template={{.status.phase`;
    const uid = `get persistentvolumeclaim ${clone} -o go-template={{.metadata.uid`;
    const gone = (name: string): Answer => ({ to: `get ${name} -o name`, fails: 'Error from server (NotFound): gone' });
    const { status, reason, asked } = job(
      ['sh'],
      'verify',
      [
        { to: phase, says: 'Bound', after: 3 },
        { to: phase, says: 'Pending' },
        { to: 'get events --field-selector involvedObject', says: '2026-11-26T03:00:00Z WaitForFirstConsumer: waiting' },
        // What an earlier run has left is looked for first.
        { to: uid, says: `uid-of-${clone} ${volume} csi.example`, after: 2 },
        { to: uid, fails: 'Error from server (NotFound): gone' },
        ...['job shop-check-album', `persistentvolumeclaim ${clone}`, 'job shop-check-log', 'persistentvolumeclaim shop-verify-log'].map(
          gone,
        ),
        { to: 'get job', says: 'Complete CompletionsReached' },
        { to: 'get pods', says: '{"what":"check","verdict":"succeeded","restoreSeconds":1,"reason":""}' },
        ...claim('shop-verify-log'),
      ],
      { CHECKS: 'album shop-check-album\nlog shop-check-log', CHECK_TIMEOUT: '5', MAXIMUM_AGE: '9999999999', LEASE_SECONDS: '600' },
    );
    const jobs = asked.filter(request => /^(create job|patch|delete job) .*album/.test(request));
    expect(jobs.slice(1, 3)).toEqual([
      'create job shop-check-album --from=cronjob/shop-check-album --dry-run=client -o json',
      expect.stringMatching(/^patch --local .*"fsGroup":null.*"exit 0".*"claimName":"shop-verify-album","readOnly":true/),
    ]);
    const checks = jobs.filter(request => request.startsWith('create job shop-check-album --from=cronjob/shop-check-album -o go-template'));
    expect(checks).toHaveLength(isChecked ? 1 : 0);
    if (isChecked) expect(jobs[3]).toBe('delete job shop-check-album --cascade=foreground --ignore-not-found --wait=false');
    else expect(reason).toMatch(/: album: claim shop-verify-album was given the volume kept, which was there already/);
    expect(status, reason).toBe(1);
  },
);

test('a verification whose check never began says what the cluster said last of it, and not of another', () => {
  const gone = (name: string): Answer => ({ to: `get ${name} -o name`, fails: 'Error from server (NotFound): gone' });
  const clones = ['album', 'log'].flatMap(name => [gone(`persistentvolumeclaim shop-verify-${name}`), ...claim(`shop-verify-${name}`)]);
  const events = [
    '2026-11-26T02:59:00Z Job/shop-check-album FailedCreate: of an earlier run',
    '2026-11-26T03:00:05Z Job/shop-check-album FailedCreate: exceeded quota',
    '2026-11-26T03:00:09Z Pod/shop-check-album-art-x7k2p FailedScheduling: of another claim',
    '2026-11-26T03:00:08Z Pod/shop-check-album-x7k2p FailedScheduling: 0/1 nodes are available',
    '2026-11-26T03:01:00Z Job/shop-check-album DeadlineExceeded: Job was active longer than specified deadline',
  ];
  const { status, reason } = job(
    ['sh'],
    'verify',
    [
      { to: 'create job', says: '2026-11-26T03:00:00Z' },
      ...['album', 'log'].map(name => gone(`job shop-check-${name}`)),
      { to: 'get job', says: 'Failed DeadlineExceeded Job was active longer than specified deadline' },
      { to: 'get events --field-selector type=Warning', says: events.join('\n') },
      ...clones,
    ],
    { CHECKS: 'album shop-check-album\nlog shop-check-log', CHECK_TIMEOUT: '2', MAXIMUM_AGE: '600', LEASE_SECONDS: '600' },
  );
  expect(status).toBe(1);
  const [ofAlbum, ofLog] = reason.split('; log: ');
  expect(ofAlbum).toMatch(
    /: album: the job shop-check-album did not succeed: Failed DeadlineExceeded .*FailedScheduling: 0\/1 nodes are available$/,
  );
  expect(ofLog).toMatch(/^the job shop-check-log did not succeed: Failed DeadlineExceeded Job was active longer than specified deadline$/);
});
