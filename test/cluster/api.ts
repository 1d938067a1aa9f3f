import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { request } from 'node:http';
import { inject } from 'vitest';

/** An object of the cluster, as far as scenarios ask about any. */
export interface ClusterObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly labels: { readonly [label: string]: string };
    readonly annotations?: { readonly [name: string]: string };
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
  };
  // biome-ignore lint/suspicious/noExplicitAny: of any kind
  readonly spec: any;
  // biome-ignore lint/suspicious/noExplicitAny: of any kind
  readonly status?: any;
  // biome-ignore lint/suspicious/noExplicitAny: whatever else a kind has
  readonly [field: string]: any;
}

/** What a kind is called in the API. */
interface Resource {
  /** Such as `/apis/batch/v1`. */
  readonly version: string;
  readonly resource: string;
}

/**
 * Starts `kubectl proxy`. Scenarios ask the API again and again, and a request costs the machine a tenth of what a program does that is
 * started for it.
 *
 * @param command of kubectl, with all rights
 * @returns what ends it
 */
export async function serveApi([program = 'kubectl', ...words]: string[], socket: string): Promise<() => void> {
  rmSync(socket, { force: true });
  const proxy = spawn(program, [...words, 'proxy', `--unix-socket=${socket}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    proxy.once('error', reject);
    proxy.once('exit', code => reject(new Error(`kubectl proxy ended with ${code}`)));
    proxy.stdout.once('data', () => resolve());
  });
  return () => {
    proxy.kill();
    rmSync(socket, { force: true });
  };
}

/** An object; undefined when it is not there. @throws Error when the API does not say */
export async function readObject(namespace: string, kind: string, name: string): Promise<ClusterObject | undefined> {
  return (await read(await pathOf(namespace, kind, name))) as ClusterObject | undefined;
}

/** The objects of one kind, or of several with a comma between, as kubectl lists them. @throws Error when the API does not say */
export async function readObjects(namespace: string, kinds: string, selector: string): Promise<ClusterObject[]> {
  const found: ClusterObject[] = [];
  for (const kind of kinds.split(',')) {
    const path = `${await pathOf(namespace, kind)}?labelSelector=${encodeURIComponent(selector)}`;
    const list = (await read(path)) as { kind: string; apiVersion: string; items: ClusterObject[] } | undefined;
    if (!list) throw new Error(`GET ${path}: there is no such kind`);
    // A list says once what its objects are.
    found.push(...list.items.map(item => ({ ...item, apiVersion: list.apiVersion, kind: list.kind.replace(/List$/, '') })));
  }
  return found;
}

async function pathOf(namespace: string, kind: string, name?: string): Promise<string> {
  const { version, resource } = await resourceOf(kind);
  return [version, 'namespaces', namespace, resource, ...(name === undefined ? [] : [name])].join('/');
}

const known = new Map<string, Resource>();

/** @param kind in the words that kubectl takes: `pod`, `pods`, `pvc`, `restores.velero.io` */
async function resourceOf(kind: string): Promise<Resource> {
  // A kind may have been defined since the last time.
  if (!known.has(kind)) for (const root of ['/api', '/apis']) await discover(root);
  const resource = known.get(kind);
  if (!resource) throw new Error(`the API has no ${kind}`);
  return resource;
}

/** https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery */
async function discover(root: string): Promise<void> {
  const { items } = (await read(root, 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList')) as {
    items: { metadata: { name?: string }; versions: { version: string; resources: Discovered[] }[] }[];
  };
  for (const { metadata, versions } of items) {
    const group = metadata.name ?? '';
    // The version that is preferred comes first.
    for (const { version, resources } of versions) {
      for (const { resource, singularResource, shortNames = [] } of resources) {
        const found = { version: [root, ...(group === '' ? [] : [group]), version].join('/'), resource };
        for (const name of [resource, singularResource, ...shortNames]) {
          for (const word of [name, `${name}.${group}`]) if (!known.has(word)) known.set(word, found);
        }
      }
    }
  }
}

interface Discovered {
  readonly resource: string;
  readonly singularResource: string;
  readonly shortNames?: string[];
}

/** What the API answers to a GET; undefined when there is no such thing. @throws Error when it does not say */
export async function read(path: string, accept = 'application/json'): Promise<unknown> {
  const until = Date.now() + 60_000;
  for (;;) {
    const answer = await get(path, accept);
    if (answer.status === 200) return JSON.parse(answer.text);
    if (answer.status === 404) return undefined;
    // A server that has just started is ready before the stores of all its kinds are; kubectl comes again, too.
    if (answer.status !== 429 || Date.now() > until) throw new Error(`GET ${path}: ${answer.status}: ${answer.text}`);
    await new Promise(resolve => setTimeout(resolve, 500));
  }
}

function get(path: string, accept: string): Promise<{ readonly status: number | undefined; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: inject('api'), agent: false, path, headers: { accept, host: 'localhost' } }, answer => {
      const parts: Buffer[] = [];
      answer.on('data', part => parts.push(part));
      answer.once('error', reject);
      answer.once('end', () => resolve({ status: answer.statusCode, text: Buffer.concat(parts).toString() }));
    });
    // Of one that was killed while it answered, the proxy may not hear.
    asked.setTimeout(60_000, () => asked.destroy(new Error(`GET ${path}: no answer for a minute`)));
    asked.once('error', reject).end();
  });
}
