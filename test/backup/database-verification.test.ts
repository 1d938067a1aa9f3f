import { describe, expect, test } from 'vitest';
import { Assertion, BackupPlan, Engine, PostgresVersion, Verification } from '../../lib';
import { backup, chart, environment, objects, podSpec, props, restic } from '../support/synth';

describe('a verification', () => {
  const shop = chart();
  backup(shop, { repository: restic }).verify({ assertions: [Assertion.atLeast('select count(*) from orders', 1000)] });
  const made = objects(shop);
  const cronJob = made['CronJob/orders-verify'];

  test('knows neither the address nor the credentials of the production server', () => {
    expect(Object.keys(environment(cronJob)).filter(name => name.startsWith('PG'))).toEqual([]);
    expect(JSON.stringify(cronJob)).not.toContain('orders-db');
    expect(JSON.stringify(cronJob)).not.toContain('orders-backup');
  });

  test('reaches the repository and nothing else', () => {
    expect(
      made['NetworkPolicy/orders-verify'].spec.egress.map((rule: { ports: { port: number }[] }) => rule.ports.map(({ port }) => port)),
    ).toEqual([[53, 53], [443]]);
  });

  test('reaches nothing at all where the repository is a volume', () => {
    const local = chart();
    backup(local).verify();
    expect(objects(local)['NetworkPolicy/orders-verify'].spec).toMatchObject({
      policyTypes: ['Ingress', 'Egress'],
    });
  });

  test('asks the assertions from a mounted ConfigMap', () => {
    const [assertions] = Object.values(made).filter(object => object.metadata.name.startsWith('backup-scripts-orders-assertions'));
    expect(assertions.data).toEqual({
      '01.query': 'select count(*) from orders;\n',
      '01.database': 'orders\n',
      '01.expect': 'at-least 1000\n',
    });
    expect(podSpec(cronJob).containers[0].volumeMounts).toContainEqual({
      name: 'scripts-assertions',
      mountPath: '/opt/backup/assertions',
      readOnly: true,
    });
  });

  test('is an add-on for all backups of a plan, whether they come before or after it', () => {
    const platform = chart();
    const plan = new BackupPlan(platform, 'nightly', props());
    plan.addBackup('a', props());
    plan.add(Verification.daily());
    plan.addBackup('b', props());
    expect(Object.keys(objects(platform)).filter(name => name.endsWith('-verify') && name.startsWith('CronJob'))).toEqual([
      'CronJob/a-verify',
      'CronJob/b-verify',
    ]);
  });

  test.each([
    [
      'a database that has to be named',
      [Assertion.equalTo('select 1', '1')],
      'shop/many/verify: assertions[0].database is not set: the backup holds several databases',
    ],
    ['an empty statement', [Assertion.equalTo(' ', '1', { database: 'a' })], 'shop/many/verify: assertions[0].query is " "'],
    [
      'an expectation that is no number',
      [Assertion.atLeast('select 1', Number.NaN, { database: 'a' })],
      'shop/many/verify: assertions[0] is "at-least NaN"',
    ],
  ])('fails: %s', (_, assertions, message) => {
    const many = backup(chart(), { engine: Engine.postgres({ version: PostgresVersion.V16 }) }, 'many');
    expect(() => many.verify({ assertions })).toThrow(message);
  });
});
