import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { kubernetesObject } from './kubernetes-object';

/** A word by which somebody asks a job for something other than its default. */
export interface RequestKey {
  /** The key in the request's ConfigMap. */
  readonly key: string;
  /** The variable by which the scripts read it. */
  readonly variable: string;
  /** Its value unless somebody asks for another. */
  readonly value: string;
}

/**
 * Whether the word is yes or no.
 *
 * @internal
 */
export const isFlag = ({ value }: RequestKey) => value === 'yes' || value === 'no';

/** @internal */
export interface Request {
  readonly environment: k8s.EnvVar[];
  /** The ConfigMap whose variables count where the request says nothing. */
  readonly defaults: string;
  readonly volumes: k8s.Volume[];
  readonly volumeMounts: k8s.VolumeMount[];
}

const MOUNT = '/run/request';

/**
 * What somebody may ask of a job when starting it: a ConfigMap `<job>-request`. It is not emitted, so no deploy tool heals, prunes or
 * fights for it. If it is missing, or says nothing of a key, the ConfigMap `<job>-defaults` counts, which is emitted.
 *
 * That works because `env` goes before `envFrom`: a reference that is optional and leads nowhere leaves what `envFrom` has set. Programs
 * without a shell get their variables that way, too. The request is mounted as well: `check_request` of lib.sh refuses a key that nothing
 * reads.
 *
 * @param job the job's name
 * @internal
 */
export function requestOf(scope: Construct, job: string, keys: RequestKey[], labels: { [label: string]: string }): Request {
  const [name, defaults] = [`${job}-request`, `${job}-defaults`];
  kubernetesObject(scope, 'Defaults', k8s.KubeConfigMap.GVK, {
    metadata: { name: defaults, labels },
    data: Object.fromEntries(keys.map(({ variable, value }) => [variable, value])),
  });
  return {
    environment: [
      ...keys.map(({ key, variable }) => ({ name: variable, valueFrom: { configMapKeyRef: { name, key, optional: true } } })),
      { name: 'REQUEST', value: MOUNT },
      { name: 'REQUEST_NAME', value: name },
      { name: 'REQUEST_WORDS', value: keys.map(({ key }) => key).join(' ') },
      {
        name: 'REQUEST_FLAGS',
        value: keys
          .filter(isFlag)
          .map(({ key }) => key)
          .join(' '),
      },
    ],
    defaults,
    volumes: [{ name: 'request', configMap: { name, optional: true } }],
    volumeMounts: [{ name: 'request', mountPath: MOUNT, readOnly: true }],
  };
}
