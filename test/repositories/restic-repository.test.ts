import { App, Chart, Size } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import {
  CaCertificates,
  type IRepository,
  Repository,
  ResticCache,
  ResticLocation,
  type ResticRepositoryOptions,
  S3BucketLookup,
  S3StorageClass,
  SecretRef,
} from '../../lib';
import { backup, chart, container, environment, type Manifest, objects, podSpec } from '../support/synth';

const password = SecretRef.named('key').key('password');
const s3 = ResticLocation.s3({ bucket: 'acme', prefix: 'shop', credentials: SecretRef.named('s3') });

function cronJob(options: Partial<ResticRepositoryOptions>): Manifest {
  const shop = chart();
  backup(shop, { repository: Repository.restic({ location: s3, password, ...options }) });
  return objects(shop)['CronJob/orders-backup'];
}

const flags = (options: Partial<ResticRepositoryOptions>) => environment(cronJob(options)).RESTIC_FLAGS;
const kept = (repository: IRepository, of: Chart, id: string) => backup(of, { repository }, id);

describe('flags of restic', () => {
  test.each([
    [{}, undefined],
    [{ uploadLimit: Size.mebibytes(2), downloadLimit: Size.kibibytes(300) }, '--limit-upload 2048 --limit-download 300'],
    [{ cache: ResticCache.none() }, '--no-cache'],
    [{ cache: ResticCache.scratch() }, undefined],
    [
      {
        location: ResticLocation.s3({
          bucket: 'acme',
          endpoint: 'https://minio.example:9000',
          bucketLookup: S3BucketLookup.DNS,
          storageClass: S3StorageClass.STANDARD_IA,
          credentials: SecretRef.named('s3'),
        }),
      },
      '-o s3.bucket-lookup=dns -o s3.storage-class=STANDARD_IA',
    ],
  ])('%#', (options, expected) => {
    expect(flags(options)).toBe(expected);
  });

  test('fails: a limit of less than a kibibyte', () => {
    expect(() => flags({ uploadLimit: Size.kibibytes(0) })).toThrow(
      'repository.uploadLimit is 0: write the size per second, 1 KiB or more',
    );
  });
});

describe('certificates', () => {
  test.each([
    [CaCertificates.configMap('authorities', 'ca.pem'), { configMap: { name: 'authorities', items: [{ key: 'ca.pem', path: 'ca.pem' }] } }],
    [
      CaCertificates.secret(SecretRef.named('vault-tls').key('ca.pem')),
      { secret: { secretName: 'vault-tls', defaultMode: 0o444, items: [{ key: 'ca.pem', path: 'ca.pem' }] } },
    ],
  ])('%#', (caCertificates, source) => {
    const job = cronJob({ caCertificates });
    expect(environment(job).RESTIC_CACERT).toBe('/run/secrets/restic-ca/ca.pem');
    expect(podSpec(job).volumes).toContainEqual({ name: 'restic-ca', ...source });
    expect(container(job).volumeMounts).toContainEqual({ name: 'restic-ca', mountPath: '/run/secrets/restic-ca', readOnly: true });
  });

  test.each([
    ResticLocation.local({ claimName: 'backups' }),
    ResticLocation.rest({ url: 'http://vault.example/shop' }),
    ResticLocation.sftp({ host: 'vault.example', user: 'backup', path: '/shop', credentials: SecretRef.named('vault') }),
  ])('fails: a place to which no certificate leads %#', location => {
    expect(() => cronJob({ location, caCertificates: CaCertificates.configMap('authorities', 'ca.pem') })).toThrow(
      /^shop\/orders: repository\.caCertificates is ".*": no certificate is checked on the way to this place/,
    );
  });
});

test('a cache on a claim', () => {
  const job = cronJob({ cache: ResticCache.claim('restic-cache') });
  expect(environment(job).RESTIC_CACHE_DIR).toBe('/cache');
  expect(podSpec(job).volumes).toContainEqual({ name: 'restic-cache', persistentVolumeClaim: { claimName: 'restic-cache' } });
  expect(container(job).volumeMounts).toContainEqual({ name: 'restic-cache', mountPath: '/cache' });
});

describe('an existing repository', () => {
  const vault = Repository.fromExistingRestic({ location: s3, password });

  test('is defined once, used from several namespaces, and made by none', () => {
    const app = new App();
    const charts = ['shop', 'crm'].map(namespace => new Chart(app, namespace, { namespace }));
    for (const each of charts) kept(vault, each, `orders-${each.namespace}`).addVerification();
    for (const each of charts)
      for (const job of Object.values(objects(each)).filter(({ kind }) => kind === 'CronJob'))
        expect(environment(job)).toMatchObject({
          REPOSITORY_MUST_EXIST: 'yes',
          RESTIC_REPOSITORY: 's3:https://s3.us-east-1.amazonaws.com/acme/shop',
        });
  });

  test('is the same as one that is made where it is not', () => {
    const shop = chart();
    kept(vault, shop, 'orders');
    expect(() => backup(shop, { repository: Repository.restic({ location: s3, password }), series: 'orders' }, 'twin')).toThrow(
      /^shop\/twin: series is "orders": shop\/orders keeps its recovery points under that name/,
    );
  });
});

describe('places', () => {
  const credentials = SecretRef.named('vault');
  const restic = (location: ResticLocation) => Repository.restic({ location, password });
  const inBucket = (prefix?: string) => restic(ResticLocation.s3({ bucket: 'acme', prefix, credentials }));
  const onServer = (path: string) => restic(ResticLocation.rest({ url: `https://vault.example${path}` }));
  const onVolume = (path: string) => restic(ResticLocation.local({ claimName: 'backups', path }));

  test.each([
    ['a bucket', inBucket('a'), inBucket('a/x')],
    ['the other way round', inBucket('a/x'), inBucket('a')],
    ['the whole of a bucket', inBucket(), inBucket('a')],
    ['a server', onServer('/a/'), onServer('/a/x')],
    ['a volume', onVolume('a'), onVolume('a/x')],
    ['two kinds on one volume', onVolume('a'), Repository.files({ claimName: 'backups' })],
    ['files', Repository.files({ claimName: 'backups', path: 'a' }), Repository.files({ claimName: 'backups', path: 'a/b' })],
  ])('fails: one repository inside another, in %s', (_where, one, other) => {
    const shop = chart();
    kept(one, shop, 'orders');
    expect(() => kept(other, shop, 'users')).toThrow(
      /^shop\/users: repository is ".*": it and the repository of shop\/orders, .*, are one inside the other, .* give each a path outside the other's$/,
    );
  });

  test.each([
    ['beside each other', inBucket('a/x'), inBucket('a/y')],
    ['names that begin alike', inBucket('a'), inBucket('ab')],
    ['two buckets', inBucket('a'), restic(ResticLocation.s3({ bucket: 'acme-2', prefix: 'a/x', credentials }))],
    ['one repository', onVolume('a'), onVolume('a')],
  ])('two repositories may be %s', (_where, one, other) => {
    const shop = chart();
    kept(one, shop, 'orders');
    kept(other, shop, 'users');
  });

  test('a claim of one name in two namespaces is two volumes', () => {
    const app = new App();
    kept(onVolume('a'), new Chart(app, 'shop', { namespace: 'shop' }), 'orders');
    kept(onVolume('a/x'), new Chart(app, 'crm', { namespace: 'crm' }), 'orders');
  });
});
