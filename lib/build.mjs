// Builds the library that others install: JavaScript and types by the compiler, and beside them the scripts that pods run.
// usage: build.mjs [FOLDER], which is build/ where nothing is said
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, statSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';

const SCRIPTS = ['.sh', '.awk', '.sql', '.js', '.escript'];

const [, , folder = 'build'] = process.argv;
rmSync(folder, { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'lib', '--outDir', resolve(folder)], { stdio: 'inherit' });
cpSync('lib', join(folder, 'lib'), { recursive: true, filter: path => statSync(path).isDirectory() || SCRIPTS.includes(extname(path)) });
