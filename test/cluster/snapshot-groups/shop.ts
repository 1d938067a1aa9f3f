import { rmSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { failure } from '../../e2e/support/faults';
import { succeed } from '../../e2e/support/rehearse';
import { ApiFault } from '../api-faults/fault';
import { FAULTS, type SnapshotFault } from '../csi';
import { kubectl, letGo, node, output, until } from '../kubectl';
import { type ClusterObject, type EndedJob, Namespace, RESTRICTED } from '../namespace';

/** What a group says of itself. */
export interface Manifest {
  readonly id: string;
  readonly about: { readonly mode: string; readonly group?: string };
  readonly quiesced: { readonly pod: string; readonly milliseconds: number }[];
  readonly facts: { readonly volumes: number };
  readonly volumes: { readonly claim: string; readonly snapshot: string; readonly [field: string]: unknown }[];
  readonly [field: string]: unknown;
}

export const CLAIMS = ['carts', 'data-orders-db-0', 'data-stock-db-0', 'thumbs', 'uploads'];
export const DOCUMENTS = ['contracts', 'letters'];
const RELEASED_SECONDS = 60;

/** The app of main.ts in a namespace of its own, with its servers, and eight writers of the one that is held. */
export class Shop {
  static async start(name: string): Promise<Shop> {
    const shop = new Shop(await Namespace.create(name, RESTRICTED));
    process.env.NAMESPACE = name;
    await shop.namespace.applyApp('test/cluster/snapshot-groups/main.ts');
    await shop.namespace.output('wait', '--for=condition=Ready', 'pod/stock-db-0', 'pod/orders-db-0', '--timeout=5m');
    await until('rows are written', async () => Number(await shop.sql('select count(*) from shop.hits').catch(() => '0')) > 8);
    return shop;
  }

  private constructor(readonly namespace: Namespace) {}

  /** Deletes it all; nothing that was planted, and nothing that a driver has forgotten, keeps it. */
  async end(): Promise<void> {
    this.heal();
    const { name } = this.namespace;
    await output(['delete', 'namespace', name, '--wait=false']);
    await until(`namespace ${name} is gone`, async () => {
      // What was deleted before it was cut, the snapshotter looks at again after a quarter of an hour only.
      for (const kind of ['volumesnapshots', 'volumegroupsnapshots']) await letGo(kind, `--namespace=${name}`);
      return (await kubectl(['get', 'namespace', name])).exitCode !== 0;
    });
    await output(['delete', 'volumesnapshotclass', name, '--ignore-not-found']);
  }

  /** Plants faults of the storage, which go by the claims' names. */
  storageFaults(...faults: SnapshotFault[]): void {
    writeFileSync(node().path(FAULTS), JSON.stringify(faults));
  }

  /** Takes away all that was planted. */
  heal(): void {
    rmSync(node().path(FAULTS), { force: true });
    ApiFault.clear(this.namespace.name);
  }

  /** What the held server answers. @throws Error when it does not */
  async sql(statement: string): Promise<string> {
    const client = ['mariadb', '--socket=/tmp/mysqld.sock', '--user=root', '--batch', '--skip-column-names', `--execute=${statement}`];
    return this.namespace.output('exec', 'stock-db-0', '--container=server', '--', ...client);
  }

  /** Whether a row can be written; where it cannot, the server says that somebody holds it. */
  async isWritten(): Promise<boolean> {
    try {
      await this.sql('set lock_wait_timeout = 1; insert into shop.hits(writer) values (0)');
      return true;
    } catch (problem) {
      expect(String(problem)).toContain('Lock wait timeout exceeded');
      return false;
    }
  }

  run(series: string): Promise<EndedJob> {
    return this.namespace.run(`${series}-snapshot`);
  }

  start(series: string): Promise<string> {
    return this.namespace.start(`${series}-snapshot`);
  }

  snapshotsOf(series: string): Promise<ClusterObject[]> {
    return this.namespace.objects('volumesnapshots', `cdk8s-backup/series=${series}`);
  }

  /** What restores go by: what is published, and has a snapshot of every claim that can be used. Newest first. */
  async groups(series: string): Promise<string[]> {
    const snapshots = await this.snapshotsOf(series);
    const isWhole = (id: string) => {
      const group = snapshots.filter(each => pointOf(each) === id);
      const isReady = ({ metadata, status }: ClusterObject) => !metadata.deletionTimestamp && status?.readyToUse === true;
      return group.every(isReady) && group.length === manifestOf(group).facts.volumes;
    };
    return published(snapshots).filter(isWhole).sort().reverse();
  }

  async manifest(series: string, id: string): Promise<Manifest> {
    return manifestOf((await this.snapshotsOf(series)).filter(each => pointOf(each) === id));
  }

  /** Snapshots of no group that are there, and not only until the storage lets them go. */
  async strays(series: string): Promise<string[]> {
    const known = published(await this.snapshotsOf(series));
    const made = await this.namespace.objects('volumesnapshots,volumegroupsnapshots', `cdk8s-backup/series=${series}`);
    return made
      .filter(each => !known.includes(pointOf(each)) && each.metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name);
  }

  /** What nobody may leave: a server that is held, a snapshot of no group, a lease. */
  async isTidy(series: string): Promise<void> {
    await until('writes go on', () => this.isWritten(), RELEASED_SECONDS);
    expect(await this.strays(series)).toEqual([]);
    expect(await this.namespace.object('lease', `${series}-snapshot`)).toBeUndefined();
  }

  /** A run that must fail, say why, and leave nothing; and every group that was there. */
  async fails(series: string, says: RegExp, run: Promise<EndedJob> = this.run(series)): Promise<void> {
    const before = await this.groups(series);
    failure(await run, says);
    await this.isTidy(series);
    expect(await this.groups(series)).toEqual(before);
  }

  /** A run that must make a group, and leave nothing else. */
  async makes(series: string, run: Promise<EndedJob> = this.run(series)): Promise<{ id: string; manifest: Manifest; log: string }> {
    const { id } = await succeed(run, 'published');
    expect((await this.groups(series))[0]).toBe(id);
    await this.isTidy(series);
    const manifest = await this.manifest(series, id);
    const claims = series === 'documents' || series === 'filed' ? DOCUMENTS : CLAIMS;
    expect(manifest.volumes.map(({ claim }) => claim)).toEqual(claims);
    return { id, manifest, log: (await run).log };
  }

  /**
   * Starts a run of which a snapshot is not cut, and waits until all are made and the database is held for them. Once healed, it is cut:
   * the snapshotter gives a call up after 20 seconds, and asks again.
   */
  async untilHeld(series = 'shop'): Promise<string> {
    this.storageFaults({ claim: 'uploads', kind: 'never-cut' });
    const names = async () => (await this.snapshotsOf(series)).map(({ metadata }) => metadata.name);
    // What a run before could not delete may be going.
    const before = new Set(await names());
    const job = await this.start(series);
    await until('snapshots are made', async () => {
      const { succeeded, failed } = (await this.namespace.object('job', job))?.status ?? {};
      if (succeeded || failed) throw new Error(`${job} has ended: ${await this.namespace.log(job)}`);
      return (await names()).filter(name => !before.has(name)).length >= CLAIMS.length;
    });
    if (await this.isWritten()) {
      const agent = await this.namespace.output('logs', 'stock-db-0', '--container=quiesce', '--tail=20');
      throw new Error(`the database is not held:\n${await this.namespace.log(job)}\nIts agent:\n${agent}`);
    }
    return job;
  }

  /** What a job's pod says, from now until its end. */
  async follow(job: string): Promise<string> {
    return (await this.namespace.kubectl(['logs', `job/${job}`, '--follow', '--tail=-1'])).stdout;
  }

  async podOf(job: string): Promise<ClusterObject> {
    const [pod] = await this.namespace.objects('pods', `job-name=${job}`);
    if (!pod) throw new Error(`job ${job} has no pod`);
    return pod;
  }
}

/** Of a snapshot, or of a group of them. */
export function pointOf({ metadata }: ClusterObject): string {
  return metadata.labels?.['cdk8s-backup/recovery-point'] ?? '';
}

function published(snapshots: ClusterObject[]): string[] {
  const isPublished = ({ metadata }: ClusterObject) => metadata.labels['cdk8s-backup/published'] === 'yes';
  return [...new Set(snapshots.filter(isPublished).map(pointOf))];
}

function manifestOf(group: ClusterObject[]): Manifest {
  const annotations = group.map(({ metadata }) => metadata.annotations ?? {});
  const volumes = annotations.flatMap(each => (each['cdk8s-backup/volume'] ? [JSON.parse(each['cdk8s-backup/volume'])] : []));
  const [said, ...others] = new Set(annotations.map(each => each['cdk8s-backup/group']));
  expect(others, 'snapshots of one group say the same of it').toEqual([]);
  return { ...JSON.parse(said ?? '{}'), volumes: volumes.sort((a, b) => (a.claim < b.claim ? -1 : 1)) };
}
