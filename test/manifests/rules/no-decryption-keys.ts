import { nameOf, podTemplates, type Rule } from '../manifest';

/** Operations that make recovery points. */
const WRITERS = ['backup', 'log'];

/** Who takes over a pod that encrypts to public keys must not be able to read what was stored. */
export const noDecryptionKeys: Rule = manifests =>
  podTemplates(manifests).flatMap(({ of, pod, containers }) =>
    containers
      .filter(
        ({ name, env = [] }) => WRITERS.includes(name) && env.some(each => each.name === 'ENCRYPTION' && each.value !== 'gpg-symmetric'),
      )
      .flatMap(({ name, env = [] }) => [
        ...env.filter(each => each.name === 'DECRYPTION_PATH').map(() => `${name} is told where keys are that decrypt`),
        ...(pod.volumes ?? []).filter(volume => /encryption-/.test(volume.name)).map(volume => `${name} has the key ${volume.name}`),
      ])
      .map(finding => `${nameOf(of)}: ${finding}`),
  );
