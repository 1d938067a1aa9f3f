import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { NotUnderstood } from './errors';
import type { KubernetesObject } from './pod-spec';

/**
 * The objects of a cluster by kind, namespace and name, as `kubectl apply` would leave them.
 *
 * Reads what synthesis wrote, never what a construct holds in memory: what is rehearsed is what is applied.
 */
export class Manifests {
  private readonly objects = new Map<string, KubernetesObject>();

  /** Reads every `.yaml` and `.yml` file of the given files and directories, directories with all below them. */
  static load(paths: string[]): Manifests {
    const manifests = new Manifests();
    for (const file of paths.flatMap(path => yamlFiles(path))) {
      for (const object of parseManifest(readFileSync(file, 'utf8'), file)) manifests.add(object, file);
    }
    return manifests;
  }

  /** Adds an object that must be new: two manifests with one name would overwrite each other when applied. */
  add(object: KubernetesObject, origin = 'add'): void {
    const key = keyOf(object.kind, object.metadata.namespace, object.metadata.name);
    if (this.objects.has(key)) throw new NotUnderstood(`${origin}: ${key} is there twice`);
    this.put(object);
  }

  /** Adds or replaces an object. */
  put(object: KubernetesObject): void {
    const namespace = object.metadata.namespace ?? 'default';
    this.objects.set(keyOf(object.kind, namespace, object.metadata.name), { ...object, metadata: { ...object.metadata, namespace } });
  }

  find(kind: string, namespace: string, name: string): KubernetesObject | undefined {
    return this.objects.get(keyOf(kind, namespace, name));
  }

  everything(): KubernetesObject[] {
    return [...this.objects.values()];
  }

  all(kind: string, namespace: string): KubernetesObject[] {
    return [...this.objects.values()].filter(object => object.kind === kind && object.metadata.namespace === namespace);
  }
}

/**
 * The objects of one YAML text.
 *
 * Parsed as YAML 1.1, which is what kubectl reads: `on` is a boolean there and `0400` is 256. Two keys of one name are an error, as they are
 * for the API server's strict validation.
 */
export function parseManifest(text: string, origin: string): KubernetesObject[] {
  const documents = parseAllDocuments(text, { version: '1.1', uniqueKeys: true });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap(document => {
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem) throw new NotUnderstood(`${origin}: ${problem.message}`);
    const value: unknown = document.toJS();
    if (value === null || value === undefined) return []; // an empty document between two `---`
    const object = value as Partial<KubernetesObject> & { items?: KubernetesObject[] };
    if (object.kind === 'List' && object.items) return object.items;
    if (!object.apiVersion || !object.kind || !object.metadata?.name) {
      throw new NotUnderstood(`${origin}: a document without apiVersion, kind or metadata.name is no Kubernetes object`);
    }
    return [object as KubernetesObject];
  });
}

function keyOf(kind: string, namespace: string | undefined, name: string): string {
  return `${kind} ${namespace ?? 'default'}/${name}`;
}

function yamlFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter(name => /\.ya?ml$/.test(name)).map(name => join(path, name));
  if (files.length === 0) throw new NotUnderstood(`${path} holds no YAML files`);
  return files;
}
