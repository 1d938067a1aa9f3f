import { nameOf, type Rule } from '../manifest';
import { repeated } from './repeated';

/** When they are applied, the last one replaces the others. */
export const objectUnique: Rule = manifests =>
  repeated(manifests.map(manifest => `${nameOf(manifest)} of ${manifest.apiVersion}`)).map(object => `${object}: is there twice`);
