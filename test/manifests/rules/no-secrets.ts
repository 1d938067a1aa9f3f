import { nameOf, ofKind, type Rule } from '../manifest';

/** What is committed is no secret any more. */
export const noSecrets: Rule = manifests => ofKind(manifests, 'Secret').map(secret => `${nameOf(secret)}: a Secret must not be emitted`);
