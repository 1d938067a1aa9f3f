import { beforeAll, describe, expect, test } from 'vitest';
import { until } from '../kubectl';
import { server, shop } from './shop';

interface Job {
  readonly metadata: { readonly name: string };
  readonly status: { readonly active?: number; readonly succeeded?: number; readonly failed?: number };
}

const schedule = (cron: string) =>
  shop.output('patch', 'cronjob', 'orders-backup', '--type=merge', `--patch={"spec":{"schedule":"${cron}"}}`);

/** Those that the controller made: their names end in the minute for which they were. */
async function fired(): Promise<Job[]> {
  const { items }: { items: Job[] } = JSON.parse(await shop.output('get', 'jobs', '--output=json'));
  return items.filter(({ metadata }) => /^orders-backup-\d+$/.test(metadata.name));
}

async function firesFiveTimes(): Promise<void> {
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
}

/**
 * What a CronJob of dist/ promises of itself; after `postgresComesBack`, which has brought up its server.
 *
 * @param meanwhile tests that have nothing to do with it: it takes minutes, in which little happens
 */
export function cronJobFires(meanwhile: () => void): void {
  let fives: Promise<unknown>;
  beforeAll(async () => {
    await schedule('* * * * *');
    // What goes wrong is no test's but the one that asks for it.
    fives = firesFiveTimes().catch(problem => problem);
  });

  describe('meanwhile', meanwhile);

  test('it fires by itself, five times, and keeps the history that it says', async () => {
    expect(await fives).toBeUndefined();
    await until('three that succeeded are left', async () => (await fired()).filter(({ status }) => status.succeeded).length === 3);
  });

  test('while one waits for its server, no second one is started, and the first ends well', async () => {
    await server.answers(false);
    const active = async () => (await fired()).filter(({ status }) => status.active).map(({ metadata }) => metadata.name);
    await until('a run is under way', async () => (await active()).length === 1);
    const [waiting = ''] = await active();
    await server.waitsForIt(waiting);
    const refused = () => shop.output('get', 'events', '--field-selector=reason=JobAlreadyActive', '--output=name');
    await until('the next one was not started', async () => (await refused()) !== '');
    expect(await active()).toEqual([waiting]);
    await schedule('0 0 31 2 *');
    await server.answers(true);
    await shop.output('wait', `job/${waiting}`, '--for=condition=Complete', '--timeout=10m');
  });

  test('a job that has ended is gone after its time', async () => {
    await shop.createJob('short-lived', 'orders-backup', spec => {
      expect(spec.ttlSecondsAfterFinished).toBe(7 * 24 * 3600);
      spec.ttlSecondsAfterFinished = 1;
    });
    await shop.output('wait', 'job/short-lived', '--for=delete', '--timeout=10m');
  });
}
