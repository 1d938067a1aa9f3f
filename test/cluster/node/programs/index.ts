import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GoRecipe, goBinaries } from '../../../rehearsal/images/go-binaries';

const text = (name: string) => readFileSync(join(__dirname, name), 'utf8');

const RECIPES: GoRecipe[] = [
  { name: 'kubernetes-1.34.3', build: text('kubernetes.sh'), files: { 'kubernetes.sum': text('kubernetes.sum') } },
  { name: 'coredns', build: text('coredns.sh'), files: { 'coredns.go': text('coredns.go') } },
  { name: 'kube-router', build: text('kube-router.sh') },
];

/** The directories, on this machine, with the programs that the node runs and Debian does not have. The first call takes many minutes. */
export async function nodePrograms(): Promise<string[]> {
  const directories: string[] = [];
  for (const recipe of RECIPES) directories.push(await goBinaries(recipe));
  return directories;
}
