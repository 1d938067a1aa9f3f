import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ICronJob } from 'kubernetes-models/batch/v1/CronJob';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';
import type { IPodTemplateSpec } from 'kubernetes-models/v1/PodTemplateSpec';
import { parseAllDocuments } from 'yaml';

/** An object as it is applied. What is in it nobody has checked yet. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: { [label: string]: string };
    readonly annotations?: { [annotation: string]: string };
  };
}

/** The kinds among those that may be emitted that belong to no namespace. */
export const CLUSTER_SCOPED = ['VolumeSnapshotClass', 'VolumeSnapshotContent', 'VolumeGroupSnapshotClass', 'VolumeGroupSnapshotContent'];

/** A pod template and the object that has it. */
export interface PodTemplate {
  readonly of: Manifest;
  readonly namespace: string | undefined;
  readonly labels: { [label: string]: string };
  readonly template: IPodTemplateSpec;
  readonly pod: IPodSpec;
  readonly containers: IContainer[];
}

/** What a rule found wrong with the objects that are applied together: a sentence each. */
export type Rule = (manifests: readonly Manifest[]) => string[];

/** Every object in the YAML files of a folder. */
export function readManifests(folder: string): Manifest[] {
  return readdirSync(folder)
    .filter(file => file.endsWith('.yaml'))
    .sort()
    .flatMap(file => parseManifests(readFileSync(join(folder, file), 'utf8')));
}

/** Reads YAML 1.1, as kubectl does: there an unquoted `no` is a boolean and `22:30` a number. */
export function parseManifests(text: string): Manifest[] {
  return [...parseAllDocuments(text, { version: '1.1' })].map(document => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) {
      throw problem;
    }
    return document.toJS();
  });
}

export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata?.namespace ?? '-'}/${metadata?.name}`;
}

export function cronJobs(manifests: readonly Manifest[]): (Manifest & ICronJob)[] {
  return ofKind(manifests, 'CronJob');
}

export function configMaps(manifests: readonly Manifest[]): (Manifest & IConfigMap)[] {
  return ofKind(manifests, 'ConfigMap');
}

export function networkPolicies(manifests: readonly Manifest[]): (Manifest & INetworkPolicy)[] {
  return ofKind(manifests, 'NetworkPolicy');
}

export function ofKind<T extends Manifest>(manifests: readonly Manifest[], kind: string): T[] {
  return manifests.filter((manifest): manifest is T => manifest.kind === kind);
}

/** The pods that any of the objects makes, whatever its kind. */
export function podTemplates(manifests: readonly Manifest[]): PodTemplate[] {
  return manifests.flatMap(of => {
    const { spec } = of as { spec?: { template?: IPodTemplateSpec; jobTemplate?: { spec?: { template?: IPodTemplateSpec } } } };
    const template = of.kind === 'Pod' ? (of as IPodTemplateSpec) : (spec?.template ?? spec?.jobTemplate?.spec?.template);
    const pod = template?.spec;
    if (!template || !pod) {
      return [];
    }
    const containers = [...(pod.initContainers ?? []), ...(pod.containers ?? [])];
    return [{ of, namespace: of.metadata.namespace, labels: template.metadata?.labels ?? {}, template, pod, containers }];
  });
}
