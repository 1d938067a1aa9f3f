import { App, Chart, Duration } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import {
  BackupPlan,
  CaCertificates,
  Destination,
  type HealthchecksOptions,
  ImageCatalog,
  Notifier,
  Platform,
  Prerequisites,
  Restore,
  Retention,
  SecretRef,
  type SlackOptions,
  Verification,
} from '../../lib';
import { VolumeSnapshotGroup, VolumeSnapshotMember } from '../../lib/volumes';
import { RULES } from '../manifests/rules';
import { problems } from '../manifests/schema/judge';
import { backup, chart, container, environment, files, type Manifest, objects, podSpec, props } from '../support/synth';

const retention = Retention.keep({ daily: 7 });
const { repository: _, retention: __, ...database } = props();
const plan = (of: Chart) => new BackupPlan(of, 'nightly', { repository: files, retention });

const webhook = SecretRef.named('slack').key('url');
const slack = (different: Partial<SlackOptions> = {}) => Notifier.slack({ webhook, ...different });
const pings = (different: Partial<HealthchecksOptions> = {}) =>
  Notifier.healthchecks({ pingUrl: SecretRef.named('pings').key('url'), ...different });

const synthesized = (...notifiers: Notifier[]) => {
  const shop = chart();
  backup(shop).add(...notifiers);
  return objects(shop);
};
const deployment = 'Deployment/backup-notifier';
const channels = (made: { [id: string]: Manifest }): string[][] =>
  made['ConfigMap/backup-notifier'].data.channels
    .trimEnd()
    .split('\n')
    .map((line: string) => line.split('\t'));
const routes = (made: { [id: string]: Manifest }): string[] =>
  made['ConfigMap/backup-notifier'].data.routes
    .trimEnd()
    .split('\n')
    .map((line: string) => line.replace(/-[0-9a-f]{8}/g, '').replace(/\t/g, ' '));

test('is one Deployment of one pod for all backups of a namespace, with the one policy that selects it', () => {
  const shop = chart();
  const nightly = plan(shop);
  nightly.add(slack(), Verification.weekly());
  for (const id of ['orders', 'users']) nightly.addBackup(id, database);
  backup(shop, {}, 'books').add(pings({ operations: ['backup', 'verify'] }));
  const made = objects(shop);
  const selects = { 'cdk8s-backup/job': 'backup-notifier' };
  expect(Object.keys(made).filter(id => id.startsWith('Deployment/'))).toEqual([deployment]);
  expect(made[deployment].spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' }, selector: { matchLabels: selects } });
  expect(made[deployment].spec.template.metadata.labels).toMatchObject(selects);
  expect(made[deployment].metadata.labels).not.toHaveProperty('cdk8s-backup/series');
  expect(routes(made)).toEqual([
    'books ping start,failure,recovery,success backup,verify',
    'orders slack failure,recovery *',
    'users slack failure,recovery *',
  ]);
  expect(channels(made)).toEqual([
    [expect.stringMatching(/^ping-[0-9a-f]{8}$/), 'ping', '-', '-', '-'],
    [expect.stringMatching(/^slack-[0-9a-f]{8}$/), 'slack', '-', '-', '-'],
  ]);
  const selected = Object.values(made).filter(
    ({ kind, spec }) => kind === 'NetworkPolicy' && spec.podSelector.matchLabels?.['cdk8s-backup/job'] === 'backup-notifier',
  );
  expect(selected).toHaveLength(1);
  expect(selected[0].spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'] });
  expect(selected[0].spec).not.toHaveProperty('ingress');
  expect(Object.values(made).flatMap(problems)).toEqual([]);
  // The claim is there already.
  const { claimReferences: ___, ...rules } = RULES;
  expect(Object.values(rules).flatMap(rule => rule(Object.values(made)))).toEqual([]);
});

test('may list jobs and pods, make events, and keep what it has told: nothing else', () => {
  const { 'Role/backup-notifier': role, 'ConfigMap/backup-notifier-state': state, [deployment]: made } = synthesized(slack());
  expect(role.rules).toEqual([
    { apiGroups: ['batch'], resources: ['jobs'], verbs: ['list'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
    { apiGroups: [''], resources: ['events'], verbs: ['create'] },
    { apiGroups: [''], resources: ['configmaps'], resourceNames: ['backup-notifier-state'], verbs: ['get', 'patch'] },
  ]);
  // A deploy tool that knows of no data takes none away.
  expect(state).not.toHaveProperty('data');
  expect(environment(made).NOTIFIER_STATE).toBe('backup-notifier-state');
  expect(podSpec(made)).toMatchObject({ serviceAccountName: 'backup-notifier', automountServiceAccountToken: true });
});

test('is asked whether it goes round, and whether it can tell', () => {
  const { [deployment]: made } = synthesized(slack());
  const asks = (script: string) => ({ exec: { command: ['sh', `/opt/backup/notifier/${script}`] } });
  expect(container(made)).toMatchObject({
    ...{ image: 'curlimages/curl:8.21.0', command: ['sh', '/opt/backup/notifier/notifier.sh'] },
    ...{ readinessProbe: asks('ready.sh'), livenessProbe: asks('alive.sh') },
  });
  expect(podSpec(made).initContainers).toMatchObject([{ name: 'kubectl', image: 'alpine/kubectl:1.34.2' }]);
  expect(podSpec(made).securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: 'RuntimeDefault' } });
});

test('has its secrets as files, and starts without them; they are named in what has to be there', () => {
  const app = new App();
  const shop = new Chart(app, 'shop', { namespace: 'shop' });
  const signingKey = SecretRef.named('hook-key').key('hmac');
  backup(shop).add(Notifier.webhook({ url: SecretRef.named('hook').key('address'), signingKey, successes: true }));
  const { [deployment]: made } = objects(shop);
  const file = (name: string, key: string, path: string) => ({ secret: { name, optional: true, items: [{ key, path }] } });
  expect(podSpec(made).volumes).toContainEqual({
    name: expect.stringMatching(/^webhook-/),
    projected: { defaultMode: 0o444, sources: [file('hook', 'address', 'url'), file('hook-key', 'hmac', 'key')] },
  });
  expect(JSON.stringify(container(made).env)).not.toContain('hook');
  expect(channels(objects(shop))[0]?.[4]).toBe('yes');
  const secrets = Prerequisites.of(app).objects.filter(({ kind, name }) => kind === 'Secret' && name.startsWith('hook'));
  expect(secrets.map(({ name, isOptional, purposes }) => [name, isOptional, purposes])).toEqual([
    ['hook', true, ['leads to receivers of backup-notifier']],
    ['hook-key', true, ['leads to receivers of backup-notifier']],
  ]);
});

test('reaches the API, and its receivers: where it is said, by a proxy, with an authority of their own', () => {
  const egress = (made: { [id: string]: Manifest }) => made['NetworkPolicy/backup-notifier'].spec.egress.slice(2);
  const port = (number: number) => [{ port: number, protocol: 'TCP' }];
  expect(egress(synthesized(slack(), pings()))).toEqual([{ ports: port(443) }]);
  expect(egress(synthesized(slack({ destinations: [Destination.pods({ labels: { app: 'chat' }, port: 8443 })] })))).toEqual([
    { ports: port(8443), to: [{ podSelector: { matchLabels: { app: 'chat' } } }] },
  ]);
  const proxied = synthesized(
    slack({ proxy: { url: 'http://proxy.acme.example:3128' }, caCertificates: CaCertificates.configMap('acme', 'ca.crt') }),
  );
  expect(egress(proxied)).toEqual([{ ports: port(3128) }]);
  const [[id = '', , proxy, ca] = []] = channels(proxied);
  expect([proxy, ca]).toEqual(['http://proxy.acme.example:3128', `/run/secrets/ca-${id}/ca.crt`]);
  expect(container(proxied[deployment]).volumeMounts).toContainEqual({
    name: `ca-${id}`,
    mountPath: `/run/secrets/ca-${id}`,
    readOnly: true,
  });
  expect(podSpec(proxied[deployment]).volumes).toContainEqual({
    name: `ca-${id}`,
    configMap: { name: 'acme', items: [{ key: 'ca.crt', path: 'ca.crt' }], optional: true },
  });
});

test('takes what is said of pods, images and platforms, and has a name of its own where somebody gives one', () => {
  const shop = new Chart(new App(), 'shop', { namespace: 'shop' });
  ImageCatalog.override(shop, { 'curl:8': 'registry.example/curl:8.9', 'kubectl:1': 'registry.example/kubectl:1.33' });
  Platform.openShift(shop);
  const watcher = { name: 'pager', cluster: 'production', interval: Duration.seconds(30), apiPorts: [6443] };
  backup(shop).add(slack({ watcher }), pings());
  const made = objects(shop);
  const { 'Deployment/pager': pager } = made;
  expect(container(pager).image).toBe('registry.example/curl:8.9');
  expect(podSpec(pager).initContainers[0].image).toBe('registry.example/kubectl:1.33');
  expect(podSpec(pager).securityContext).not.toHaveProperty('runAsUser');
  expect(environment(pager)).toMatchObject({ NOTIFIER_CLUSTER: 'production', NOTIFIER_EVERY: '30', NOTIFIER_TIMEOUT: '20' });
  expect(routes(made)).toEqual(['orders ping start,failure,recovery,success *']);
});

test('is written the same whatever comes first, and one backup more changes nothing of a channel', () => {
  const made = (...notifiers: Notifier[]) => synthesized(...notifiers);
  expect(made(slack(), pings())).toEqual(made(pings(), slack()));
  expect(channels(made(slack(), pings()))).toContainEqual(channels(made(slack()))[0]);
});

test('is of a backup where its plan says it, too, and what the backup says counts', () => {
  const shop = chart();
  const nightly = plan(shop);
  nightly.add(slack());
  nightly.addBackup('orders', database).add(slack({ successes: true, failures: false }));
  nightly.addBackup('users', database);
  expect(routes(objects(shop))).toEqual(['orders slack recovery,success *', 'users slack failure,recovery *']);
});

test('watches what has no add-ons', () => {
  const shop = chart();
  const group = new VolumeSnapshotGroup(shop, 'gallery', { members: [VolumeSnapshotMember.claims(['uploads'])], retention });
  slack().watch(group);
  backup(shop).add(slack(), Restore.onDemand());
  const made = objects(shop);
  expect(routes(made)).toEqual(['gallery slack failure,recovery *', 'orders slack failure,recovery *']);
  expect(() => slack().watch(group)).toThrow('shop/gallery: watch is "called twice": that receiver is told of gallery already');
  expect(() => slack().watch(shop.node.root as Chart)).not.toThrow(/no CronJob/);
  expect(() => slack().watch(chart())).toThrow('no CronJob of this library is below it');
});

describe('is refused', () => {
  test.each<[string, () => Notifier[], string]>([
    ['when it tells nothing', () => [slack({ failures: false, recoveries: false })], 'failures is false: nothing would be told'],
    ['twice', () => [slack(), slack()], 'add is "the same Notifier, twice": the backup tells that receiver already'],
    ['with operations that no label can have', () => [slack({ operations: ['Backup'] })], 'operations is "Backup": write what the label'],
    ['with no operation', () => [slack({ operations: [] })], 'operations is []: write what the label'],
    ['without a key', () => [slack({ webhook: SecretRef.named('slack').key('') })], 'webhook is a SecretKeyRef: name the key of a Secret'],
    ['with a Secret that has no name', () => [slack({ webhook: SecretRef.named('').key('url') })], 'webhook is ""'],
    ['with a proxy that has a password', () => [slack({ proxy: { url: 'http://joe:pw@proxy:1' } })], 'proxy.url is "http://…@proxy:1"'],
    [
      'when it looks too seldom',
      () => [slack({ watcher: { interval: Duration.minutes(5) } })],
      'watcher.interval is "300 s": write whole seconds, from 10 to 30',
    ],
    ['when a receiver has too long', () => [slack({ watcher: { timeout: Duration.minutes(5) } })], 'watcher.timeout is "300 s"'],
    ['with a cluster that no message can name', () => [slack({ watcher: { cluster: '<!channel>' } })], 'watcher.cluster is "<!channel>"'],
    ['with a port that is none', () => [slack({ watcher: { apiPorts: [0] } })], 'apiPorts is 0'],
    [
      'with two kinds of settings',
      () => [slack({ watcher: { cluster: 'a' } }), pings({ watcher: { cluster: 'b' } })],
      'backup-notifier was made with other settings, by shop/orders: say the same',
    ],
    [
      'with one address in two ways',
      () => [slack(), Notifier.slack({ webhook, caCertificates: CaCertificates.configMap('ca', 'ca.crt') })],
      'tells the same address with another key, proxy, destinations or authorities',
    ],
  ])('%s', (___, make, complaint) => {
    const shop = chart();
    backup(shop).add(...make());
    for (let again = 0; again < 2; again++) expect(() => objects(shop)).toThrow(complaint);
  });

  test('where a compiler would have refused it', () => {
    // @ts-expect-error a name is no reference to a Secret
    expect(() => Notifier.slack({ webhook: 'https://hooks.slack.com/s3cret' })).toThrow(
      /Notifier.slack: webhook is a string: write a SecretKeyRef/,
    );
    // @ts-expect-error it is called webhook
    expect(() => Notifier.slack({ webhok: webhook })).toThrow('did you mean webhook?');
  });
});
