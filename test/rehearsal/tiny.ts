import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Cluster, missingForSandboxes } from './cluster';
import { type Image, ImageCatalog } from './images';
import type { JobRun } from './job';
import { workingDirectory } from './leftovers';
import type { RunningPod } from './pod';
import { busyboxRoot } from './rootfs';

/** For the rehearsal's own tests: pods of a shell line on an image of nothing but busybox. */

const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1000:worker:/home/worker:/bin/sh\n';
const GROUP = 'root:x:0:\nworker:x:1000:\nstaff:x:50:worker\n';

let scratch: string | undefined;

/** Where tests put roots and manifests; it is removed with `removeScratch`, or by the next run. */
function scratchDirectory(): string {
  scratch ??= workingDirectory();
  return scratch;
}

export function removeScratch(): void {
  if (scratch) rmSync(scratch, { recursive: true, force: true });
  scratch = undefined;
}

/** Why pods cannot be run here; undefined when they can. */
export function cannotRunPods(): string | undefined {
  return missingForSandboxes() ?? (tinyRoot() ? undefined : 'a static busybox');
}

function tinyRoot(): string | undefined {
  const root = join(scratchDirectory(), 'root');
  return existsSync(root) ? root : busyboxRoot(root, texts());
}

function texts(): Record<string, string> {
  // The image has things where containers will have others: only then is a mount over them, or a link to them, seen.
  return { '/etc/passwd': PASSWD, '/etc/group': GROUP, '/etc/hosts': 'from the image\n', '/bin/no-interpreter': '#!/bin/nothing\n' };
}

/** The image `tiny:1`. */
export function tinyImages(configuration: Partial<Image> = {}): ImageCatalog {
  const root = tinyRoot();
  if (!root) throw new Error('this machine has no static busybox');
  return new ImageCatalog().add({ name: 'tiny:1', root, path: '/bin', ...configuration });
}

/** An object of the Kubernetes API, as loose as YAML. */
// biome-ignore lint/suspicious/noExplicitAny: manifests of tests hold faults on purpose
export type Loose = any;

/** A Job called `job` in namespace `shop`, whose container `main` runs a shell line. */
export function tinyJob(
  script: string,
  { job = {}, pod = {}, container = {} }: { job?: Loose; pod?: Loose; container?: Loose } = {},
): Loose {
  const main = { name: 'main', image: 'tiny:1', command: ['sh', '-c', script], ...container };
  const spec = { restartPolicy: 'Never', automountServiceAccountToken: false, enableServiceLinks: false, containers: [main], ...pod };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'job', namespace: 'shop' },
    spec: { backoffLimit: 0, template: { metadata: { labels: { app: 'tiny' } }, spec }, ...job },
  };
}

export interface TinyOptions {
  readonly images?: ImageCatalog;
  readonly prepare?: (cluster: Cluster) => void;
  readonly onPod?: (pod: RunningPod) => void | Promise<void>;
  readonly backoffSeconds?: number;
}

/** Writes the objects as YAML, as synthesis would, and makes a cluster of them; `use` gets it, and it is destroyed afterwards. */
export async function withCluster<T>(objects: Loose[], options: TinyOptions, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(scratchDirectory(), 'dist-'));
  writeFileSync(join(directory, 'objects.yaml'), objects.map(object => stringify(object, { version: '1.1' })).join('---\n'));
  const images = options.images ?? tinyImages();
  const cluster = await Cluster.create({ manifests: [directory], images, backoffSeconds: options.backoffSeconds ?? 0.01 });
  try {
    options.prepare?.(cluster);
    return await use(cluster);
  } finally {
    await cluster.destroy();
  }
}

/** Runs the job called `job` among the objects. */
export function runTiny(objects: Loose | Loose[], options: TinyOptions = {}): Promise<JobRun> {
  const all = Array.isArray(objects) ? objects : [objects];
  return withCluster(all, options, cluster => cluster.run({ kind: 'Job', namespace: 'shop', name: 'job' }, { onPod: options.onPod }));
}

/** The output of the container `main` in the last pod. */
export function output(run: JobRun): string {
  return run.pods.at(-1)?.containers.find(container => container.name === 'main')?.log ?? '';
}

/** Waits until a pod runs this command: the whole command line, as the shell around it has the same words in its own. */
export async function appears(pod: RunningPod, command: string): Promise<void> {
  while (!pod.processes().some(argv => argv.join(' ') === command)) await new Promise(resolve => setTimeout(resolve, 5));
}
