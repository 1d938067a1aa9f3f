import type { IJobSpec } from 'kubernetes-models/batch/v1/JobSpec';
import { nameOf, podTemplates, type Rule } from '../manifest';
import { valuesAt } from '../paths';
import { repeated } from './repeated';

/** Names within a pod that no schema compares: the API server refuses each of these, but for a volume that nobody mounts. */
export const podWiring: Rule = manifests =>
  podTemplates(manifests).flatMap(({ of, pod, containers }) => {
    // Pods of a StatefulSet have its claims by the names of their templates.
    const claims = valuesAt(of, 'spec.volumeClaimTemplates.*.metadata.name') as string[];
    const volumes = [...(pod.volumes ?? []).map(({ name }) => name), ...claims];
    const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name));
    const [ofJob, ofCronJob] = ['spec', 'spec.jobTemplate.spec'].flatMap(path => valuesAt(of, `${path}.podFailurePolicy`));
    const policy = (ofJob ?? ofCronJob) as IJobSpec['podFailurePolicy'];
    const judged = (policy?.rules ?? []).flatMap(({ onExitCodes }) => onExitCodes?.containerName ?? []);
    return [
      ...repeated(containers.map(({ name }) => name)).map(name => `two containers are called ${name}`),
      ...repeated(volumes).map(name => `two volumes are called ${name}`),
      ...containers.flatMap(({ name, volumeMounts = [] }) =>
        repeated(volumeMounts.map(({ mountPath }) => mountPath)).map(path => `${name} mounts two volumes at ${path}`),
      ),
      ...mounts.filter(name => !volumes.includes(name)).map(name => `there is no volume ${name}`),
      ...volumes.filter(name => !mounts.includes(name)).map(name => `nobody mounts volume ${name}`),
      ...judged.filter(name => !containers.some(one => one.name === name)).map(name => `podFailurePolicy: there is no container ${name}`),
      ...(policy && pod.restartPolicy !== 'Never' ? [`podFailurePolicy needs restartPolicy Never, which is ${pod.restartPolicy}`] : []),
    ].map(finding => `${nameOf(of)}: ${finding}`);
  });
