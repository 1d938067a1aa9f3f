import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { makeCertificates } from '../../e2e/support/etcd-server';
import { succeed } from '../../e2e/support/rehearse';
import { type ClusterObject, Namespace } from '../namespace';
import { loseVolume, secret, startServer, stopServer } from '../server';
import { applied, comesBack } from './comes-back';
import { Terminal } from './paste';

const discovery = new Namespace('discovery');
const CLAIM = 'data-etcd-0';
const PEER = 'etcd-0=http://etcd-0.etcd-peers:2380';

/** etcd of dist/discovery.k8s.yaml: clients show certificates, the image has no shell, and a restore follows the runbook. */
export function discoveryComesBack(): void {
  applied({
    file: 'discovery.k8s.yaml',
    namespace: discovery,
    start: async () => {
      await discovery.apply(...certificates());
      await up();
      for (const key of ['a', 'b', 'ключ']) await ctl('put', `/services/${key}`, `value of ${key}`);
      await ctl('del', '/services/b');
    },
  });
  comesBack({
    namespace: discovery,
    name: 'registry',
    // Every key with its revisions.
    content: async () => JSON.stringify(JSON.parse(await ctl('get', '', '--prefix', '--write-out=json')).kvs),
    lose: async () => {
      await stopServer(discovery, 'etcd-0');
      await loseVolume(discovery, CLAIM);
    },
    restore: followRunbook,
  });
}

/** Types what the runbook says, as it lies in the cluster; the server's pod is gone already, as step 2 wants it. */
async function followRunbook(id: string): Promise<void> {
  const { data } = (await discovery.object('configmap', 'registry-restore-runbook')) as ClusterObject;
  const commands = (data['restore.md'].match(/(^ {7}.*\n)+/gm) ?? []).map((block: string) =>
    block.replace(/^ {7}/gm, '').replace('the-id', id),
  );
  const [results, say, restore, reasons] = commands;
  expect(commands).toHaveLength(4);
  const terminal = await Terminal.open('default');
  try {
    expect((await terminal.type(results)).stdout).toContain(`"id":"${id}"`);
    for (const typed of [say, restore]) expect(await terminal.type(typed)).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await succeed(discovery.ended('registry-restore-1'), 'restored')).id).toBe(id);
    expect((await terminal.type(reasons)).stdout).toMatch(/^restore-member: /m);
    const [after = '', away = ''] = [/`(kubectl \S+ \S+ create job [^`]+)`/, /`(kubectl [^`]+ delete configmap [^`]+)`/].map(
      command => command.exec(data['restore.md'])?.[1],
    );
    await up();
    for (const typed of [after, away]) expect(await terminal.type(typed)).toMatchObject({ exitCode: 0, stderr: '' });
    await succeed(discovery.ended('registry-backup-after-restore'), 'published');
  } finally {
    terminal.close();
  }
}

const up = () =>
  startServer(discovery, {
    ...{ name: 'etcd-0', service: 'secure-etcd', app: 'etcd', image: 'gcr.io/etcd-development/etcd:v3.4.45', port: 2379, user: 65532 },
    ...{ claim: CLAIM, secret: 'etcd-server', peers: 'etcd-peers' },
    command: [
      ...['etcd', '--name=etcd-0', '--data-dir=/data', `--initial-cluster=${PEER}`, '--initial-cluster-token=the-first'],
      ...['--listen-peer-urls=http://0.0.0.0:2380', '--initial-advertise-peer-urls=http://etcd-0.etcd-peers:2380'],
      ...['--listen-client-urls=https://0.0.0.0:2379', '--advertise-client-urls=https://secure-etcd:2379'],
      ...['--client-cert-auth', '--trusted-ca-file=/secret/ca.crt', '--cert-file=/secret/server.crt', '--key-file=/secret/server.key'],
    ],
    ready: ['etcdctl', 'endpoint', 'health'],
    env: {
      ...{ ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: 'https://127.0.0.1:2379', ETCDCTL_CACERT: '/secret/ca.crt' },
      ...{ ETCDCTL_CERT: '/secret/healthcheck-client.crt', ETCDCTL_KEY: '/secret/healthcheck-client.key' },
    },
  });

const ctl = (...words: string[]) => discovery.output('exec', 'etcd-0', '--', 'etcdctl', ...words);

function certificates(): object[] {
  const directory = mkdtempSync(join(tmpdir(), 'cluster-etcd-'));
  try {
    makeCertificates(directory, []);
    const file = (name: string) => readFileSync(join(directory, name), 'utf8');
    const files = (...names: string[]) => Object.fromEntries(names.map(name => [name, file(name)]));
    const [cert, key] = [file('healthcheck-client.crt'), file('healthcheck-client.key')];
    return [
      secret('etcd-server', files('ca.crt', 'server.crt', 'server.key', 'healthcheck-client.crt', 'healthcheck-client.key')),
      secret('etcd-client', { 'ca.crt': file('ca.crt'), 'tls.crt': cert, 'tls.key': key }),
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}
