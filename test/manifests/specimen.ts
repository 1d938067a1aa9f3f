import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, parseManifests } from './manifest';
import { setAt } from './paths';

/** Where the pod of the specimen's first CronJob is. */
export const POD = 'CronJob.spec.jobTemplate.spec.template.spec';

/** A small platform with which nothing is wrong. */
export function specimen(): Manifest[] {
  return parseManifests(readFileSync(join(__dirname, 'specimen.yaml'), 'utf8'));
}

/**
 * The specimen with one thing wrong.
 *
 * @param path begins with a kind, which is the first object of that kind, or with kind/name
 */
export function planted(path: string, value: unknown): Manifest[] {
  const manifests = specimen();
  const [, kind, name, field] = /^(\w+)(?:\/([-\w]+))?\.(.+)$/.exec(path) ?? [];
  const manifest = manifests.find(one => one.kind === kind && (!name || one.metadata.name === name));
  if (!manifest || !field) {
    throw new Error(`the specimen has nothing at ${path}`);
  }
  setAt(manifest, field, value);
  return manifests;
}
