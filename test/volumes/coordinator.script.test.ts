import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Answer, FakeKubectl } from '../shell/kubectl';
import { inEachShell } from '../shell/shells';
import { linkShell } from '../support/shell-folder';

// What a run makes of the answers of the Kubernetes API, and of those that do not come.

const REFUSED = 'The connection to the server 10.0.0.1:443 was refused - did you specify the right host or port?';
const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

/** Runs words of the scripts of a group; what it says, in the end as its reason, and what it has asked. */
function run(shell: string[], words: string, answers: Answer[], environment: { [variable: string]: string } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'coordinator-'));
  roots.push(root);
  mkdirSync(join(root, 'scratch', 'outcome'), { recursive: true });
  linkShell(join(root, 'shell'));
  symlinkSync(resolve('lib/volumes/group'), join(root, 'kubectl'));
  const kubectl = new FakeKubectl(root, answers);
  const sources = ['shell/lib/lib', 'kubernetes/kubectl/api', 'volumes/group/groups', 'volumes/group/lease', 'volumes/group/quiesce'];
  writeFileSync(join(root, 'run.sh'), ['set -eu', ...sources.map(file => `. ${resolve('lib')}/${file}.sh`), words].join('\n'));
  const [program = 'sh', ...options] = shell;
  const { stderr, status } = spawnSync(program, [...options, join(root, 'run.sh')], {
    encoding: 'utf8',
    env: {
      PATH: `${kubectl.bin}:${process.env.PATH}`,
      ...{ SCRATCH: join(root, 'scratch'), BACKUP_HOME: root, REPOSITORY_FOLDER: 'none', OPERATION: 'snapshot', SERIES: 'shop' },
      ...{
        NAMESPACE: 'shop',
        KUBERNETES_SERVICE_HOST: '10.0.0.1',
        KUBERNETES_SERVICE_PORT: '443',
        POD_NAME: 'run-2',
        LEASE_SECONDS: '600',
      },
      ...{ HOLDS: '', RENEWS: '', RELEASES: '', CUT_TIMEOUT: '2', STORAGE_CLASS: '', ...environment },
    },
  });
  const read = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '');
  return { status, log: stderr, reason: read('scratch/outcome/reason'), asked: kubectl.asked() };
}

const there: Answer = { to: 'create', fails: 'Error from server (AlreadyExists): leases "shop-snapshot" already exists' };
const heldBy = (pod: string, since = '2026-11-26T02:00:00Z'): Answer => ({ to: 'get lease', says: `${pod} ${since} 17` });
const pod = (name: string, phase: string, born: string): Answer => ({ to: `get pod ${name}`, says: `${phase} ${born}` });
const gone = (name: string): Answer => ({ to: `get pod ${name}`, fails: `Error from server (NotFound): pods "${name}" not found` });

test('a copy in another namespace does nothing', () => {
  const copy = run(['sh'], 'lease_take', [], { MADE_FOR_NAMESPACE: 'shop', POD_NAMESPACE: 'shop-drill' });
  expect(copy.status).toBe(78);
  expect(copy.reason).toMatch(/^this job is a copy: it was made for namespace shop, and runs in shop-drill\. Nothing was done/);
  expect(copy.asked).toEqual([]);
  const own = run(['sh'], 'lease_take', [], { MADE_FOR_NAMESPACE: 'shop', POD_NAMESPACE: 'shop' });
  expect(own.asked[0]).toMatch(/^create/);
});

// The snapshot controllers of today serve v1beta2 only: what is sent to one that serves v1 is all that can be shown.
test.each(['v1', 'v1beta2'])('a native group is asked for in the version of its API: %s', version => {
  const words = `. "$BACKUP_HOME/kubectl/native.sh"; create() { cat "$1" >&2; }; TAB='\t' POINT=20261126T020000Z-abcde; group_create; group_cut "$POINT"`;
  const environment = {
    GROUP_API: `groupsnapshot.storage.k8s.io/${version}`,
    GROUP_SELECTOR: 'tier=db,of=shop',
    SNAPSHOT_CLASS: 'together',
  };
  const { log, asked } = run(['sh'], words, [], environment);
  expect(parse(log)).toEqual({
    ...{ apiVersion: `groupsnapshot.storage.k8s.io/${version}`, kind: 'VolumeGroupSnapshot' },
    metadata: {
      name: 'shop-20261126t020000z-abcde',
      labels: {
        ...{ 'app.kubernetes.io/managed-by': 'cdk8s-backup', 'app.kubernetes.io/part-of': 'backup', 'cdk8s-backup/series': 'shop' },
        ...{ 'cdk8s-backup/recovery-point': '20261126T020000Z-abcde', 'cdk8s-backup/operation': 'snapshot' },
      },
    },
    spec: { source: { selector: { matchLabels: { tier: 'db', of: 'shop' } } }, volumeGroupSnapshotClassName: 'together' },
  });
  expect(asked[0]).toContain(`get volumegroupsnapshots.${version}.groupsnapshot.storage.k8s.io shop-20261126t020000z-abcde`);
});

test('a claim without the labels of its native group is named, with what gives them to it', () => {
  const words = `. "$BACKUP_HOME/kubectl/claims.sh"; . "$BACKUP_HOME/kubectl/native.sh"; printf 'data-db-0\tStatefulSet/db\n' >"$SCRATCH/claims"; group_check`;
  const environment = { GROUP_API: 'groupsnapshot.storage.k8s.io/v1', GROUP_SELECTOR: 'tier=db,of=shop', SNAPSHOT_CLASS: '' };
  const { status, reason } = run(['sh'], words, [], environment);
  expect(status).toBe(78);
  expect(reason).toContain(
    'claim data-db-0 belongs to the group but lacks its labels: kubectl label --overwrite pvc data-db-0 tier=db of=shop',
  );
});

test('a claim of a StatefulSet that has more replicas than the app knows is named', () => {
  const rows = (...all: string[]) =>
    all
      .map(row => `${row}\n`)
      .join('')
      .replaceAll('\n', '\\n')
      .replaceAll('\t', '\\t');
  const known = rows('data-db-0\tStatefulSet/db', 'data-db-1\tStatefulSet/db', 'uploads-1\tclaims');
  const there = rows(
    'data-db-0\tBound',
    'data-db-1\tBound',
    'data-db-2\tBound',
    'data-other-db-0\tBound',
    'uploads-1\tBound',
    'uploads-2\tBound',
  );
  const words = `. "$BACKUP_HOME/kubectl/claims.sh"; printf '${known}' >"$SCRATCH/claims"; printf '${there}' >"$SCRATCH/claims.all"; : >"$SCRATCH/caveats"; claims_beyond; cat "$SCRATCH/caveats" >&2`;
  const { log, status } = run(['sh'], words, []);
  expect(status).toBe(0);
  expect(log).toMatch(/these claims are in no group, as the code has fewer replicas: data-db-2 of StatefulSet\/db\. Set replicas/);
});

describe('a group that may have been made anew', () => {
  const [good, doubtful] = ['20261124T020000Z-aaaaa', '20261125T020000Z-bbbbb'];
  const snapshot = (id: string, written: string, ...error: string[]) =>
    [
      [`snapshot s-${id} ${id} ready yes unverified 2026-11-24T02:00:03Z -,${written} -,2026-11-25T02:00:09Z`, ...error].join(' '),
      `{"claim":"data","snapshot":"s-${id}","creationTime":"2026-11-24T02:00:03Z"}`,
      `"id":"${id}",\n"series":"shop",\n"volumes":1`,
    ].join('\n');
  const asDoubtful = snapshot(doubtful, '2026-11-26T02:00:00Z', '"class csi not found"');
  const chosen = (wanted: string, ...all: string[]) =>
    run(['sh'], `. "$BACKUP_HOME/kubectl/clones.sh"; : >"$SCRATCH/caveats"; choose_group ${wanted}; bad_groups; doubtful_groups >&2`, [
      { to: 'get volumesnapshots.v1.snapshot.storage.k8s.io -l cdk8s-backup/series=shop', says: all.join('\n') },
    ]);

  test('is restored where somebody names it, and says so', () => {
    const { status, log } = chosen(doubtful, snapshot(good, '2026-11-24T02:00:03Z'), asDoubtful);
    expect(status, log).toBe(0);
    expect(log).toMatch(
      /WARNING: group 20261125\S+ is doubtful, and may hold a later state of its volumes: snapshot s-.*class csi not found/,
    );
    expect(chosen('newest', snapshot(good, '2026-11-24T02:00:03Z'), asDoubtful).log).not.toContain('WARNING');
  });

  test('is chosen by nothing else, and named where there is no other', () => {
    const { status, reason } = chosen('newest', asDoubtful);
    expect(status).toBe(1);
    expect(reason).toMatch(/^no group of series shop is good; these are doubtful, and are restored only if .*: 20261125\S+ \(snapshot s-/);
  });
});

test.each([
  ['data 1\\nlog 2\\nother 9', '', ''],
  ['data 1\\nlog 3', 're-created while the group was made, and their snapshots may be of new, empty volumes: log', ''],
  ['data 1', '', 'these claims were deleted while the group was made, and nothing proves that the snapshots show their old volumes: log'],
])('claims that are others after the cut than before it: %s', (there, reason, caveat) => {
  const rows = ['data', 'log', 'other'].map((claim, index) => `${claim}${'\\t'.repeat(10)}${index + 1}\\tby\\n`).join('');
  const words = `. "$BACKUP_HOME/kubectl/claims.sh"; : >"$SCRATCH/caveats"; printf 'data\\tm\\nlog\\tm\\n' >"$SCRATCH/claims"; printf '${rows}' >"$SCRATCH/claims.all"; claims_still`;
  const answers = [{ to: 'get persistentvolumeclaims', says: there.replaceAll(' ', '\t').replaceAll('\\n', '\n') }];
  const said = run(['sh'], words, answers);
  expect(said.status).toBe(reason === '' ? 0 : 1);
  expect(said.reason).toContain(reason);
  expect(said.log).toContain(caveat);
  expect(run(['sh'], words, [{ to: 'get persistentvolumeclaims', fails: REFUSED }]).reason).toMatch(
    /^could not find out whether the claims are still the same: /,
  );
});

// The name of a volume that was made for a claim has the claim's uid.
test.each([
  ['pvc-3c1f0c8e-5d1b-4c7e-9b0a-0d6f4f6f2a11', 'csi.example', 'csi.example', ''],
  ['pvc-3c1f0c8e5d', 'csi.example', 'csi.example', ''],
  ['vol-of-shop-3c1f0c8e-5d1b-4c7e-9b0a-0d6f4f6f2a11', 'csi.example', 'csi.example', ''],
  ['vol-of-shop-3c1f0c8e', 'csi.example', 'csi.example', ''],
  ['pvc-3c1f0c8e5d', 'ebs.csi.aws.com', 'kubernetes.io/aws-ebs', ''],
  ['pvc-3c1f0c8e5d', 'csi.example', 'kubernetes.io/of-old', 'not proven: data-trial (made by csi.example)'],
  ['pvc-3c1f0c8e5d', 'csi.example', '', 'not proven: data-trial (made by csi.example)'],
  ['-', '-', 'csi.example', ''],
  ['-', '-', '', ''],
  ['kept', '-', 'csi.example', 'claim data-trial was given the volume kept, which was there already, and not one made from its snapshot'],
  // Also while the provisioner has been asked for one already.
  ['kept', 'csi.example', 'csi.example', 'claim data-trial was given the volume kept, which was there already'],
  ['kept-3', 'csi.example', 'csi.example', 'which was there already'],
  ['kept-of-3c1f0c8e5d1b4c7e9b0a0d6f4f6f2a11-again', 'csi.example', 'csi.example', 'which was there already'],
  ['pvc-00000000-5d1b-4c7e-9b0a-0d6f4f6f2a11', 'csi.example', 'csi.example', 'which was there already'],
  ['pvc-3c1f0c8e5d', 'local.example', 'csi.example', 'was made by local.example, but the snapshot is from csi.example'],
  ['pvc-3c1f0c8e5d', 'local.example', 'kubernetes.io/aws-ebs', 'was made by local.example, but the snapshot is from ebs.csi.aws.com'],
])('volume %s, made by %s, of a snapshot of "%s": %s', (volume, provisioner, driver, says) => {
  const manifest = `{"claim":"data","snapshot":"s","driver":"${driver}","storageClass":"c","accessModes":"ReadWriteOnce","volumeMode":"Filesystem","size":"1Gi","member":"m"}`;
  const words = `. "$BACKUP_HOME/kubectl/clones.sh"; echo '${manifest}' | awk -f "$BACKUP_HOME/kubectl/volumes.awk" >"$SCRATCH/volumes"; : >"$SCRATCH/unproven"; foreign_volume data data-trial >&2; sed 's/^/not proven: /' "$SCRATCH/unproven" >&2`;
  const { log, status } = run(['sh'], words, [
    { to: 'get persistentvolumeclaim data-trial', says: `3c1f0c8e-5d1b-4c7e-9b0a-0d6f4f6f2a11 ${volume} ${provisioner}` },
  ]);
  expect(status).toBe(0);
  if (says === '') expect(log).toBe('');
  else expect(log).toContain(says);
});

test('a quota is not said to be a Role, and a Role is', () => {
  const says = (fails: string) => run(['sh'], 'api create -f x || die "$(api_reason)"', [{ to: 'create', fails }]).reason;
  const quota = 'volumesnapshots "a" is forbidden: exceeded quota: small, requested: count/volumesnapshots=1, used: 9, limited: 9';
  expect(says(`Error from server (Forbidden): error when creating "x": ${quota}`)).toMatch(
    /^a ResourceQuota of the namespace does not allow it \(small, requested: count\/volumesnapshots=1/,
  );
  const role =
    'leases is forbidden: User "system:serviceaccount:shop:a" cannot create resource "leases" in API group "coordination.k8s.io"';
  expect(says(`Error from server (Forbidden): ${role}`)).toMatch(
    /^the Role of this job does not allow it \(cannot create resource "leases"/,
  );
  expect(says('Error from server (Forbidden): admission webhook "policy" denied the request: no')).toMatch(/webhook "policy" denied/);
});

inEachShell('%s: a lease', shell => {
  const takes = (...answers: Answer[]) => run(shell, 'lease_take\necho "taken of <$lease_of_dead>" >&2', answers);

  test('that cannot be taken over is not said to be lost to another run', () => {
    const lost = takes(there, { ...heldBy('run-1') }, gone('run-1'), { to: 'replace', fails: REFUSED });
    expect(lost.reason).toMatch(
      /^the lease shop-snapshot of pod run-1 cannot be taken over: the Kubernetes API cannot be reached \(.*NetworkPolicy/,
    );
    const conflict = 'Error from server (Conflict): error when replacing "lease.yaml": the object has been modified';
    const beaten = takes(there, heldBy('run-1'), gone('run-1'), { to: 'replace', fails: conflict });
    expect(beaten.reason).toBe('another run of shop took the lease over first. Nothing was touched');
  });

  test('that was written although the answer was lost, is this run’s', () => {
    expect(takes({ to: 'create', fails: 'error: unexpected EOF' }, heldBy('run-2')).log).toMatch(/taken of <>/);
    expect(takes({ to: 'create', fails: 'error: unexpected EOF' }, heldBy('run-1')).reason).toMatch(
      /^the lease shop-snapshot cannot be taken: /,
    );
  });

  test('that was given back while it was taken over, is taken', () => {
    const free = { to: 'create', says: '', after: 2 };
    const missing = { to: 'replace', fails: 'Error from server (NotFound): leases "shop-snapshot" not found' };
    expect(takes(free, there, heldBy('run-1'), gone('run-1'), missing).log).toMatch(/taken of <>/);
    expect(takes(there, heldBy('run-1'), gone('run-1'), missing).reason).toMatch(/^another run of shop took the lease over first/);
  });

  test('is dead when its pod is gone or is older than a run can be, by the API server’s clock', () => {
    const own = pod('run-2', 'Running', '2026-11-26T02:00:00Z');
    // Whatever the clock of the node said of which it was taken.
    for (const since of ['2027-06-01T00:00:00Z', '2020-06-01T00:00:00Z']) {
      expect(takes(there, heldBy('run-1', since), pod('run-1', 'Running', '2026-11-26T01:49:00Z'), own).log).toMatch(/taken of <run-1>/);
      const alive = takes(there, heldBy('run-1', since), pod('run-1', 'Running', '2026-11-26T01:51:00Z'), own);
      expect(alive.reason).toMatch(/^another run of shop is running, in pod run-1/);
    }
  });

  test('that cannot be looked at is not said to be somebody else’s', () => {
    const ours = 'lease_check "It publishes nothing"';
    expect(run(shell, ours, [{ to: 'get lease', fails: REFUSED }]).reason).toMatch(
      /^could not find out whether this run still holds the lease shop-snapshot: /,
    );
    expect(run(shell, ours, [heldBy('run-3')]).reason).toMatch(/^this run no longer holds the lease shop-snapshot: /);
    expect(run(shell, ours, [heldBy('run-2')]).status).toBe(0);
  });
});

inEachShell('%s: a server that is held', shell => {
  const commands = (script: string, wait = '') => `StatefulSet/db db-0 quiesce ${wait}sh /agent/${script}.sh shop`;
  const environment = { HOLDS: commands('hold', '2 '), RENEWS: commands('renew'), RELEASES: commands('release') };
  const holds = (words: string, ...answers: Answer[]) => run(shell, words, answers, environment);

  test('is not held before the API was there for as long as nobody would miss it', () => {
    const lost = holds('prove_api\nhold_all', { ...heldBy('run-2'), fails: REFUSED, after: 2 }, heldBy('run-2'));
    expect(lost.reason).toMatch(
      /^could not find out whether this run .*: the Kubernetes API cannot be reached .*NetworkPolicy.*Nothing was held, and nothing was snapshotted$/,
    );
    expect(lost.asked.filter(request => request.startsWith('exec'))).toEqual([]);
  });

  test('is held in the name of this run, and is heard of until it is let go', () => {
    const { asked, log } = holds('hold_all\nsleep 5\nrelease_all\nsleep 1');
    expect(asked[0]).toBe('exec db-0 -c quiesce -- env QUIESCE_HEARD=10 sh /agent/hold.sh shop run-2');
    const renewals = asked.filter(request => request === 'exec db-0 -c quiesce -- sh /agent/renew.sh shop run-2');
    expect(renewals.length).toBeGreaterThan(0);
    expect(asked.filter(Boolean).at(-1)).toBe('exec db-0 -c quiesce -- sh /agent/release.sh shop run-2');
    expect(Number(/db-0 was held for (\d+) ms at most/.exec(log)?.[1])).toBeGreaterThanOrEqual(5000);
  });

  test.each([
    ['the client ended with 1: ERROR 1045 (28000): Access denied for user `quiesce`@`127.0.0.1`', 1],
    ['the server did not make a checkpoint: psql: error: FATAL:  password authentication failed for user "quiesce"', 1],
    ['Authentication failed.', 1],
    ['the server did not give its time: AUTH failed: WRONGPASS invalid username-password pair or user is disabled.', 1],
    ['it has no credentials: Secret stock has no key username', 78],
    [
      'the client ended with 1: ERROR 1227 (42000): Access denied; you need (at least one of) the BACKUP_ADMIN privilege(s) for this operation',
      1,
    ],
    ['the server did not make a checkpoint: ERROR:  permission denied to execute CHECKPOINT command', 1],
    ['the server did not make a checkpoint: ERROR:  must be superuser or have privileges of pg_checkpoint to do CHECKPOINT', 1],
  ])('is asked once when it refuses the credentials, or the account may not: %s', (says, code) => {
    const { status, reason } = holds('hold_all', { to: 'exec db-0', fails: `quiesce: db is not held: ${says}`, code });
    expect(status).toBe(78);
    expect(reason).toBe(
      `pod db-0 of StatefulSet/db could not be held: db is not held: ${says}. What was held is released, and nothing was snapshotted`,
    );
  });

  test('is asked again where it was only busy, or its agent did not answer', () => {
    const busy = { to: 'exec db-0', fails: 'quiesce: db is not held: no answer within 2 s' };
    expect(holds('hold_all', busy).status).toBe(1);
    expect(holds('hold_all', { to: 'exec db-0', fails: REFUSED }).status).toBe(1);
  });

  test('of which nothing is known is not said to have been let go too early', () => {
    const { log, status } = holds('hold_all\nrelease_all || cat "$SCRATCH/lost" >&2', {
      to: 'exec db-0 -c quiesce -- sh /agent/release',
      fails: REFUSED,
    });
    expect(status).toBe(0);
    expect(log).toMatch(
      /pod db-0 could not be told to release its server, and does so by itself within 10 s: the Kubernetes API cannot be reached/,
    );
    const said = { to: 'exec db-0 -c quiesce -- sh /agent/release', fails: 'quiesce: no lock is held: it was lost' };
    expect(holds('hold_all\nrelease_all || cat "$SCRATCH/lost" >&2', said).log).toMatch(/pod db-0: no lock is held: it was lost/);
  });

  test('ends the run as soon as it is not held any more', () => {
    const said = { to: 'exec db-0 -c quiesce -- sh /agent/renew', fails: 'quiesce: no lock is held: run-2 was not heard of for 10 s' };
    const { reason } = holds('hold_all\nwaiting=snapshots\nwhile still_held "$(clock)"; do sleep 0.2; done', said);
    expect(reason).toMatch(/^a server was not held until its snapshots were cut, .*: pod db-0: no lock is held/);
  });

  test('by a run that is dead is let go in its name', () => {
    const { asked, log } = holds('release_dead run-1');
    expect(asked.filter(Boolean)).toEqual(['exec db-0 -c quiesce -- sh /agent/release.sh shop run-1']);
    expect(log).toMatch(/released db-0, which the run in pod run-1 left held/);
  });
});

inEachShell('%s: one of the servers of a replica set', shell => {
  const member = 'StatefulSet/db';
  const commands = (script: string, wait = '') =>
    [0, 1, 2].map(n => `${member} db-${n} quiesce ${wait}sh /agent/${script}.sh shop`).join('\n');
  const environment = { HOLDS: commands('hold', '2 '), RENEWS: commands('renew'), RELEASES: commands('release'), ONE_OF: member };
  const primary = {
    to: 'exec db-0 -c quiesce -- env QUIESCE_HEARD=10 sh /agent/hold',
    fails: 'quiesce: mongodb is not held: it is the primary',
  };
  const asked = (requests: string[], script: string) => [
    ...new Set(requests.filter(request => request.includes(`/agent/${script}.sh`)).map(request => request.split(' ')[1])),
  ];

  test('is held: the first that lets itself be held, which the verdict names', () => {
    const {
      status,
      log,
      asked: requests,
    } = run(
      shell,
      'hold_all\nsleep 3\nrelease_all\nsed "s/^/caveat /" "$SCRATCH/caveats" >&2\ncut -f 1 "$SCRATCH/quiesced" | sed "s/^/quiesced /" >&2',
      [primary],
      environment,
    );
    expect(status, log).toBe(0);
    expect(log).toContain('db-0 is not held: mongodb is not held: it is the primary');
    expect(log).toContain('caveat only pod db-1 of StatefulSet/db was held: the volumes of its other pods are as after a power cut');
    expect(log.match(/^quiesced .*$/gm)).toEqual(['quiesced db-1']);
    expect([asked(requests, 'hold'), asked(requests, 'renew'), asked(requests, 'release')]).toEqual([['db-0', 'db-1'], ['db-1'], ['db-1']]);
  });

  test('is not held where none lets itself be held, and where an agent does not answer', () => {
    const all = [0, 1, 2].map(n => ({ ...primary, to: primary.to.replace('db-0', `db-${n}`) }));
    const none = run(shell, 'hold_all', all, environment);
    expect(none.status).toBe(1);
    expect(none.reason).toMatch(
      /^none of the pods of StatefulSet\/db could be held: db-0: mongodb is not held: it is the primary;db-1: .*nothing was snapshotted$/,
    );
    const unknown = { ...all[1], to: 'exec db-1', fails: 'quiesce: mongodb is not held: Authentication failed.' };
    const refused = run(shell, 'hold_all', [unknown, ...all], environment);
    expect(refused.status).toBe(78);
    expect(refused.reason).toMatch(
      /^none of the pods of StatefulSet\/db could be held: .*;db-1: mongodb is not held: Authentication failed/,
    );
    const silent = run(shell, 'hold_all', [{ ...primary, fails: REFUSED }], environment);
    expect(silent.reason).toMatch(/^pod db-0 of StatefulSet\/db could not be held: the Kubernetes API cannot be reached/);
  });

  test('may be another one than that which is down', () => {
    const up = [1, 2].map(n => ({ to: `get pod db-${n}`, says: 'Running quiesce db' }));
    const answers = [{ to: 'get pod db-0', says: 'Pending' }, ...up, { to: 'auth can-i', says: 'yes' }];
    const { status, log, reason, asked: requests } = run(shell, 'quiesce_check\nhold_all\nrelease_all', answers, environment);
    expect(status, reason).toBe(0);
    expect(log).toContain('pod db-0 of StatefulSet/db, which must be held, is Pending, not Running; another pod of StatefulSet/db may do');
    expect(asked(requests, 'hold')).toEqual(['db-1']);
  });
});
