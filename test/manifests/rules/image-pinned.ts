import { nameOf, podTemplates, type Rule } from '../manifest';

const DIGEST = /@sha256:[0-9a-f]{64}$/;
/** It has no slash, unlike what follows the port of a registry. */
const TAG = /^[^@]+:(?!latest$)\w[\w.-]{0,127}$/;

export const imagePinned: Rule = manifests =>
  podTemplates(manifests).flatMap(({ of, containers }) =>
    containers
      .map(({ image = '' }) => image)
      .filter(image => !DIGEST.test(image) && !TAG.test(image))
      .map(image => `${nameOf(of)}: ${image || 'no image'} is another image tomorrow`),
  );
