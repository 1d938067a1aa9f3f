import type { Prerequisite, PrerequisiteKey, PrerequisiteRole } from './prerequisite';
import { isClusterWide } from './references';

const HEAD = `# Before the first night

What the manifests beside this page refer to, and do not make. Synthesis writes it anew; deploy tools read \`.yaml\`, and pass it over.
Make what is not there yet, by hand or by the operator that you have for Secrets: words in angle brackets are yours to put in, and
belong in no Git. Requests, by which somebody starts a restore, are not among it: they are made on the day.
`;

/**
 * What has to be there, as Markdown: a paragraph for each object, so that a change is one in the diff, too.
 *
 * @param objects sorted by namespace, kind and name
 * @internal
 */
export function pageOf(objects: Prerequisite[], roles: PrerequisiteRole[]): string {
  if (objects.length === 0 && roles.length === 0) return '';
  const ofCluster = objects.filter(({ kind }) => isClusterWide(kind) && kind !== 'Namespace');
  const named = [...objects, ...roles].flatMap(({ namespace }) => namespace ?? []);
  const made = objects.filter(({ kind }) => kind === 'Namespace').map(({ name }) => name);
  const inNone = objects.some(({ kind, namespace }) => !isClusterWide(kind) && namespace === undefined) || roles.some(isInNone);
  const namespaces = [...(inNone ? [undefined] : []), ...[...new Set([...named, ...made])].sort()];
  const sections = [
    ...(ofCluster.length > 0 ? [['## The cluster', ofCluster.map(lineOf).join('\n')]] : []),
    ...namespaces.map(namespace => [
      namespace === undefined ? '## The namespace that is applied to' : `## Namespace ${namespace}`,
      ...(namespace !== undefined && made.includes(namespace) ? [shell(`kubectl create namespace ${namespace}`)] : []),
      ...ofNamespace(
        objects.filter(each => !isClusterWide(each.kind) && each.namespace === namespace),
        roles.filter(each => each.namespace === namespace),
      ),
    ]),
  ];
  return [HEAD.trimEnd(), ...sections.flat()].join('\n\n').concat('\n');
}

const isInNone = ({ namespace }: PrerequisiteRole) => namespace === undefined;

function ofNamespace(objects: Prerequisite[], roles: PrerequisiteRole[]): string[] {
  const secrets = objects.filter(({ kind }) => kind === 'Secret');
  const others = objects.filter(({ kind }) => kind !== 'Secret');
  return [
    ...(others.length > 0 ? [others.map(lineOf).join('\n')] : []),
    ...secrets.flatMap(secretParagraphs),
    ...[...new Set(roles.map(({ secret }) => secret))].flatMap(secret => [
      `### Role of Secret ${secret}`,
      ...roles.filter(role => role.secret === secret).flatMap(roleParagraphs),
    ]),
  ];
}

function roleParagraphs({ does, grants }: PrerequisiteRole): string[] {
  return [`${sentence(does)}:`, `\`\`\`\n${grants.join('\n')}\n\`\`\``];
}

const sentence = (words: string[]) => words.join('; ').replace(/^./, first => first.toUpperCase());

/** An object that has no paragraph of its own. */
function lineOf({ kind, name, keys, purposes, usedBy, isOptional }: Prerequisite): string {
  const words = [...purposes, `for ${together(usedBy)}`, ...(isOptional ? [OPTIONAL] : [])];
  return [`- ${kind} \`${name}\`: ${words.join('; ')}`, ...keys.map(key => `  ${keyLine(key)}`)].join('\n');
}

const OPTIONAL = 'optional: pods start without it';

function keyLine({ key, usedAs }: PrerequisiteKey): string {
  return `- \`${key}\`: ${usedAs.join('; ')}`;
}

/** `CronJob a, b, StatefulSet c` */
function together(objects: string[]): string {
  return objects
    .map((object, index) => {
      const kind = (of = '') => of.split(' ')[0];
      return kind(objects[index - 1]) === kind(object) ? object.slice(object.indexOf(' ') + 1) : object;
    })
    .join(', ');
}

function secretParagraphs(secret: Prerequisite): string[] {
  const { name, keys, purposes, usedBy, isOptional, pullsImages } = secret;
  const words = [...purposes, ...(pullsImages ? ['pulls images'] : []), ...(isOptional ? [OPTIONAL] : [])];
  const command = commandFor(secret);
  return [
    `### Secret ${name}`,
    ...(words.length > 0 ? [`${sentence(words)}.`] : []),
    keys.length > 0 ? keys.map(keyLine).join('\n') : `- for ${together(usedBy)}`,
    ...(command === undefined ? [] : [shell(command)]),
  ];
}

/** As somebody would type it who has the values; undefined where only a program knows which keys it reads. */
function commandFor({ name, namespace, keys, pullsImages }: Prerequisite): string | undefined {
  const kubectl = `kubectl${namespace === undefined ? '' : ` -n ${namespace}`} create secret`;
  if (pullsImages) {
    const words = ['server', 'username', 'password'].map(word => `--docker-${word}='<${word}>'`);
    return broken([`${kubectl} docker-registry ${name}`, ...words]);
  }
  if (keys.length === 0) return undefined;
  return broken([`${kubectl} generic ${name}`, ...keys.map(wordFor)]);
}

function wordFor({ key, isFile }: PrerequisiteKey): string {
  if (key === '*') return isFile ? `--from-file='<directory of its files>'` : `--from-env-file='<file of lines KEY=value>'`;
  return isFile ? `--from-file=${key}='<file>'` : `--from-literal=${key}='<${key}>'`;
}

const broken = (words: string[]) => words.join(' \\\n  ');

function shell(command: string): string {
  return `\`\`\`sh\n${command}\n\`\`\``;
}
