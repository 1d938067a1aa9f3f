import { nameOf, podTemplates, type Rule } from '../manifest';
import { repeated } from './repeated';

/** The last one counts, and nothing warns of the others. */
export const envUnique: Rule = manifests =>
  podTemplates(manifests).flatMap(({ of, containers }) =>
    containers.flatMap(({ name: container, env = [] }) =>
      repeated(env.map(({ name }) => name)).map(name => `${nameOf(of)}: ${container} has ${name} twice`),
    ),
  );
