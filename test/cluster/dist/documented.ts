import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A command that somebody may paste, and where it is written. */
export interface Documented {
  readonly command: string;
  readonly where: string;
}

/** What begins a command; of prose in backticks only what has words after it. */
const PROGRAMS = /^(?:until |for |POINT=)?(?:kubectl|npx cdk8s-backup|restic|sha256sum|zstd|age|etcdctl|ls) \S/;

/** Every command of README.md, of docs/, and of docstrings, that somebody would type who looks after backups; each once. */
export function documentedCommands(): Documented[] {
  const texts = [
    'README.md',
    ...readdirSync('docs')
      .filter(file => file.endsWith('.md'))
      .map(file => join('docs', file)),
    ...readdirSync('lib', { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.ts') && path !== 'core/declarations.ts')
      .sort()
      .map(path => join('lib', path)),
  ];
  const all = texts.flatMap(where => commandsOf(textOf(where)).map(command => ({ command, where })));
  return all.filter(({ command }, index) => all.findIndex(other => other.command === command) === index);
}

/** Of a source file the docstrings alone. */
function textOf(path: string): string {
  const text = readFileSync(path, 'utf8');
  if (!path.endsWith('.ts')) return text;
  const docstrings = text.match(/\/\*\*.*?\*\//gs) ?? [];
  return docstrings.map(docstring => docstring.replace(/^\s*(\/\*\*|\*\/|\*) ?/gm, '')).join('\n\n');
}

function commandsOf(text: string): string[] {
  const commands: string[] = [];
  const prose = text.replace(/^( *)```(\w*)\n(.*?)^ *```/gms, (_, _indent, language: string, block: string) => {
    if (language === 'sh') commands.push(...block.replace(/\\\n\s*|\|\n\s*/g, line => (line.startsWith('|') ? '| ' : '')).split('\n'));
    return '';
  });
  commands.push(...[...prose.replace(/\n\s*/g, ' ').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));
  return commands.map(command => command.replace(/\s+# .*$/, '').trim()).filter(command => PROGRAMS.test(command));
}
