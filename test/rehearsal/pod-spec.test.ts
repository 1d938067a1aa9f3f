import { describe, expect, it } from 'vitest';
import { jobSpecOf } from './pod-spec';
import { type Loose, tinyJob } from './tiny';

const volume = (source: Loose) => tinyJob('', { pod: { volumes: [{ name: 'v', ...source }] } });
const container = (fields: Loose) => tinyJob('', { container: fields });
const pod = (fields: Loose) => tinyJob('', { pod: fields });

describe('what a pod may say', () => {
  it('accepts what a backup job says', () => {
    const securityContext = {
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
    };
    const job = tinyJob('true', {
      job: { ttlSecondsAfterFinished: 60, completions: 1, parallelism: 1, activeDeadlineSeconds: 5, suspend: false },
      pod: {
        nodeSelector: { a: 'b' },
        tolerations: [{ operator: 'Exists' }],
        affinity: { nodeAffinity: {} },
        dnsPolicy: 'ClusterFirst',
        hostNetwork: false,
      },
      container: {
        securityContext,
        imagePullPolicy: 'IfNotPresent',
        resources: { limits: { memory: '1Gi' } },
        ports: [{ containerPort: 1 }],
        workingDir: null,
      },
    });
    expect(jobSpecOf(job).template.spec.containers).toHaveLength(1);
  });

  it('finds the job of a CronJob', () => {
    const { spec, ...rest } = tinyJob('true');
    const cron = { ...rest, kind: 'CronJob', spec: { schedule: '@daily', concurrencyPolicy: 'Forbid', jobTemplate: { spec } } };
    expect(jobSpecOf(cron)).toBe(spec);
    expect(() => jobSpecOf({ ...cron, spec: { ...cron.spec, jitter: 5 } })).toThrow('CronJob shop/job: spec.jitter is not understood');
  });

  it.each([
    ['a job field', tinyJob('', { job: { managedBy: 'x' } }), 'spec.managedBy'],
    ['parallel work', tinyJob('', { job: { parallelism: 2 } }), 'spec.parallelism is 2: can only be 1'],
    ['a pod field', pod({ runtimeClassName: 'gvisor' }), 'template.spec.runtimeClassName'],
    ['the processes of the host', pod({ hostPID: true }), 'hostPID is true'],
    ['a shared process namespace', pod({ shareProcessNamespace: true }), 'shareProcessNamespace is true'],
    ['a restart policy of servers', pod({ restartPolicy: 'Always' }), 'restartPolicy is Always'],
    ['no restart policy', pod({ restartPolicy: null }), 'restartPolicy is missing'],
    [
      'a sidecar',
      pod({ initContainers: [{ name: 's', image: 'i', restartPolicy: 'OnFailure' }] }),
      'initContainers[0].restartPolicy is "OnFailure": can only be "Always"',
    ],
    ['a container field', container({ lifecycle: { preStop: {} } }), 'containers[0].lifecycle'],
    ['a probe', container({ startupProbe: {} }), 'containers[0].startupProbe'],
    ['a device', container({ volumeDevices: [] }), 'containers[0].volumeDevices'],
    ['privileges', container({ securityContext: { privileged: true } }), 'securityContext.privileged is true'],
    ['a security field', container({ securityContext: { seLinuxOptions: {} } }), 'securityContext.seLinuxOptions'],
    [
      'a seccomp profile of its own',
      container({ securityContext: { seccompProfile: { type: 'Localhost' } } }),
      'seccompProfile.type is "Localhost"',
    ],
    ['sysctls', pod({ securityContext: { sysctls: [] } }), 'securityContext.sysctls'],
    ['a source of variables', container({ env: [{ name: 'A', valueFrom: { fileKeyRef: {} } }] }), 'env[0].valueFrom.fileKeyRef'],
    ['a resource', container({ resources: { limits: { 'nvidia.com/gpu': 1 } } }), 'limits.nvidia.com/gpu'],
    [
      'mount propagation',
      container({ volumeMounts: [{ name: 'v', mountPath: '/v', mountPropagation: 'Bidirectional' }] }),
      'mountPropagation',
    ],
    ['a volume type', volume({ nfs: { server: 'x' } }), 'volumes[0].nfs'],
    ['a field of a volume', volume({ emptyDir: { medium: 'HugePages' } }), 'emptyDir.medium is "HugePages"'],
    ['a projected source', volume({ projected: { sources: [{ clusterTrustBundle: {} }] } }), 'sources[0].clusterTrustBundle'],
    ['a field named like one of every object', container({ constructor: {} }), 'containers[0].constructor'],
  ])('refuses %s it does not understand', (_, job, where) => {
    expect(() => jobSpecOf(job)).toThrow(where);
  });

  it.each([
    ['a number as a variable', container({ env: [{ name: 'A', value: 5 }] }), '5 must be a string'],
    ['a boolean as an argument', container({ args: [true] }), 'true must be a string'],
    ['a mount of no volume', container({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }), 'main mounts v, which is no volume'],
    ['a volume without a source', volume({}), 'volume v has 0 sources'],
    ['a volume of two sources', volume({ emptyDir: {}, secret: {} }), 'volume v has 2 sources'],
    ['no containers', pod({ containers: [] }), 'containers is missing'],
    [
      'a failure policy with restarts',
      tinyJob('', { job: { podFailurePolicy: { rules: [] } }, pod: { restartPolicy: 'OnFailure' } }),
      'needs restartPolicy Never',
    ],
    ['a name too long for the label of its pods', { ...tinyJob(''), metadata: { name: 'x'.repeat(64) } }, 'longer than 63'],
    ['a name too long for a CronJob', { ...tinyJob(''), kind: 'CronJob', metadata: { name: 'x'.repeat(53) } }, 'longer than 52'],
    ['another API version', { ...tinyJob(''), apiVersion: 'batch/v1beta1' }, 'apiVersion is batch/v1beta1'],
  ])('refuses %s, as the API server does', (_, job, problem) => {
    expect(() => jobSpecOf(job)).toThrow(problem);
  });

  it('refuses two containers, volumes or mount points of one name', () => {
    const mounts = (...paths: string[]) => paths.map(mountPath => ({ name: 'v', mountPath }));
    const volumes = [{ name: 'v', emptyDir: {} }];
    const main = { name: 'main', image: 'i' };
    expect(() => jobSpecOf(pod({ initContainers: [main] }))).toThrow('two containers are called main');
    expect(() => jobSpecOf(pod({ volumes: [...volumes, ...volumes] }))).toThrow('two volumes are called v');
    expect(() => jobSpecOf(pod({ volumes, containers: [{ ...main, volumeMounts: mounts('/a', '/a') }] }))).toThrow(
      'mounts two volumes at /a',
    );
    expect(() => jobSpecOf(pod({ volumes, containers: [{ ...main, volumeMounts: mounts('a') }] }))).toThrow('mountPath a is not absolute');
    const leaving = [{ name: 'v', mountPath: '/v', subPath: 'a/../../b' }];
    expect(() => jobSpecOf(pod({ volumes, containers: [{ ...main, volumeMounts: leaving }] }))).toThrow('leaves the volume');
  });
});
