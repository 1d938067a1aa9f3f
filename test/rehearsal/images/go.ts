import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebianRecipe } from '../rootfs';

/**
 * A Debian with Go in which programs were built into /opt/programs.
 *
 * @param build shell that builds them, with what go.sh gives it
 * @param sources texts that it finds in variables
 * @param packages beside Go
 */
export function goPrograms(build: string, sources: { [variable: string]: string }, packages: string[] = []): DebianRecipe {
  const variables = Object.entries(sources).map(([name, text]) => `${name}=$(cat <<'GO'\n${text}GO\n)\n`);
  return {
    suite: 'trixie',
    packages: ['ca-certificates', 'golang-go', ...packages],
    after: `${variables.join('')}${readFileSync(join(__dirname, 'go.sh'), 'utf8')}${build}`,
  };
}
