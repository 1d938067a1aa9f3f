import { expect, test } from 'vitest';
import { Namespace, until } from '../kubectl';
import { SERVICE } from './postgres';

interface Job {
  readonly metadata: { readonly name: string };
  readonly status: { readonly active?: number; readonly succeeded?: number; readonly failed?: number };
}

/** What a CronJob of dist/ promises of itself; after `postgresComesBack`, which has brought up its server. */
export function cronJobFires(): void {
  const shop = new Namespace('shop');
  const schedule = (cron: string) =>
    shop.output('patch', 'cronjob', 'orders-backup', '--type=merge', `--patch={"spec":{"schedule":"${cron}"}}`);
  const events = (reason: string) =>
    shop.output('get', 'events', `--field-selector=reason=${reason}`, '--output=jsonpath={.items[*].message}');

  /** Those that the controller made: their names end in the minute for which they were. */
  async function fired(): Promise<Job[]> {
    const { items }: { items: Job[] } = JSON.parse(await shop.output('get', 'jobs', '--output=json'));
    return items.filter(({ metadata }) => /^orders-backup-\d+$/.test(metadata.name));
  }

  test('it fires by itself, five times, and keeps the history that it says', async () => {
    await schedule('* * * * *');
    const seen = new Set<string>();
    await until(
      'it has fired five times',
      async () => {
        const jobs = await fired();
        for (const { metadata } of jobs) seen.add(metadata.name);
        expect(jobs.filter(({ status }) => status.active).length).toBeLessThanOrEqual(1);
        expect(jobs.filter(({ status }) => status.failed)).toEqual([]);
        return seen.size >= 5 && jobs.every(({ status }) => status.succeeded);
      },
      900,
    );
    await until('three that succeeded are left', async () => (await fired()).filter(({ status }) => status.succeeded).length === 3);
  });

  test('while one waits for its server, no second one is started, and the first ends well', async () => {
    await shop.output('delete', 'service', 'orders-db');
    let waiting: string | undefined;
    await until('a run waits', async () => {
      waiting = (await fired()).find(({ status }) => status.active)?.metadata.name;
      return waiting !== undefined && (await shop.output('logs', `job/${waiting}`).catch(() => '')).includes('orders-db');
    });
    await until('the next one was not started', async () => (await events('JobAlreadyActive')).includes('concurrency policy'));
    expect((await fired()).filter(({ status }) => status.active).map(({ metadata }) => metadata.name)).toEqual([waiting]);
    await schedule('0 0 31 2 *');
    await shop.apply(SERVICE);
    await shop.output('wait', `job/${waiting}`, '--for=condition=Complete', '--timeout=10m');
  });

  test('a job that has ended is gone after its time', async () => {
    const made = JSON.parse(
      await shop.output('create', 'job', '--from=cronjob/orders-backup', 'short-lived', '--dry-run=client', '--output=json'),
    );
    expect(made.spec.ttlSecondsAfterFinished).toBe(7 * 24 * 3600);
    await shop.apply({ ...made, spec: { ...made.spec, ttlSecondsAfterFinished: 1 } });
    await shop.output('wait', 'job/short-lived', '--for=delete', '--timeout=10m');
  });
}
