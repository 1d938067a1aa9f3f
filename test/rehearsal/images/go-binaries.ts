import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory, cachedRoot, debianRoot, lock } from '../rootfs';

/** Programs of Go that take long to build, and of which nothing but the programs is kept. The whole recipe is the cache key. */
export interface GoRecipe {
  /** Of the directory in the cache, and in lines of progress. */
  readonly name: string;
  /** Shell that builds them, with what go.sh gives it: `module` fetches a pinned module, `build` makes a program of a package. */
  readonly build: string;
  /** Texts that it finds in /src, by path. @default none */
  readonly files?: { readonly [path: string]: string };
}

/**
 * The directory with the static programs of a recipe.
 *
 * The first call builds them, which may take many minutes: no test should wait for it. One recipe is built at a time on a machine, whoever asks;
 * the others wait for as long as it takes. Modules and Go's build cache are thrown away with the layer over Debian that they were written to;
 * one that is killed leaves them to the next.
 *
 * @throws Error when a module is not what was pinned, or does not build: with the end of what was said
 */
export async function goBinaries(recipe: GoRecipe): Promise<string> {
  // What a comment says builds nothing anew.
  const build = `${readFileSync(join(__dirname, 'go.sh'), 'utf8')}${BUILD}${recipe.build}`.replace(/^#.*\n/gm, '');
  return cachedRoot(recipe.name, { ...recipe, build, inside: INSIDE }, async root => {
    const unlock = await lock(join(cacheDirectory(), 'go-builder.lock'));
    const layer = `${root}.layer`;
    try {
      const debian = await debianRoot({ suite: 'trixie', packages: ['ca-certificates', 'golang-go'] });
      keepOnly(layer, ['upper/tmp/go', 'upper/tmp/go-build']);
      for (const part of ['upper/src', 'upper/opt/programs', 'work', 'root']) mkdirSync(join(layer, part), { recursive: true });
      for (const [path, text] of Object.entries(recipe.files ?? {})) {
        mkdirSync(join(layer, 'upper/src', path, '..'), { recursive: true });
        writeFileSync(join(layer, 'upper/src', path), text);
      }
      await runBuild(recipe.name, [...NAMESPACES, 'sh', '-euc', INSIDE, 'sh', debian, layer, build]);
      cpSync(join(layer, 'upper/opt/programs'), root, { recursive: true });
    } finally {
      rmSync(layer, { recursive: true, force: true });
      unlock();
    }
  });
}

/**
 * Empties a directory but for some below it. A build that was killed goes on where it was: what Go has fetched and compiled, it knows by content.
 */
function keepOnly(directory: string, kept: string[]): void {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory)) {
    if (kept.includes(entry)) continue;
    const below = kept.filter(path => path.startsWith(`${entry}/`)).map(path => path.slice(entry.length + 1));
    if (below.length > 0) keepOnly(join(directory, entry), below);
    else rmSync(join(directory, entry), { recursive: true, force: true });
  }
}

/** Beside what go.sh gives: a program of the module of this directory, with a line of progress. */
const BUILD = `
build() { # PROGRAM ARGUMENTS OF go build...
  program=$1
  shift
  echo "building $program"
  go build -o "/opt/programs/$program" "$@"
}
`;

/** The authorities that this machine trusts: a proxy may be among them. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

/** Nothing that a build starts outlives it. */
const NAMESPACES = ['unshare', '--mount', '--pid', '--fork', '--kill-child'];

/** Debian with a layer over it, and the machine's resolver, in a mount namespace that ends with the build. */
const INSIDE = `
mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" overlay "$2/root"
mount -t proc proc "$2/root/proc"
mount -t tmpfs tmpfs "$2/root/mnt"
for file in /etc/resolv.conf /etc/hosts; do [ ! -e "$file" ] || cp "$file" "$2/root$file"; done
[ ! -e ${AUTHORITIES} ] || cp ${AUTHORITIES} "$2/root/mnt/authorities.pem"
exec chroot "$2/root" sh -euc "$3"
`;

/** Runs a build at the lowest priority. Its output is progress, a line at a time; when it fails, the end of it is the message. */
function runBuild(name: string, argv: string[]): Promise<void> {
  const kept = ['http_proxy', 'https_proxy', 'GOPROXY', 'GOFLAGS', 'GONOSUMDB'].filter(variable => process.env[variable]);
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    ...(existsSync(AUTHORITIES) ? { SSL_CERT_FILE: '/mnt/authorities.pem' } : {}),
    ...Object.fromEntries(kept.map(variable => [variable, process.env[variable]])),
  };
  return new Promise((resolve, reject) => {
    const child = spawn('nice', ['-n', '19', ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer) => {
      output = (output + chunk).slice(-20_000);
    };
    child.stderr.on('data', collect);
    child.stdout.on('data', chunk => {
      collect(chunk);
      for (const line of String(chunk).split('\n').filter(Boolean)) process.stderr.write(`[${name}] ${line}\n`);
    });
    child.on('error', reject);
    child.on('close', code => (code === 0 ? resolve() : reject(new Error(`building ${name} ended with ${code}:\n${output}`))));
  });
}
