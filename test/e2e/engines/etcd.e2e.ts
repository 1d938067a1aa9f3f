import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { Cluster, type ImageCatalog, type JobRun } from '../../rehearsal';
import { EtcdServer, makeCertificates } from '../support/etcd-server';
import { flipBit } from '../support/faults';
import { imageNamed, imagesOfDist } from '../support/images';
import { loopbackAddress } from '../support/postgres-server';
import { resultOf, succeed, synthesize } from '../support/rehearse';
import { RestServer } from '../support/rest-server';

// etcd as an application and as a control plane: backup, verify, lose everything, restore, compare every key and etcd's own hash.

const V34 = 'gcr.io/etcd-development/etcd:v3.4.45';
const V35 = 'gcr.io/etcd-development/etcd:v3.5.33';
const directory = mkdtempSync(join(tmpdir(), 'e2e-etcd-all-'));
let images: ImageCatalog;

beforeAll(async () => {
  images = await imagesOfDist();
  chmodSync(directory, 0o755);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Keys with a history, deleted ones, a compaction, leases short and long, and bytes that are no text. */
function fill(server: EtcdServer): void {
  server.fill(Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`/registry/things/${i}`, `thing-${i}-${'x'.repeat(100)}`])));
  server.ctl('del', '/registry/things/7');
  server.fill({
    '/registry/namespaces/a': '1',
    '/registry/namespaces/b': '2',
    '/registry/namespaces/c': '3',
    '/registry/namespaces/d': '4',
  });
  server.ctl('compact', String(server.revision() - 10));
  server.ctl('put', 'ключ', 'значение\n\u0001');
  server.ctl('put', '/empty', '');
  server.ctl('put', '{"key": "looks like an answer"', '"value": "of the server"}');
  // Close to the most that a server takes in one request.
  server.put('/large', 'v'.repeat(1_500_000));
  server.ctl('user', 'add', 'app:a password');
  server.ctl('role', 'add', 'reader');
  server.ctl('role', 'grant-permission', 'reader', 'readwrite', 'a', 'b');
  server.ctl('user', 'grant-role', 'app', 'reader');
  const [, lease] = /lease (\S+) granted/.exec(server.ctl('lease', 'grant', '3600')) ?? [];
  server.ctl('put', '/leased', 'for an hour', `--lease=${lease}`);
}

/** A lease that runs out soon after: in the throw-away server too, where it must not change what is compared. */
function leaseBriefly(server: EtcdServer): void {
  const [, lease] = /lease (\S+) granted/.exec(server.ctl('lease', 'grant', '5')) ?? [];
  server.ctl('put', '/master-lease', 'soon gone', `--lease=${lease}`);
}

const request = { safetyBackup: 'no', replace: 'no', attempt: '1' };
const stepOf = (run: JobRun, name: string) => run.pods.at(-1)?.containers.find(container => container.name === name);

describe('etcd 3.4 with certificates, from dist/', () => {
  let cluster: Cluster;
  let server: EtcdServer;
  let content: string;
  let accounts: string;
  let hash: { hash: number; revision: number };
  let id: string;
  const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: 'discovery', name: `registry-${operation}` });

  beforeAll(async () => {
    const address = loopbackAddress();
    const certificates = join(directory, 'discovery');
    makeCertificates(certificates, [address]);
    execFileSync('chown', ['-R', '65532:65532', certificates]);
    cluster = await Cluster.create({ manifests: ['dist'], images, backoffSeconds: 0.1 });
    server = await EtcdServer.start({
      image: imageNamed(images, V34),
      name: 'etcd-0',
      directory: cluster.claim('discovery', 'data-etcd-0'),
      certificates,
      address,
    });
    cluster.service('discovery', 'secure-etcd', address, [{ name: 'client', port: 2379 }]);
    const file = (name: string) => readFileSync(join(certificates, name), 'utf8');
    cluster.secret('discovery', 'etcd-client', {
      'ca.crt': file('ca.crt'),
      'tls.crt': file('healthcheck-client.crt'),
      'tls.key': file('healthcheck-client.key'),
    });
    fill(server);
    leaseBriefly(server);
  });
  afterAll(async () => {
    await cluster?.destroy();
    await server?.stop();
  });

  test('a backup publishes what a server came up over', async () => {
    const done = await run('backup');
    const result = await succeed(Promise.resolve(done), 'published');
    expect(result).toMatchObject({ what: 'backup', series: 'registry', reason: '' });
    id = result.id;
    expect(stepOf(done, 'snapshot')?.log).toContain('Snapshot saved at /scratch/snapshot.db');
    const manifest = readFileSync(join(cluster.claim('discovery', 'backups'), 'registry', id, 'manifest.json'), 'utf8');
    expect(manifest).toMatch(/"keys":250[89]/);
    expect(manifest).toMatch(/"content":\d+/);
  });

  test('a verification restores it, asks for its status, and finds the same', async () => {
    const done = await run('verify');
    expect(await succeed(Promise.resolve(done), 'verified')).toMatchObject({ id });
    expect(stepOf(done, 'status')?.log).toMatch(/HASH\s*\|\s*REVISION/);
  });

  test('a restore is refused while the server runs, and while the directory holds something', async () => {
    expect(resultOf(await run('restore')).reason).toMatch(/^the etcd server is running: scale it to zero first; nothing was changed/);
    // The lease has run out by now, in the server too.
    server.ctl('del', '/master-lease');
    content = server.content();
    accounts = server.accounts();
    hash = server.hashKv();
    await succeed(run('backup'), 'published');
    await succeed(run('verify'), 'verified');
    await server.kill();
    expect(resultOf(await run('restore')).reason).toMatch(/^the data directory is not empty \(member\): nothing was changed/);
  });

  test('after the data is lost, a restore brings back every key with its history', async () => {
    rmSync(join(server.directory, 'member'), { recursive: true });
    await succeed(run('restore'), 'restored');
    await server.up();
    expect(server.content()).toBe(content);
    expect(server.hashKv(hash.revision)).toEqual(hash);
    expect(server.accounts()).toBe(accounts);
  });

  test('a restore that replaces puts the old member aside', async () => {
    server.ctl('put', '/since', 'then');
    await server.kill();
    cluster.configMap('discovery', 'registry-restore-request', {
      ...request,
      ...{ recoveryPoint: 'newest-verified', series: 'registry', replace: 'yes' },
    });
    await succeed(run('restore'), 'restored');
    await server.up();
    expect(server.content()).toBe(content);
    const [old] = readdirSync(server.directory).filter(name => name.startsWith('.before-'));
    expect(existsSync(join(server.directory, old ?? 'none', 'member/snap/db'))).toBe(true);
  });
});

describe('a cluster of three, of etcd 3.5', () => {
  let cluster: Cluster;
  let members: EtcdServer[];
  let dist: string;
  let content: string;
  let hash: { hash: number; revision: number };
  let id: string;
  const run = (name: string) => cluster.run({ kind: 'CronJob', namespace: 'etcd', name });
  const ask = (words: { [key: string]: string }) =>
    cluster.configMap('etcd', 'three-restore-request', { ...request, series: 'three', ...words });
  const raise = (action: string) =>
    fetch(`http://${members[1]?.address}:2379/v3/maintenance/alarm`, {
      method: 'POST',
      body: JSON.stringify({ action, memberID: '1', alarm: 'NOSPACE' }),
    });

  beforeAll(async () => {
    const addresses = [1, 2, 3].map(() => loopbackAddress());
    process.env.MEMBER_ADDRESSES = addresses.join(',');
    dist = synthesize('test/e2e/engines/etcd/main.ts');
    cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
    cluster.claim('etcd', 'backups');
    members = addresses.map((address, index) =>
      EtcdServer.declare({
        image: imageNamed(images, V35),
        name: `etcd-${index}`,
        address,
        directory: cluster.claim('etcd', `data-etcd-${index}`),
        walVolume: index < 2 ? cluster.claim('etcd', `wal-etcd-${index}`) : undefined,
      }),
    );
    await EtcdServer.up(members);
    cluster.service('etcd', 'etcd', addresses[1] ?? '');
    fill(members[0] as EtcdServer);
  });
  afterAll(async () => {
    await cluster?.destroy();
    await Promise.all((members ?? []).map(member => member.stop()));
    if (dist) rmSync(dist, { recursive: true });
  });

  test('is backed up from one of them, which confirms the hash, and verified', async () => {
    [content, hash] = [members[0]?.content() ?? '', members[0]?.hashKv() ?? { hash: 0, revision: 0 }];
    ({ id } = await succeed(run('three-backup'), 'published'));
    const manifest = readFileSync(join(cluster.claim('etcd', 'backups'), 'three', id, 'manifest.json'), 'utf8');
    expect(manifest).toContain(`"hash":${hash.hash}`);
    expect(manifest).toContain('the server itself gives the same hash');
    await succeed(run('three-verify'), 'verified');
  });

  test('is restored, all three, from one recovery point only, with their logs', async () => {
    // What the old logs would bring back.
    members[0]?.ctl('del', '/registry/things/', '--prefix');
    members[0]?.ctl('put', '/after', 'the backup');
    for (const member of members) await member.kill();
    const third = members[2]?.directory ?? '';
    renameSync(join(third, 'member/wal'), join(third, 'wal'));
    ask({ recoveryPoint: id, replace: 'yes' });
    expect(resultOf(await run('three-restore-etcd-2')).reason).toMatch(/holds a member's data but not its log, .*name its --wal-dir/);
    rmSync(join(third, 'wal'), { recursive: true });
    for (const member of members) rmSync(join(member.directory, 'member'), { recursive: true });
    ask({ recoveryPoint: 'newest-verified' });
    expect(resultOf(await run('three-restore-etcd-0')).reason).toBe(
      `all 3 members must be restored from the same recovery point, and newest-verified may be a different one for the next member: set recoveryPoint to ${id}`,
    );
    ask({ recoveryPoint: id });
    expect(resultOf(await run('three-restore-etcd-0')).reason).toMatch(/^the log's directory is not empty \(.*\.wal.*\): nothing/);
    ask({ recoveryPoint: id, replace: 'yes' });
    for (const name of ['etcd-2', 'etcd-0', 'etcd-1']) await succeed(run(`three-restore-${name}`), 'restored');

    await EtcdServer.up(members);
    for (const member of members) {
      expect(member.content()).toBe(content);
      expect(member.hashKv(hash.revision)).toEqual(hash);
    }
    members[2]?.ctl('put', '/new', 'written by a quorum');
    expect(members[0]?.ctl('get', '/new', '--print-value-only')).toBe('written by a quorum');
  });

  test('leases of a snapshot do not change what is counted, however late the scripts come', async () => {
    const late = cluster.run(
      { kind: 'CronJob', namespace: 'etcd', name: 'three-backup' },
      {
        onPod: async pod => {
          await pod.kill('sh', 'SIGSTOP');
          await new Promise(resolve => setTimeout(resolve, 6000));
          await pod.kill('sh', 'SIGCONT');
        },
      },
    );
    expect(await succeed(late, 'published')).toMatchObject({ reason: '' });
  });

  test('a database that is full is published and verified, and the verdicts say what is restored of it', async () => {
    await raise('ACTIVATE');
    const full = /the database is full \(alarm NOSPACE\), and a restore of it will be too/;
    expect((await succeed(run('three-backup'), 'published')).reason).toMatch(full);
    expect((await succeed(run('three-verify'), 'verified')).reason).toMatch(full);
    await raise('DEACTIVATE');
    ({ id } = await succeed(run('three-backup'), 'published'));
  });

  test('a survivor without a leader is published with what that means', async () => {
    await members[0]?.kill();
    await members[2]?.kill();
    await new Promise(resolve => setTimeout(resolve, 3000));
    const { reason, id: stale } = await succeed(run('three-backup'), 'published');
    expect(reason).toMatch(
      /^the member that was asked had no leader, and none of the 2 others was healthy: the snapshot holds what this member/,
    );
    rmSync(join(cluster.claim('etcd', 'backups'), 'three', stale), { recursive: true });
  });

  test('a snapshot that was damaged before it was stored is found by the restore, and by no status', async () => {
    const point = join(cluster.claim('etcd', 'backups'), 'three', id);
    cpSync(point, join(directory, 'point'), { recursive: true, preserveTimestamps: true });
    const snapshot = join(directory, 'snapshot.db');
    execFileSync('zstd', ['-qdf', join(point, 'snapshot.db.zst'), '-o', snapshot]);
    flipBit(snapshot);
    execFileSync('zstd', ['-qf', snapshot, '-o', join(directory, 'snapshot.db.zst')]);
    execFileSync('cp', [join(directory, 'snapshot.db.zst'), join(point, 'snapshot.db.zst')]);
    const sums = execFileSync('sha256sum', ['snapshot.db.zst', 'manifest.json'], { cwd: point, encoding: 'utf8' });
    writeFileSync(join(point, 'SHA256SUMS'), sums);

    const done = await run('three-verify');
    expect(done.succeeded).toBe(false);
    expect(stepOf(done, 'status')?.exitCode).toBe(0);
    expect(stepOf(done, 'restore-scratch')?.exitCode).toBe(1);
    // What somebody sees who asks for the pod: the step's own last words.
    expect(stepOf(done, 'restore-scratch')?.terminationMessage).toMatch(/expected sha256/);
    execFileSync('cp', [join(directory, 'point/snapshot.db.zst'), join(directory, 'point/SHA256SUMS'), point]);
    await succeed(run('three-verify'), 'verified');
  });
});

describe('a control plane', () => {
  let cluster: Cluster;
  let platform: Cluster;
  let server: EtcdServer;
  let restServer: RestServer;
  let dist: string;
  let content: string;
  let id: string;
  let node: string;
  let plain: string;
  const run = (name: string, of = cluster) => of.run({ kind: 'CronJob', namespace: 'kube-system', name });

  beforeAll(async () => {
    process.env.MEMBER_ADDRESSES = '127.0.0.1';
    dist = synthesize('test/e2e/engines/etcd/main.ts');
    restServer = await RestServer.start();
    cluster = await Cluster.create({ manifests: [join(dist, 'nodes.k8s.yaml')], images, backoffSeconds: 0.1 });
    // The test's own server speaks no TLS.
    plain = mkdtempSync(join(tmpdir(), 'e2e-plain-'));
    const platformYaml = readFileSync('dist/platform.k8s.yaml', 'utf8');
    writeFileSync(join(plain, 'platform.k8s.yaml'), platformYaml.replaceAll('https://vault.acme.example', 'http://vault.acme.example'));
    platform = await Cluster.create({ manifests: [plain], images, backoffSeconds: 0.1 });
    for (const each of [cluster, platform]) {
      each.host('vault.acme.example', restServer.address);
      each.secret('kube-system', 'backup-key', { password: 'the key of the repository' });
      each.secret('kube-system', 'backup-server', { username: restServer.username, password: restServer.password });
    }
    const certificates = cluster.hostPath('/etc/kubernetes/pki/etcd');
    makeCertificates(certificates, []);
    // As kubeadm leaves them.
    for (const name of readdirSync(certificates).filter(file => file.endsWith('.key'))) chmodSync(join(certificates, name), 0o600);
    cpSync(certificates, platform.hostPath('/etc/kubernetes/pki/etcd'), { recursive: true });
    node = cluster.hostPath('/var/lib/etcd');
    mkdirSync(node, { recursive: true, mode: 0o700 });
    server = await EtcdServer.start({
      image: imageNamed(images, V35),
      name: 'cp-1',
      address: '127.0.0.1',
      directory: node,
      user: 0,
      certificates,
    });
    fill(server);
    leaseBriefly(server);
  });
  afterAll(async () => {
    await cluster?.destroy();
    await platform?.destroy();
    await server?.stop();
    await restServer?.stop();
    if (dist) rmSync(dist, { recursive: true });
    if (plain) rmSync(plain, { recursive: true });
  });

  test('of three nodes, from dist/: a backup and a verification', async () => {
    const { id: made } = await succeed(run('control-plane-backup', platform), 'published');
    const verification = await run('control-plane-verify', platform);
    expect(await succeed(Promise.resolve(verification), 'verified')).toMatchObject({ id: made });
    expect(verification.log).toContain("assertion 01 holds: '4' is at-least 4");
  });

  test('a restore makes the member beside the running one, which notices nothing', async () => {
    server.ctl('del', '/master-lease');
    content = server.content();
    ({ id } = await succeed(run('plane-backup'), 'published'));
    await succeed(run('plane-verify'), 'verified');
    server.ctl('del', '/registry/', '--prefix');
    const damaged = server.content();
    expect(damaged).not.toBe(content);

    await succeed(run('plane-restore'), 'restored');
    expect(server.content()).toBe(damaged);
    expect(readdirSync(node).sort()).toEqual([`.restored-${id}`, 'member']);
  });

  test('what the runbook says next puts it in place, with revisions that nobody has seen', async () => {
    const before = server.revision();
    await server.kill();
    const runbook = runbookOf(dist, 'plane-restore-runbook');
    const commands = [...runbook['restore.md'].matchAll(/^ {7}(mv \/var\/lib\/etcd\/.*)$/gm)].map(([, command]) => command ?? '');
    expect(commands).toHaveLength(2);
    const here = commands.map(command => command.replaceAll('/var/lib/etcd', node)).join('\n');
    execFileSync('sh', ['-euc', here], { env: { PATH: process.env.PATH, POINT: id } });
    await server.up();
    expect(JSON.parse(server.content()).map((kv: { key: string; value: string }) => [kv.key, kv.value])).toEqual(
      JSON.parse(content).map((kv: { key: string; value: string }) => [kv.key, kv.value]),
    );
    expect(server.revision()).toBeGreaterThan(before + 900_000_000);
  });

  test('without an API server: the repository gives the snapshot to anyone with restic, and etcdutl takes it', async () => {
    const runbook = runbookOf(dist, 'plane-restore-runbook');
    const [dump] = /restic dump .*/.exec(runbook['fetch.md']) ?? [];
    const program = join(imageNamed(images, 'restic/restic:0.18.0').root, 'usr/bin/restic');
    symlinkSync(program, join(directory, 'restic'));
    execFileSync('sh', ['-euc', dump ?? 'false'], {
      cwd: directory,
      env: {
        PATH: `${directory}:${process.env.PATH}`,
        HOME: directory,
        RESTIC_REPOSITORY: `rest:http://${restServer.address}:8000/plane/`,
        RESTIC_REST_USERNAME: restServer.username,
        RESTIC_REST_PASSWORD: restServer.password,
        RESTIC_PASSWORD: 'the key of the repository',
        ...{ SERIES: 'plane', POINT: id, MEMBER: 'snapshot.db' },
      },
    });
    await server.kill();
    renameSync(join(directory, 'snapshot.db'), join(node, '.snapshot.db'));
    // The words after the container's name, in the image, with the directory where the runbook mounts it.
    const [, words = ''] = /restore (etcdutl snapshot restore [\s\S]*?mark-compacted)/.exec(runbook['restore.md']) ?? [];
    const { root } = imageNamed(images, V35);
    const script = `mkdir -p /var/lib/etcd 2>/dev/null || :; mount --bind "$NODE" "$ROOT/srv"; unset TMPDIR; exec chroot "$ROOT" ${words.replaceAll('/var/lib/etcd', '/srv')}`;
    execFileSync('unshare', ['--mount', 'sh', '-euc', script], { env: { PATH: process.env.PATH, NODE: node, ROOT: root, POINT: id } });
    rmSync(join(node, 'member'), { recursive: true });
    renameSync(join(node, `.restored-${id}/member`), join(node, 'member'));
    await server.up();
    expect(JSON.parse(server.content())).toHaveLength(JSON.parse(content).length);
  });
});

function runbookOf(dist: string, name: string): { 'restore.md': string; 'fetch.md': string } {
  const documents = parseAllDocuments(readFileSync(join(dist, 'nodes.k8s.yaml'), 'utf8')).map(document => document.toJS());
  return documents.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name).data;
}
