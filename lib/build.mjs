// Builds the library that others install: JavaScript and types by the compiler, and beside them the scripts that pods run.
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, statSync } from 'node:fs';
import { extname } from 'node:path';

const SCRIPTS = ['.sh', '.awk', '.sql', '.js', '.escript'];

rmSync('build', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'lib'], { stdio: 'inherit' });
cpSync('lib', 'build/lib', { recursive: true, filter: path => statSync(path).isDirectory() || SCRIPTS.includes(extname(path)) });
