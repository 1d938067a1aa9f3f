import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
 * the others wait for as long as it takes. What Go has fetched and compiled it knows by content: the next recipe finds what the two have in
 * common, and one that was killed goes on where it was, until `forgetBuilds`.
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
      const debian = await debianRoot({ suite: 'trixie', packages: ['ca-certificates', 'golang-go', 'unzip'] });
      rmSync(layer, { recursive: true, force: true });
      for (const part of CACHES) mkdirSync(join(goCache(), part), { recursive: true });
      for (const part of ['upper/src', 'upper/opt/programs', 'work', 'root']) mkdirSync(join(layer, part), { recursive: true });
      for (const [path, text] of Object.entries(recipe.files ?? {})) {
        mkdirSync(join(layer, 'upper/src', path, '..'), { recursive: true });
        writeFileSync(join(layer, 'upper/src', path), text);
      }
      await runBuild(recipe.name, [...NAMESPACES, 'sh', '-euc', INSIDE, 'sh', debian, layer, goCache(), build]);
      cpSync(join(layer, 'upper/opt/programs'), root, { recursive: true });
    } finally {
      rmSync(layer, { recursive: true, force: true });
      unlock();
    }
  });
}

/** What go.sh calls GOPATH and GOCACHE. */
const CACHES = ['go', 'go-build'];

/** Some gigabytes, which the programs of all recipes take to build. */
const goCache = () => join(cacheDirectory(), 'go-cache');

/** Throws away what builds have left for one another: nothing that is built needs it. */
export async function forgetBuilds(): Promise<void> {
  if (!existsSync(goCache())) return;
  const unlock = await lock(join(cacheDirectory(), 'go-builder.lock'));
  rmSync(goCache(), { recursive: true });
  unlock();
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
for cache in ${CACHES.join(' ')}; do mkdir -p "$2/root/tmp/$cache" && mount --bind "$3/$cache" "$2/root/tmp/$cache"; done
for file in /etc/resolv.conf /etc/hosts; do [ ! -e "$file" ] || cp "$file" "$2/root$file"; done
[ ! -e ${AUTHORITIES} ] || cp ${AUTHORITIES} "$2/root/mnt/authorities.pem"
exec chroot "$2/root" sh -euc "$4"
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
