import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ClusterObject, objects, output, type TestCluster } from './test-cluster';

const SERIES = 'cdk8s-backup/series=shop';
const GROUPS = `${SERIES},app.kubernetes.io/component=recovery-point`;
const CLAIMS = ['data-db-0', 'files-db-0'];

/**
 * What a group of snapshots has to do on every cluster. Nothing here but kubectl, which is the same everywhere.
 *
 * @param start makes a cluster with the app of main.ts
 */
export function snapshotScenarios(start: () => Promise<TestCluster>): void {
  let cluster: TestCluster;
  let jobs = 0;

  /** Runs a CronJob's job once; its result line. */
  async function run(cronJob: string): Promise<{ verdict: string; id: string; reason: string }> {
    jobs += 1;
    const name = `run-${jobs}`;
    await output(cluster, 'create', 'job', name, `--from=cronjob/${cronJob}`);
    await until(`${name} has ended`, async () =>
      /Complete|Failed/.test(await output(cluster, 'get', 'job', name, '--output=jsonpath={.status.conditions[*].type}')),
    );
    const path = '{.items[0].status.containerStatuses[0].state.terminated.message}';
    return JSON.parse(await output(cluster, 'get', 'pod', `--selector=job-name=${name}`, `--output=jsonpath=${path}`));
  }

  const sql = (statement: string) =>
    output(
      cluster,
      ...['exec', 'db-0', '--container=server', '--', 'mariadb', '--socket=/tmp/mysqld.sock', '--user=root', '--skip-column-names'],
      `--execute=${statement}`,
    );

  const until = async (what: string, holds: () => Promise<boolean>) => {
    const end = Date.now() + 600_000;
    while (!(await holds())) {
      if (Date.now() > end) throw new Error(`waited ten minutes in vain until ${what}`);
      await sleep(500);
    }
  };
  /** The snapshots of groups, a list for each group. */
  const groups = async () => {
    const published = await objects(cluster, 'volumesnapshots', GROUPS);
    return [...new Set(published.map(pointOf))].map(id => published.filter(each => pointOf(each) === id));
  };
  const snapshots = () => objects(cluster, 'volumesnapshots', SERIES);
  const pointOf = ({ metadata }: ClusterObject) => metadata.labels['cdk8s-backup/recovery-point'];

  beforeAll(async () => {
    cluster = await start();
    await output(cluster, 'wait', '--for=condition=Ready', 'pod/db-0', '--timeout=5m');
    await until('the server answers', () =>
      sql('insert into shop.sales values (1)').then(
        () => true,
        () => false,
      ),
    );
    // A volume without files is no proof of anything.
    await output(cluster, 'exec', 'db-0', '--container=server', '--', 'sh', '-c', 'echo a picture >/files/cat.jpg');
  }, 600_000);
  afterAll(() => cluster?.close(), 600_000);

  let first: string | undefined;
  let newest: string | undefined;

  test('a group is complete: a snapshot of every claim, all of them ready, and the server goes on', async () => {
    const { verdict, id, reason } = await run('shop-snapshot');
    expect(reason).toBe('');
    expect(verdict).toBe('published');
    first = id;
    const [group = [], ...others] = await groups();
    expect(others).toEqual([]);
    const said = (key: string) => group.map(({ metadata }) => JSON.parse(metadata.annotations?.[`cdk8s-backup/${key}`] ?? ''));
    expect(
      said('volume')
        .map(({ claim }: { claim: string }) => claim)
        .sort(),
    ).toEqual(CLAIMS);
    for (const { quiesced } of said('group')) expect(quiesced).toMatchObject([{ pod: 'db-0' }]);
    const made = await snapshots();
    expect(made.map(({ spec }) => spec.source.persistentVolumeClaimName).sort()).toEqual(CLAIMS);
    expect(made.map(({ status }) => status?.readyToUse)).toEqual([true, true]);
    expect(made.map(pointOf)).toEqual([id, id]);
    await sql('insert into shop.sales values (2)');
    expect(await sql('select count(*) from shop.sales')).toBe('2');
  });

  test('a run that cannot work says so, and makes nothing', async () => {
    const { verdict, reason } = await run('classless-snapshot');
    expect(verdict).not.toBe('published');
    expect(reason).toContain('cdk8s-backup-has-no-such-class');
    expect(await objects(cluster, 'volumesnapshots', 'cdk8s-backup/series=classless,cdk8s-backup/recovery-point')).toEqual([]);
  });

  test('retention lets the oldest group go, with its snapshots', async () => {
    await run('shop-snapshot');
    ({ id: newest } = await run('shop-snapshot'));
    const kept = (await groups()).map(([first]) => first && pointOf(first));
    expect(kept).toHaveLength(2);
    expect(kept).toContain(newest);
    expect(kept).not.toContain(first);
    for (const { metadata } of (await snapshots()).filter(each => pointOf(each) === first)) {
      await output(cluster, 'wait', '--for=delete', `volumesnapshot/${metadata.name}`, '--timeout=5m');
    }
    expect(new Set((await snapshots()).map(pointOf))).toEqual(new Set(kept));
  });

  // Last: a verified group is kept beyond what retention says, until a newer one is verified.
  test('a group is verified: a server starts on a volume of its snapshot, which is gone afterwards', async () => {
    const { verdict, id, reason } = await run('shop-verify');
    expect(reason, 'a volume that no check was named for').toMatch(
      /^files-db-0: its files were read, and of what is in them nothing is known/,
    );
    expect({ verdict, id }).toEqual({ verdict: 'verified', id: newest });
    const verified = (await groups()).flat().filter(({ metadata }) => metadata.annotations?.['cdk8s-backup/verified']);
    expect(verified.map(pointOf)).toEqual(CLAIMS.map(() => newest));
    const claims = async () => (await output(cluster, 'get', 'persistentvolumeclaims', '--output=name')).split('\n');
    await until('its volumes are gone', async () => (await claims()).length === CLAIMS.length);
  });
}
