import { nameOf, podTemplates, type Rule } from '../manifest';

/** What the container of a scratch server may have: its own scratch volume, scripts, and what others only let it read. */
const MAY_WRITE = ['workbench', 'data'];
const MAY_READ = /^(scripts-(shell|engine|assertions)|tools|relay)$/;

/** What a pod that starts a server on a copy of a volume may have beside scripts. */
const OF_A_CHECK = /^(scratch|data|scripts-(shell|engine|assertions))$/;

/** Where code of the data's owner runs there is neither a key nor a volume of the repository. */
export const workbench: Rule = manifests =>
  podTemplates(manifests).flatMap(({ of, pod, labels, containers }) => {
    const bench = containers.find(({ name }) => name === 'workbench');
    // What an image without a shell brings up has a container of its own for that.
    const isBeside = pod.initContainers?.some(container => (container as { restartPolicy?: string }).restartPolicy === 'Always');
    const verifies =
      ['verify', 'drill'].includes(labels['cdk8s-backup/operation'] ?? '') &&
      containers.some(({ name, env = [] }) => name === 'verify' && env.some(each => each.name === 'CHECK_REPOSITORY'));
    const checks = labels['cdk8s-backup/operation'] === 'check' ? containers : [];
    return [
      ...checks
        .flatMap(({ env = [] }) => env)
        .filter(({ valueFrom }) => valueFrom?.secretKeyRef)
        .map(({ name }) => `the check of a volume has the secret ${name}`),
      ...(checks.length > 0 ? (pod.volumes ?? []) : [])
        .filter(({ name }) => !OF_A_CHECK.test(name))
        .map(({ name }) => `the check of a volume has the volume ${name}`),
      ...(verifies && !bench && !isBeside ? ['brings data up beside the keys of the repository'] : []),
      ...(bench?.env ?? []).filter(({ valueFrom }) => valueFrom?.secretKeyRef).map(({ name }) => `the workbench has the secret ${name}`),
      ...(bench?.volumeMounts ?? [])
        .filter(({ name, readOnly }) => !MAY_WRITE.includes(name) && !(MAY_READ.test(name) && readOnly))
        .map(({ name }) => `the workbench has the volume ${name}`),
    ].map(finding => `${nameOf(of)}: ${finding}`);
  });
