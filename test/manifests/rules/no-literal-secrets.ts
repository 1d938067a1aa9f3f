import { nameOf, podTemplates, type Rule } from '../manifest';

const SECRET = /PASSWORD|PASSPHRASE|SECRET|TOKEN|KEY/;
const PLACE_OF_SECRET = /_(FILE|PATH)$/;
const USER_AND_PASSWORD = /:\/\/[^/@]*:[^/@]*@/;

export const noLiteralSecrets: Rule = manifests =>
  podTemplates(manifests).flatMap(({ of, containers }) =>
    containers.flatMap(({ name: container, env = [] }) =>
      env
        .filter(({ name, value = '' }) => value && ((SECRET.test(name) && !PLACE_OF_SECRET.test(name)) || USER_AND_PASSWORD.test(value)))
        .map(({ name }) => `${nameOf(of)}: ${container} has the value of ${name} in plain text`),
    ),
  );
