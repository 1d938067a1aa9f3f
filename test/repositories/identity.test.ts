import { describe, expect, test } from 'vitest';
import {
  Destination,
  ObjectLock,
  PodServiceAccount,
  Repository,
  type ResticAzureOptions,
  ResticLocation,
  Retention,
  SecretRef,
} from '../../lib';
import { backup, chart, environment, type Manifest, objects } from '../support/synth';

const password = SecretRef.named('key').key('password');
const serviceAccount = PodServiceAccount.annotated('backup', {});
const AGENT = { ports: [{ port: 80, protocol: 'TCP' }], to: [{ ipBlock: { cidr: '169.254.170.23/32' } }] };

function made(location: ResticLocation) {
  const shop = chart();
  backup(shop, { repository: Repository.restic({ location, password }), pods: { serviceAccount } }).addVerification();
  return objects(shop);
}

const variables = (location: ResticLocation) => environment(made(location)['CronJob/orders-backup']);
const egress = (location: ResticLocation) => made(location)['NetworkPolicy/orders-verify'].spec.egress.slice(1);
const to443 = { ports: [{ port: 443, protocol: 'TCP' }] };

describe('a bucket of S3 without keys', () => {
  test('is opened by the pod, in the region of the bucket', () => {
    const found = variables(ResticLocation.s3({ bucket: 'acme', region: 'eu-west-1' }));
    expect(found).toMatchObject({ AWS_DEFAULT_REGION: 'eu-west-1', AWS_REGION: 'eu-west-1', STORE_IDENTITY: 'aws' });
    expect(Object.keys(found).filter(name => /KEY|SECRET/.test(name))).toEqual([]);
  });

  test("is in Amazon's first region where none is said, whatever region EKS would say", () => {
    expect(variables(ResticLocation.s3({ bucket: 'acme' }))).toMatchObject({ AWS_DEFAULT_REGION: 'us-east-1', AWS_REGION: 'us-east-1' });
    expect(variables(ResticLocation.s3({ bucket: 'acme', endpoint: 'https://s3.acme.example' }))).not.toHaveProperty('AWS_REGION');
  });

  test('one with keys has nothing of it', () => {
    const found = variables(ResticLocation.s3({ bucket: 'acme', region: 'eu-west-1', credentials: SecretRef.named('s3') }));
    for (const name of ['AWS_REGION', 'STORE_IDENTITY']) expect(found).not.toHaveProperty(name);
  });

  test('pods reach STS and the agent of the node', () => {
    expect(egress(ResticLocation.s3({ bucket: 'acme' }))).toEqual([to443, AGENT]);
    const destinations = [Destination.outside({ port: 443, cidr: '10.20.0.0/16' })];
    expect(egress(ResticLocation.s3({ bucket: 'acme', destinations }))).toEqual([
      { ...to443, to: [{ ipBlock: { cidr: '10.20.0.0/16' } }] },
      AGENT,
    ]);
    expect(egress(ResticLocation.s3({ bucket: 'acme' }).byProxy({ url: 'http://proxy.acme.example:3128' }))).toEqual([
      { ports: [{ port: 3128, protocol: 'TCP' }] },
      AGENT,
    ]);
  });

  test('rclone has no keys either', () => {
    const shop = chart();
    const location = ResticLocation.s3({ bucket: 'acme', objectLock: ObjectLock.governance({ days: 5 }) });
    backup(shop, { repository: Repository.restic({ location, password }), pods: { serviceAccount } }).addRestore();
    for (const job of ['restore', 'renew-locks']) {
      const found = environment(objects(shop)[`CronJob/orders-${job}`]);
      expect(found).toMatchObject({ RCLONE_CONFIG_BUCKET_ENV_AUTH: 'true', AWS_REGION: 'us-east-1', STORE_IDENTITY: 'aws' });
      expect(Object.keys(found).filter(name => /ACCESS_KEY/.test(name))).toEqual([]);
    }
  });
});

test('a bucket of Google without a key: the metadata server is asked', () => {
  const location = ResticLocation.gcs({ bucket: 'acme', projectId: 'acme-1' });
  const job: Manifest = made(location)['CronJob/orders-backup'];
  expect(environment(job)).toMatchObject({ GOOGLE_PROJECT_ID: 'acme-1', STORE_IDENTITY: 'gke' });
  expect(JSON.stringify(job)).not.toContain('GOOGLE_APPLICATION_CREDENTIALS');
  const at = (cidr: string, port: number) => ({ ports: [{ port, protocol: 'TCP' }], to: [{ ipBlock: { cidr } }] });
  expect(egress(location)).toEqual([
    to443,
    ...[987, 988].map(port => at('169.254.169.252/32', port)),
    ...[80, 8080].map(port => at('169.254.169.254/32', port)),
  ]);
  expect(egress(ResticLocation.gcs({ bucket: 'acme', projectId: 'acme-1', credentials: SecretRef.named('gcs').key('json') }))).toEqual([
    to443,
  ]);
});

describe('a container of Azure without a key', () => {
  const location = (options: Partial<ResticAzureOptions> = {}) =>
    ResticLocation.azure({ container: 'backups', accountName: 'acme', ...options });

  test('names the account, and its pods have the label that the webhook looks for', () => {
    const job = made(location())['CronJob/orders-backup'];
    expect(environment(job)).toMatchObject({ AZURE_ACCOUNT_NAME: 'acme', STORE_IDENTITY: 'azure' });
    expect(environment(job)).not.toHaveProperty('AZURE_ACCOUNT_KEY');
    expect(job.spec.jobTemplate.spec.template.metadata.labels).toMatchObject({ 'azure.workload.identity/use': 'true' });
    expect(egress(location())).toEqual([to443]);
  });

  test('of two accounts are two places', () => {
    const shop = chart();
    const at = (accountName: string) => Repository.restic({ location: location({ accountName }), password });
    backup(shop, { repository: at('acme'), pods: { serviceAccount } });
    backup(
      shop,
      { repository: Repository.restic({ location: location({ accountName: 'other', prefix: 'x' }), password }), pods: { serviceAccount } },
      'users',
    );
  });

  test.each([
    [{ accountName: undefined }, "location.accountName is not set: without credentials, write the storage account's name"],
    [{ accountName: 'Acme' }, 'location.accountName is "Acme": without credentials'],
    [{ credentials: SecretRef.named('azure') }, 'location.accountName is "acme": Secret azure also names the account: leave account out'],
  ])('fails: %o', (options, message) => {
    expect(() => made(location(options))).toThrow(message);
  });
});

describe('nobody has said how the store knows the pods', () => {
  const because = "the repository's location has no credentials, so these pods need an identity that the store accepts";
  const keyless = Repository.restic({ location: ResticLocation.s3({ bucket: 'acme' }), password });

  test('fails: a backup', () => {
    expect(() => backup(chart(), { repository: keyless })).toThrow(`shop/orders: pods.serviceAccount is not set: ${because}`);
  });

  test('fails: a mirror to a place without keys, and from one', () => {
    const shop = chart();
    const near = Repository.restic({ location: ResticLocation.local({ claimName: 'near' }), password });
    const orders = backup(shop, { repository: near });
    expect(() => orders.addMirror(keyless, { name: 'far', retention: Retention.all() })).toThrow(because);
    const mirror = backup(chart(), { repository: near }).addMirror(keyless, {
      name: 'far',
      retention: Retention.all(),
      pods: { serviceAccount },
    });
    expect(mirror).toBeDefined();
  });
});
