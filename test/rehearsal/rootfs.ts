import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Root file systems of images, made on this machine and kept.
 *
 * A rehearsal is worth as much as the gap between its root file systems and the ones an image really ships: a tool that is there by luck hides
 * the fault "the image has no such command". So every root is built from a list of packages, and holds nothing of the machine that built it.
 */

/** Part of every cache key: raise it when this file builds differently from the same recipe. */
const FORMAT = 4;

const DEFAULT_MIRROR = 'http://deb.debian.org/debian';

/** What a Debian root is made of. The whole recipe is the cache key. */
export interface DebianRecipe {
  readonly suite: 'bookworm' | 'trixie' | 'sid';
  /** Installed without their recommended packages, as images do. */
  readonly packages: string[];
  /** Files and directories of this machine, such as parts of other roots, by the path that they get in this one. @default none */
  readonly copies?: Record<string, string>;
  /** Shell run as root inside, before the packages are installed (users with fixed ids, settings that packages read). @default none */
  readonly before?: string;
  /** Shell run as root inside, after the packages are installed. @default none */
  readonly after?: string;
}

/** A minimal Debian with the given packages; the path of its root. The first call takes a minute at most, later ones nothing. */
export async function debianRoot(recipe: DebianRecipe): Promise<string> {
  return cachedRoot(`debian-${recipe.suite}`, recipe, async root => {
    // All roots of a suite begin as copies of one: debootstrap takes longer than the packages that are added.
    const minimal = await minimalRoot(recipe.suite);
    await run('cp', ['--archive', '--no-target-directory', minimal, root]);
    for (const [target, source] of Object.entries(recipe.copies ?? {})) {
      mkdirSync(dirname(join(root, target)), { recursive: true });
      await run('cp', ['--archive', '--no-target-directory', source, join(root, target)]);
    }
    await addPackages(root, recipe);
  });
}

/** What debootstrap makes of a suite, with the list of its packages. */
function minimalRoot(suite: string): Promise<string> {
  return cachedRoot(`minimal-${suite}`, {}, async root => {
    await run('debootstrap', ['--variant=minbase', suite, root, debianMirror()]);
    // As the official images of Debian have it: a root that is half written is thrown away, so that nothing of it has to be on the disk.
    writeFileSync(join(root, 'etc/dpkg/dpkg.cfg.d/unsafe-io'), 'force-unsafe-io\n');
    if (suite === 'sid') writeFileSync(join(root, 'etc/apt/apt.conf.d/90stale-mirror'), STALE_MIRROR);
    await runInside(root, ['sh', '-euc', 'apt-get -q update']);
  });
}

/** Packages of npm, each by name and version, with what they need as it was on the day `before`: registries only grow. */
export interface NpmRecipe {
  readonly packages: string[];
  readonly before: string;
}

/** A directory with the packages' `node_modules`. Their install scripts are not run. */
export async function npmPackages(name: string, recipe: NpmRecipe): Promise<string> {
  return cachedRoot(name, recipe, async root => {
    writeFileSync(join(root, 'package.json'), '{ "private": true }');
    const options = ['--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', `--before=${recipe.before}`];
    await run('npm', ['install', '--prefix', root, ...options, ...recipe.packages]);
  });
}

/** Files taken out of a built Debian root, plus links: for images that are nearly empty. Missing source files are an error. */
export interface CarvedRecipe {
  readonly from: DebianRecipe;
  /** Path in the Debian root to path in the new root. */
  readonly files: Record<string, string>;
  /** Files of this machine, such as programs that were built on it, by the path that they get. @default none */
  readonly copies?: Record<string, string>;
  /** Programs to take along with the shared libraries they need, at the same paths. @default none */
  readonly programs?: string[];
  /** Applets of busybox to link beside it; every one that this busybox has when `all`. @default none */
  readonly busyboxApplets?: 'all' | string[];
  /** Small text files to write: `/etc/passwd` and the like. @default none */
  readonly texts?: Record<string, string>;
}

/** A root that holds only the named files of a Debian root. */
export async function carvedRoot(name: string, recipe: CarvedRecipe): Promise<string> {
  return cachedRoot(name, recipe, async root => {
    const from = await debianRoot(recipe.from);
    for (const [source, target] of Object.entries(recipe.files)) copyInto(join(from, source), root, target);
    for (const [target, source] of Object.entries(recipe.copies ?? {})) copyInto(source, root, target);
    for (const program of recipe.programs ?? []) {
      for (const path of [program, ...sharedLibraries(from, program)]) copyInto(join(from, path), root, path);
    }
    writeSkeleton(root, recipe.texts ?? {});
    if (recipe.busyboxApplets) linkApplets(root, recipe.busyboxApplets);
  });
}

/** The smallest root there is: this machine's static busybox and its applets. Undefined when the machine has none. Not cached: it takes milliseconds. */
export function busyboxRoot(root: string, texts: Record<string, string> = {}): string | undefined {
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find(path => existsSync(path));
  if (!busybox || spawnSync('ldd', [busybox]).status === 0) return undefined; // ldd succeeds only on a dynamic binary
  copyInto(busybox, root, '/bin/busybox');
  writeSkeleton(root, texts);
  linkApplets(root, 'all');
  return root;
}

/** Where roots are kept between runs. */
export function cacheDirectory(): string {
  return process.env.REHEARSAL_CACHE ?? '/var/cache/cdk8s-backup-rehearsal';
}

/**
 * Builds under a temporary name and renames when whole, so that an interrupted build is never taken for a root.
 * A lock per root lets two test runs start at once: one builds, the other waits.
 */
export async function cachedRoot(name: string, recipe: object, build: (root: string) => Promise<void>): Promise<string> {
  const key = createHash('sha256')
    .update(JSON.stringify({ FORMAT, recipe, script: SETUP }))
    .digest('hex')
    .slice(0, 12);
  const root = join(cacheDirectory(), `${name}-${key}`);
  if (existsSync(root)) return root;
  mkdirSync(cacheDirectory(), { recursive: true, mode: 0o755 });
  const unlock = await lock(`${root}.lock`);
  try {
    if (existsSync(root)) return root;
    const building = `${root}.building`;
    rmSync(building, { recursive: true, force: true });
    mkdirSync(building, { mode: 0o755 });
    await build(building);
    chmodSync(building, 0o755);
    renameSync(building, root);
    return root;
  } finally {
    unlock();
  }
}

/** An exclusive flock(2) held by a child that ends with its standard input, so a crash of this process releases it. */
export function lock(path: string): Promise<() => void> {
  const holder = spawn('flock', ['--exclusive', path, '-c', 'echo held; cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    holder.on('error', reject);
    holder.on('exit', code => reject(new Error(`flock on ${path} ended with ${code}`)));
    holder.stdout.once('data', () => resolve(() => holder.stdin.end()));
  });
}

/**
 * The package step, run inside the new root.
 *
 * `policy-rc.d` keeps packages from starting servers, `createcluster.conf` keeps PostgreSQL from making a cluster: an image has neither
 * running servers nor data. Package lists and archives go, as in an image; so do the machine's resolver and name, which debootstrap copies in.
 */
const SETUP = `
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
sh -euc "$BEFORE"
# shellcheck disable=SC2086
install_packages() { apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confold install $PACKAGES; }
# The mirror may hold newer ones than the list knows.
[ -z "$PACKAGES" ] || install_packages || { apt-get -q update && install_packages; }
sh -euc "$AFTER"
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/* /tmp/* /etc/resolv.conf /etc/hostname
mkdir -p /var/log
`;

/** Release files of the rolling suite are valid for a week; a mirror that is frozen at some day is good enough to build images from. */
const STALE_MIRROR = 'Acquire::Check-Valid-Until "false";\n';

/** The authorities that this machine trusts: a proxy may be among them. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

function addPackages(root: string, recipe: DebianRecipe): Promise<void> {
  const environment = [`BEFORE=${recipe.before ?? ':'}`, `AFTER=${recipe.after ?? ':'}`, `PACKAGES=${recipe.packages.join(' ')}`];
  return runInside(root, [...environment, 'sh', '-euc', SETUP]);
}

/** Runs a command in a root, with packages within reach. @param words variables, and the command */
async function runInside(root: string, words: string[]): Promise<void> {
  const environment = [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'DEBIAN_FRONTEND=noninteractive',
    'LC_ALL=C',
    // Where packages come from on this machine, and whom it trusts there.
    ...(existsSync(AUTHORITIES) ? ['SSL_CERT_FILE=/mnt/authorities.pem'] : []),
    ...['http_proxy', 'https_proxy'].filter(name => process.env[name]).map(name => `${name}=${process.env[name]}`),
  ];
  // Own mount and PID namespaces: /proc is there for package scripts and gone afterwards, and no process of theirs outlives the build.
  const inside = [
    'mount -t proc proc "$1/proc"',
    `if [ -e ${AUTHORITIES} ]; then mount -t tmpfs tmpfs "$1/mnt" && cp ${AUTHORITIES} "$1/mnt/authorities.pem"; fi`,
    'root=$1 && shift && exec chroot "$root" env -i "$@"',
  ].join('\n');
  await run('unshare', ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-euc', inside, 'sh', root, ...environment, ...words]);
}

/** The Debian mirror this machine installs from: reachable where the machine is, and fast. */
function debianMirror(): string {
  const directory = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...(existsSync(directory) ? readdirSync(directory).map(name => join(directory, name)) : [])];
  const lines = files.filter(file => existsSync(file)).flatMap(file => readFileSync(file, 'utf8').split('\n'));
  return findMirror(lines) ?? DEFAULT_MIRROR;
}

/** The first http(s) address ending in `/debian` in a live line of one-line (`deb ...`) or deb822 (`URIs: ...`) sources. */
export function findMirror(lines: string[]): string | undefined {
  const words = lines.filter(line => /^(deb |URIs:)/.test(line)).flatMap(line => line.split(/\s+/));
  return words.find(word => /^https?:\/\/\S+\/debian\/?$/.test(word))?.replace(/\/$/, '');
}

/** Directories every container runtime expects, and the given files. */
function writeSkeleton(root: string, texts: Record<string, string>): void {
  for (const directory of ['bin', 'dev', 'etc', 'proc', 'sys', 'root', 'run', 'usr/bin', 'var'])
    mkdirSync(join(root, directory), { recursive: true });
  mkdirSync(join(root, 'tmp'), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

function linkApplets(root: string, wanted: 'all' | string[]): void {
  const listed = spawnSync(join(root, 'bin/busybox'), ['--list'], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
  for (const applet of wanted === 'all' ? listed : wanted) {
    if (!listed.includes(applet)) throw new Error(`busybox has no applet ${applet}`);
    if (!existsSync(join(root, 'bin', applet))) symlinkSync('busybox', join(root, 'bin', applet));
  }
}

/** The libraries and the loader a program of a Debian root asks for; none when it is static. */
function sharedLibraries(root: string, program: string): string[] {
  const { stdout } = spawnSync('chroot', [root, 'ldd', program], { encoding: 'utf8' });
  return stdout.split(/\s+/).filter(word => word.startsWith('/'));
}

function copyInto(source: string, root: string, target: string): void {
  mkdirSync(dirname(join(root, target)), { recursive: true });
  copyFileSync(source, join(root, target));
}

/** Runs a command to its end; its output is shown only when it fails. */
function run(command: string, arguments_: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, arguments_, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer) => {
      output = (output + chunk).slice(-20_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    child.on('close', code => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}:\n${output}`))));
  });
}
