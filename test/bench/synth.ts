import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';
import { type Measured, measure } from './measure';
import { logLogPlot } from './plot';
import { machine, textTable } from './report';
import { type Json, templatesOf, writeJsonnet, writeKustomize } from './synth/templates';

// `npm run bench:synth`: what synthesis costs for fleets of 1 to 5,000 databases: ours, stock cdk8s on the same constructs, the floor
// below both, and tools that need no constructs. All ways take turns, in one run, and each has its median. And what a synthesis of the
// example platform costs from the command line. It fails when ours does not grow linearly, or when ways disagree about the objects.

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const FLEETS = [1, 100, 1000, 5000];
/** From 1,000 to 5,000 databases: five times the work, and a tenth for what a larger heap costs. */
const LINEAR = 5.5;
const RESULTS = 'test/bench/results';
const FLEET = 'test/bench/synth/fleet.cjs';

interface Way {
  readonly name: string;
  /** The smallest fleet that it is tried on. */
  readonly from?: number;
  /** The largest one: what is quadratic would take an hour for the next. */
  readonly upTo: number;
  readonly command: (databases: number, out: string) => string[];
  /** It writes to stdout, and not to the directory. */
  readonly prints?: boolean;
}

interface Row extends Measured {
  readonly way: string;
  readonly databases: number;
}

const work = mkdtempSync(join(tmpdir(), 'bench-synth-'));

const node = (way: string) => (databases: number, out: string) => [process.execPath, FLEET, way, String(databases), out];
const WAYS: Way[] = [
  { name: 'ours', upTo: 5000, command: node('ours') },
  {
    name: 'ours, heap of 384 MiB',
    from: 5000,
    upTo: 5000,
    command: (databases, out) => [process.execPath, '--max-old-space-size=384', FLEET, 'ours', String(databases), out],
  },
  { name: 'stock cdk8s', upTo: 1000, command: node('stock') },
  { name: 'floor', upTo: 5000, command: node('floor') },
  ...(installed('kubectl', 'version', '--client')
    ? [
        {
          name: 'kubectl kustomize',
          upTo: 100,
          command: (databases: number) => ['kubectl', 'kustomize', inputOf('kustomize', databases)],
          prints: true,
        },
      ]
    : []),
  ...(installed('jsonnet', '--version')
    ? [
        {
          name: 'jsonnet',
          upTo: 1000,
          command: (databases: number, out: string) => ['jsonnet', '--multi', out, join(inputOf('jsonnet', databases), 'fleet.jsonnet')],
        },
      ]
    : []),
];

async function main(): Promise<void> {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  try {
    const rows: Row[] = [];
    for (const databases of FLEETS) rows.push(...(await fleet(databases)));
    const start = await commandLine();
    const sizes = FLEETS.map(databases => [databases, bytesBelow(outputOf('ours', databases)) / databases / 1024] as const);
    const report = [
      `${machine()}, Node ${process.version}; medians of ${ROUNDS} rounds. Each database: backup, verification, restore, network policies; a chart, and so a file.\n`,
      fleetTable(rows),
      `YAML a database: ${sizes.map(([databases, kibibytes]) => `${kibibytes.toFixed(1)} KiB of ${databases}`).join(', ')}\n`,
      textTable(
        ['the example platform', 'wall s', 'CPU s', 'memory MiB', 'wall, of the template'],
        start.map(({ way, ...each }) => [way, ...figures(each), (each.seconds / (start[0]?.seconds ?? 1)).toFixed(2)]),
      ),
      ...aims(rows, start, sizes.at(-1)?.[1] ?? Number.NaN),
    ].join('\n');
    process.stdout.write(report);
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(join(RESULTS, 'synth.txt'), report);
    writeFileSync(join(RESULTS, 'synth.svg'), plot(rows));
    if (cpu(rows, 'ours', 5000) / cpu(rows, 'ours', 1000) > LINEAR) throw new Error('synthesis does not grow linearly');
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function fleet(databases: number): Promise<Row[]> {
  const ways = WAYS.filter(({ from = 1, upTo }) => from <= databases && databases <= upTo);
  const taken = new Map<string, Measured[]>(ways.map(({ name }) => [name, []]));
  prepareOthers(databases);
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of ways) taken.get(way.name)?.push(await runOf(way, databases, outputOf(way.name, databases)));
    if (round === 0) compare(databases);
  }
  return ways.map(({ name }) => ({ way: name, databases, ...median(taken.get(name) ?? []) }));
}

/** What the first line of `main.ts` waits for: cdk8s's TypeScript template, and what cdk8s.yaml says here. */
async function commandLine(): Promise<(Measured & { way: string })[]> {
  const ways: Way[] = [
    { name: 'npx ts-node main.ts', upTo: 1, command: () => ['npx', 'ts-node', 'main.ts'] },
    { name: 'cdk8s synth', upTo: 1, command: (_, out) => ['node_modules/.bin/cdk8s', 'synth', '--check-upgrade=false', '--output', out] },
    { name: 'node --import tsx main.ts', upTo: 1, command: () => [process.execPath, '--import', 'tsx', 'main.ts'] },
  ];
  const taken = ways.map((): Measured[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, way] of ways.entries()) taken[i]?.push(await runOf(way, 1, join(work, 'platform')));
  }
  return ways.map(({ name }, i) => ({ way: name, ...median(taken[i] ?? []) }));
}

function runOf({ command, prints }: Way, databases: number, out: string): Promise<Measured> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const [program = '', ...argv] = command(databases, out);
  return measure(async () => {
    const output = prints ? openSync(join(out, 'all.yaml'), 'w') : ('ignore' as const);
    // cdk8s tells an app by it where to write.
    const child = spawn(program, argv, { stdio: ['ignore', output, 'pipe'], env: { ...process.env, CDK8S_OUTDIR: out } });
    let said = '';
    child.stderr?.on('data', words => {
      said += words;
    });
    const code = await new Promise(resolve => child.on('close', resolve));
    if (typeof output === 'number') closeSync(output);
    if (code !== 0) throw new Error(`${program} ${argv.join(' ')} ended with ${code}: ${said}`);
  });
}

/** The other tools get the same objects, as a template and what fills it for each database. */
function prepareOthers(databases: number): void {
  if (databases > 1000) return;
  const floor = join(work, 'objects');
  rmSync(floor, { recursive: true, force: true });
  execFileSync(process.execPath, [FLEET, 'floor', String(databases), floor]);
  const isShared = (object: Json) => isNamed(object) && object.metadata.name.startsWith('backup-');
  const charts = Array.from({ length: databases }, (_, i) => JSON.parse(readFileSync(join(floor, `database-${i}.json`), 'utf8')) as Json[]);
  const templates = templatesOf(
    charts.map(objects => objects.filter(object => !isShared(object))),
    charts.flatMap(objects => objects.filter(isShared)),
  );
  for (const [tool, write] of [
    ['kustomize', writeKustomize],
    ['jsonnet', writeJsonnet],
  ] as const) {
    mkdirSync(inputOf(tool, databases), { recursive: true });
    write(templates, inputOf(tool, databases));
  }
}

/** All ways that took part have given the same objects, and cdk8s the same bytes. */
function compare(databases: number): void {
  if (databases <= 1000)
    execFileSync('diff', ['--recursive', '--exclude=PREREQUISITES.md', outputOf('ours', databases), outputOf('stock cdk8s', databases)]);
  // To read YAML takes longer than to write it: more of the same would be no other proof.
  if (databases > 100) return;
  const objects = (way: string): Json[] =>
    readdirSync(outputOf(way, databases), { recursive: true, encoding: 'utf8' })
      .filter(file => file !== 'PREREQUISITES.md')
      .map(file => readFileSync(join(outputOf(way, databases), file), 'utf8'))
      .flatMap(text => (text.startsWith('[') ? (parse(text) as Json[]) : parseAllDocuments(text).map(document => document.toJS() as Json)))
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const expected = objects('ours');
  for (const { name, from = 1 } of WAYS) {
    if (from <= databases && !isDeepStrictEqual(objects(name), expected))
      throw new Error(`${name} does not give the same objects for ${databases} databases`);
  }
}

function isNamed(object: Json): object is { kind: string; metadata: { name: string; namespace: string } } {
  return typeof object === 'object' && object !== null && 'metadata' in object;
}

function keyOf(object: Json): string {
  return isNamed(object) ? `${object.kind} ${object.metadata.namespace} ${object.metadata.name}` : '';
}

function median(runs: Measured[]): Measured {
  const middle = (value: (run: Measured) => number) =>
    runs.map(value).sort((a, b) => a - b)[Math.floor((runs.length - 1) / 2)] ?? Number.NaN;
  return {
    seconds: middle(run => run.seconds),
    cpuSeconds: middle(run => run.cpuSeconds),
    peakMemory: Math.max(...runs.map(run => run.peakMemory)),
    peakScratch: 0,
  };
}

function cpu(rows: Row[], way: string, databases: number): number {
  return rows.find(row => row.way === way && row.databases === databases)?.cpuSeconds ?? Number.NaN;
}

function figures({ seconds, cpuSeconds, peakMemory }: Measured): string[] {
  return [seconds.toFixed(2), cpuSeconds.toFixed(2), (peakMemory / 2 ** 20).toFixed(0)];
}

function fleetTable(rows: Row[]): string {
  const ofFloor = (row: Row) => (row.cpuSeconds / cpu(rows, 'floor', row.databases)).toFixed(2);
  return textTable(
    ['way', 'databases', 'wall s', 'CPU s', 'memory MiB', 'CPU, of the floor'],
    rows.map(row => [row.way, row.databases.toLocaleString('en'), ...figures(row), ofFloor(row)]),
  );
}

function aims(rows: Row[], start: (Measured & { way: string })[], kibibytes: number): string[] {
  const [template, ours] = start;
  const memory = (way: string) => (rows.find(row => row.way === way && row.databases === 5000)?.peakMemory ?? Number.NaN) / 2 ** 20;
  const aim = (what: string, value: number, limit: number) =>
    `${value <= limit ? 'met   ' : 'MISSED'} ${what}: ${value.toFixed(2)}, aim ${limit}\n`;
  return [
    aim('CPU of 1,000 databases, of stock cdk8s', cpu(rows, 'ours', 1000) / cpu(rows, 'stock cdk8s', 1000), 0.35),
    aim('CPU of 1,000 databases, of the floor', cpu(rows, 'ours', 1000) / cpu(rows, 'floor', 1000), 2),
    aim('CPU from 1,000 to 5,000 databases', cpu(rows, 'ours', 5000) / cpu(rows, 'ours', 1000), LINEAR),
    aim('wall time of cdk8s synth, of npx ts-node main.ts', (ours?.seconds ?? Number.NaN) / (template?.seconds ?? Number.NaN), 0.4),
    aim('MiB for 5,000 databases', memory('ours'), 500),
    aim('MiB for 5,000 databases, heap of 384 MiB', memory('ours, heap of 384 MiB'), 500),
    aim('KiB of YAML a database', kibibytes, 12),
  ];
}

function plot(rows: Row[]): string {
  const lines = WAYS.filter(({ from }) => from === undefined).map(({ name }) => ({
    name,
    points: rows.filter(row => row.way === name).map(row => ({ x: row.databases, y: row.cpuSeconds })),
  }));
  return logLogPlot('Synthesis of a fleet', 'databases', 'CPU seconds of all processes', lines);
}

function outputOf(way: string, databases: number): string {
  return join(work, way.replace(/ /g, '-'), String(databases));
}

function inputOf(tool: string, databases: number): string {
  return join(work, `${tool}-input`, String(databases));
}

function bytesBelow(folder: string): number {
  return readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
}

function installed(program: string, ...argv: string[]): boolean {
  try {
    execFileSync(program, argv, { stdio: 'ignore' });
    return true;
  } catch {
    process.stderr.write(`${program} is not installed: the table is without it\n`);
    return false;
  }
}

main().catch(error => {
  console.error(error);
  process.exitCode = 1;
});
