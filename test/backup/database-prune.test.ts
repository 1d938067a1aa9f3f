import { App, Chart, Duration } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import {
  type DatabaseBackup,
  DatabasePrune,
  type IRepository,
  Repository,
  ResticLocation,
  Retention,
  Schedule,
  SecretRef,
} from '../../lib';
import { warnings } from '../../lib/core/warning';
import { backup, chart, container, environment, objects, podSpec } from '../support/synth';

const vault = (secret: string, appendOnly: boolean, bucket = 'acme'): IRepository =>
  Repository.restic({
    location: ResticLocation.s3({ bucket, prefix: 'shop', credentials: SecretRef.named(secret) }),
    password: SecretRef.named('key').key('password'),
    appendOnly,
  });
const adding = vault('adder', true);
const keeping = vault('keeper', false);
const month = Retention.keep({ daily: 7, within: Duration.days(30) });

function warned(of: DatabaseBackup): string[] {
  for (const construct of of.node.findAll()) construct.node.validate();
  return warnings(of.node.findAll()).filter(line => /prune/i.test(line));
}

describe('a prune of its own', () => {
  test("prunes by the backup's retention, and the backup prunes no more", () => {
    const shop = chart();
    const orders = backup(shop, { repository: keeping });
    const retention = () => environment(objects(shop)['CronJob/orders-backup']).RETENTION;
    expect(retention()).toMatch(/^last=0/);
    orders.addPrune({ schedule: Schedule.weekly({ at: '09:00' }) });
    const prune = objects(shop)['CronJob/orders-prune'];
    expect(retention()).toBe('');
    expect(environment(prune).RETENTION).toMatch(/^last=0 .* daily=7 /);
    expect(prune.spec).toMatchObject({ schedule: '0 9 * * 0', concurrencyPolicy: 'Forbid' });
    expect(container(prune)).toMatchObject({ name: 'prune', command: ['sh', '/opt/backup/shell/run.sh', 'prune'] });
  });

  test('has no address and no credentials of the server, and reaches the repository alone', () => {
    const shop = chart();
    backup(shop, { repository: keeping }).addPrune();
    const all = objects(shop);
    expect(Object.keys(environment(all['CronJob/orders-prune'])).filter(name => name.startsWith('PG'))).toEqual([]);
    expect(all['NetworkPolicy/orders-prune'].spec.egress.map(({ ports }: { ports: { port: number }[] }) => ports[0]?.port)).toEqual([
      53, 443,
    ]);
  });

  test('of a repository that can only be added to has credentials of its own, in a namespace of its own', () => {
    const app = new App();
    const [shop, keeper] = ['shop', 'keeper'].map(name => new Chart(app, name, { namespace: name })) as [Chart, Chart];
    const orders = backup(shop, { repository: adding, retention: month });
    new DatabasePrune(keeper, 'orders', { backup: orders, repository: keeping });
    const prune = objects(keeper)['CronJob/orders-prune'];
    expect(prune.metadata.namespace).toBe('keeper');
    expect(environment(prune).AWS_ACCESS_KEY_ID.secretKeyRef.name).toBe('keeper');
    expect(podSpec(prune).volumes.some(({ configMap }: { configMap?: object }) => configMap)).toBe(true);
    expect(environment(objects(shop)['CronJob/orders-backup'])).toMatchObject({
      RETENTION: '',
      AWS_ACCESS_KEY_ID: { secretKeyRef: { name: 'adder' } },
    });
    expect(warned(orders)).toEqual([]);
  });

  test('may reach the same directory by another server', () => {
    const served = (url: string, sameAs?: string) =>
      Repository.restic({ location: ResticLocation.rest({ url, sameAs }), password: SecretRef.named('key').key('password') });
    const orders = backup(chart(), { repository: served('https://vault.example/shop/') });
    expect(() => orders.addPrune({ repository: served('https://vault.example:8001/shop/') })).toThrow(
      /name the same place with other credentials/,
    );
    orders.node.tryRemoveChild('prune');
    orders.addPrune({ repository: served('https://vault.example:8001/shop/', 'https://vault.example/shop/') });
  });
});

describe('what is missing', () => {
  test('a repository that can only be added to, and that nobody prunes, is warned about', () => {
    expect(warned(backup(chart(), { repository: adding, retention: month }))).toEqual([
      'warning: shop/orders: nothing prunes the recovery points of orders, as its repository is append-only: call addPrune()',
    ]);
    expect(warned(backup(chart(), { repository: adding, retention: Retention.all() }))).toEqual([]);
    expect(warned(backup(chart(), { repository: keeping }))).toEqual([]);
  });

  test('even then the backup does not try', () => {
    const shop = chart();
    backup(shop, { repository: adding, retention: month });
    expect(environment(objects(shop)['CronJob/orders-backup']).RETENTION).toBe('');
  });
});

describe('fails', () => {
  test.each([
    [
      'a retention that whoever can add can empty',
      () => backup(chart(), { repository: adding }),
      /^shop\/orders: retention\.within is not set: /,
    ],
    [
      'a prune that cannot delete',
      () => backup(chart(), { repository: adding, retention: month }).addPrune(),
      /^shop\/orders\/prune: repository is "append-only": its credentials cannot delete, which pruning needs/,
    ],
    [
      'a prune of another place',
      () => backup(chart(), { repository: adding, retention: month }).addPrune({ repository: vault('keeper', false, 'other') }),
      /^shop\/orders\/prune: repository is "restic:s3:.*\/other\/shop": the recovery points of shop\/orders are in restic:s3:.*\/acme\/shop: name the same place/,
    ],
    [
      'a prune where everything is kept',
      () => backup(chart(), { repository: adding, retention: Retention.all() }).addPrune({ repository: keeping }),
      /^shop\/orders\/prune: retention is "all": shop\/orders keeps everything: leave the prune out$/,
    ],
    [
      'two prunes',
      () => {
        const orders = backup(chart(), { repository: keeping });
        orders.addPrune();
        new DatabasePrune(orders, 'again', { backup: orders });
      },
      /^shop\/orders\/again: backup is "shop\/orders": shop\/orders\/prune already prunes its recovery points: leave one out$/,
    ],
  ])('%s', (_what, made, message) => {
    expect(made).toThrow(message);
  });
});
