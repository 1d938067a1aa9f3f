import { nameOf, type Rule } from '../manifest';

/** `kubectl apply` keeps the whole object in an annotation, and annotations end at 256 KiB; a ConfigMap itself could have 1 MiB. */
const LARGEST = 256 * 1024;

export const objectSize: Rule = manifests =>
  manifests
    .map(manifest => ({ manifest, bytes: Buffer.byteLength(JSON.stringify(manifest)) }))
    .filter(({ bytes }) => bytes >= LARGEST)
    .map(({ manifest, bytes }) => `${nameOf(manifest)}: has ${bytes} bytes, and kubectl apply can keep ${LARGEST}`);
