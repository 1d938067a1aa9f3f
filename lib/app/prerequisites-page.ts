import type { Prerequisite, PrerequisiteKey, PrerequisiteRole } from './prerequisite';
import { isClusterWide } from './references';

const HEAD = `# Before the first night

What the manifests beside this page refer to, and do not make. Synthesis writes it anew; deploy tools read \`.yaml\`, and pass it over.
Make what is not there yet, by hand or by the operator that you have for Secrets: words in angle brackets are yours to put in, and
belong in no Git. Requests, by which somebody starts a restore, are not among it: they are made on the day.
`;

/**
 * What has to exist, as Markdown: a paragraph for each object, so that a change of one object is one change in a diff.
 *
 * @param objects sorted by namespace, kind and name
 * @internal
 */
export function pageOf(objects: Prerequisite[], roles: PrerequisiteRole[]): string {
  if (objects.length === 0 && roles.length === 0) return '';
  const ofCluster = objects.filter(({ kind }) => isClusterWide(kind) && kind !== 'Namespace');
  const sections = new Map<string, Section>();
  const sectionOf = (namespace = '') => {
    const section = sections.get(namespace) ?? { isMissing: false, objects: [], roles: [] };
    sections.set(namespace, section);
    return section;
  };
  for (const object of objects) {
    if (object.kind === 'Namespace') sectionOf(object.name).isMissing = true;
    else if (!isClusterWide(object.kind)) sectionOf(object.namespace).objects.push(object);
  }
  for (const role of roles) sectionOf(role.namespace).roles.push(role);
  const paragraphs = [
    HEAD.trimEnd(),
    ...(ofCluster.length > 0 ? ['## The cluster', ofCluster.map(lineOf).join('\n')] : []),
    ...[...sections.keys()]
      .sort()
      .flatMap(namespace => [
        namespace === '' ? '## The namespace that is applied to' : `## Namespace ${namespace}`,
        ...sectionParagraphs(namespace, sectionOf(namespace)),
      ]),
  ];
  return `${paragraphs.join('\n\n')}\n`;
}

/** What has to exist in one namespace. */
interface Section {
  /** The namespace itself has to be made. */
  isMissing: boolean;
  readonly objects: Prerequisite[];
  readonly roles: PrerequisiteRole[];
}

function sectionParagraphs(namespace: string, { isMissing, objects, roles }: Section): string[] {
  const secrets = objects.filter(({ kind }) => kind === 'Secret');
  const others = objects.filter(({ kind }) => kind !== 'Secret');
  const rolesOf = new Map<string, PrerequisiteRole[]>();
  for (const role of roles) rolesOf.set(role.secret, [...(rolesOf.get(role.secret) ?? []), role]);
  return [
    ...(isMissing ? [shell(`kubectl create namespace ${namespace}`)] : []),
    ...(others.length > 0 ? [others.map(lineOf).join('\n')] : []),
    ...secrets.flatMap(secretParagraphs),
    ...[...rolesOf].flatMap(([secret, its]) => [`### Role of Secret ${secret}`, ...its.flatMap(roleParagraphs)]),
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

/** The command that creates it, for somebody who has the values. Undefined if only a program knows which keys it reads. */
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
