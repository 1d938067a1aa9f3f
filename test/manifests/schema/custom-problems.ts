import type { Manifest } from '../manifest';
import { CustomJudge } from './custom';
import { importedKinds } from './imports';

/** Of custom resources: what their generated types know. The end-to-end tests ask the CRDs themselves. */
export const customJudge = new CustomJudge(importedKinds());

/** What is wrong with an object, if it is a custom resource. */
export function problems(manifest: Manifest): string[] {
  return customJudge.isAbout(manifest) ? customJudge.problems(manifest) : [];
}
