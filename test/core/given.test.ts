import { App, Chart, Duration, Size } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import * as databases from '../../lib';
import { CALLS, ENUMS, type Members, REMEDIES, STRUCTS } from '../../lib/core/declarations';
import * as velero from '../../lib/velero';
import * as volumes from '../../lib/volumes';
import { declarations } from '../support/declarations';
import { backup, files, restic } from '../support/synth';
import { server } from '../velero/workloads';

// What only a compiler keeps from being written is written here: each public constructor, factory and method gets each argument and
// each prop of a wrong type, and not at all. What fits its declaration may still be refused, in our words; nobody reads a TypeError.

const VALUES: unknown[] = [undefined, null, 7, 'seven', true, {}, []];

/** One that can stand, of everything that is a type of its own. */
const SAMPLES: { [type: string]: (of: Chart) => unknown } = {
  string: () => 'seven',
  number: () => 7,
  boolean: () => true,
  function: () => () => undefined,
  any: () => 'anything',
  object: () => ({}),
  Construct: of => server(of),
  IConstruct: of => server(of),
  Chart: of => of,
  Duration: () => Duration.minutes(30),
  Size: () => Size.gibibytes(1),
  AgeMonitor: () => api.AgeMonitor.of(objectives()),
  Alerts: () => api.Alerts.of(objectives()),
  Assertion: () => api.Assertion.atLeast('select 1', 1),
  BackupApp: () => new api.BackupApp(),
  BackupPlan: of => new api.BackupPlan(of, 'plan', { repository: files, retention: api.Retention.all() }),
  CaCertificates: () => api.CaCertificates.configMap('authority', 'ca.crt'),
  CsiDriver: () => api.CsiDriver.ebs(),
  DataVolume: () => api.DataVolume.claim('data-db-0'),
  DatabaseBackup: of => backup(of),
  DatabaseMirror: of => backup(of).addMirror(restic, { name: 'offsite', retention: api.Retention.all() }),
  Destination: () => api.Destination.outside({ port: 443 }),
  Encryption: () => api.Encryption.gpgSymmetric({ passphrase: key() }),
  EtcdCluster: () => api.EtcdCluster.statefulSet({ name: 'etcd', service: 'etcd', replicas: 3 }),
  EtcdTls: () => api.EtcdTls.files(),
  EtcdVersion: () => api.EtcdVersion.V3_5,
  IDatabaseBackup: of => backup(of),
  IBackupAddon: () => api.Verification.weekly(),
  IEngine: () => api.Engine.postgres({ version: api.PostgresVersion.V16 }),
  IQuiesce: () => quiesce(),
  IRepository: () => files,
  IVeleroBackup: of => new api.VeleroSchedule(of, 'nightly', { schedule: api.Schedule.daily() }),
  ImageCatalog: of => api.ImageCatalog.of(of),
  ImageReference: () => api.ImageReference.of('postgres:16'),
  KeyDrill: () => api.KeyDrill.onDemand({ key: key() }),
  LogArchive: () => api.LogArchive.every(Duration.minutes(5)),
  MariadbVersion: () => api.MariadbVersion.V10_11,
  Mirror: () => api.Mirror.to(restic, { name: 'offsite', retention: api.Retention.all() }),
  MongodbVersion: () => api.MongodbVersion.V7_0,
  MysqlTls: () => api.MysqlTls.encrypted(),
  MysqlVersion: () => api.MysqlVersion.V8_4,
  Notifier: () => api.Notifier.slack({ webhook: api.SecretRef.named('slack').key('url') }),
  Objectives: () => objectives(),
  ObjectLock: () => api.ObjectLock.governance({ days: 7 }),
  PodDefaults: of => api.PodDefaults.of(of),
  JobDefaults: of => api.JobDefaults.of(of),
  PostgresVersion: () => api.PostgresVersion.V16,
  Prune: () => api.Prune.weekly(),
  RabbitmqVersion: () => api.RabbitmqVersion.V4_0,
  RecoveryPoint: () => api.RecoveryPoint.newest(),
  RedisVersion: () => api.RedisVersion.V7_2,
  RepositoryCheck: () => api.RepositoryCheck.structure(),
  ResticCache: () => api.ResticCache.none(),
  ResticLocation: () => api.ResticLocation.local({ claimName: 'backups' }),
  Restore: () => api.Restore.onDemand(),
  Retention: () => api.Retention.all(),
  Schedule: () => api.Schedule.daily(),
  ScheduleConfig: of => api.Schedule.daily().bind(of, 'schedule'),
  Scratch: () => api.Scratch.emptyDir(Size.gibibytes(1)),
  ScriptFolder: () => api.ScriptFolder.of('scripts', { 'a.sh': ':\n' }),
  SecretKeyRef: () => key(),
  SecretRef: () => api.SecretRef.named('orders'),
  SnapshotMode: () => api.SnapshotMode.coordinated(),
  ValkeyVersion: () => api.ValkeyVersion.V8_0,
  VeleroHook: () => api.VeleroHook.command({ command: ['sync'] }),
  VeleroModifierRule: () => api.VeleroModifierRule.merge({ groupResource: 'pods' }, {}),
  VeleroOrderedResources: () => api.VeleroOrderedResources.none(),
  VeleroPatch: () => api.VeleroPatch.remove('/spec'),
  VeleroResourceModifiers: of => new api.VeleroResourceModifiers(of, 'modifiers', { rules: [] }),
  VeleroResourcePolicies: of => new api.VeleroResourcePolicies(of, 'policies', {}),
  VeleroSchedule: of => new api.VeleroSchedule(of, 'nightly', { schedule: api.Schedule.daily() }),
  VeleroVolume: () => api.VeleroVolume.snapshot('data'),
  VeleroVolumePolicy: () => api.VeleroVolumePolicy.skip({}),
  Verification: () => api.Verification.weekly(),
  VolumeCheck: () => api.VolumeCheck.files(),
  IVolumeSnapshotGroup: of => group(of),
  VolumeSnapshotGroup: of => group(of),
  VolumeSnapshotMember: () => api.VolumeSnapshotMember.claims(['data-db-0']),
  VolumeSnapshotSource: () => api.VolumeSnapshotSource.claim('data-db-0'),
  XtrabackupVersion: () => api.XtrabackupVersion.V8_4,
};

/** What has more rules than types, by which samples are refused in our words. */
const HAS_RULES = [
  'BackupPlan#addBackup',
  'DatabaseBackup#addJob',
  'DatabaseBackup#addKeyDrill',
  'DatabaseBackup#addKeyRotation',
  'DatabaseBackup#addLogArchive',
  'DatabaseBackup#addMirror',
  'DatabaseBackup#addReencryption',
  'EtcdControlPlaneEngine#bind',
  'FilesRepository#withKey',
  'KeyDrill#bind',
  'LogArchive#bind',
  'ImageCatalog#image',
  'ImageCatalog.mirror',
  'ImageCatalog.override',
  'MongodbEngine#bind',
  'MongodbQuiesce#bind',
  'Notifier#watch',
  'Objectives.of',
  'OpenldapEngine#bind',
  'ResticRepository#withKey',
  'ScriptFolder.at',
  'new BackupAlerts',
  'new BackupJob',
  'new DatabaseBackup',
  'new DatabaseLogArchive',
  'new DatabaseMirror',
  'new KeyRotation',
  'new ProtectedStatefulSet',
  'new Reencryption',
  'new VeleroCheck',
  'new VeleroResourcePolicies',
  'new VeleroRestore',
  'new VeleroRestoreJob',
  'new VolumeGroupSnapshotClass',
  'new VolumesFromGroup',
];

/** All faces of the package. */
const api = { ...databases, ...velero, ...volumes };

const key = () => api.SecretRef.named('orders').key('password');
const objectives = () => api.Objectives.of({ recoveryPoint: Duration.days(2) });
const quiesce = () => api.Quiesce.fileSystem({ volume: 'data' });

function group(of: Chart): volumes.VolumeSnapshotGroup {
  return new api.VolumeSnapshotGroup(of, 'group', sample(of, 'VolumeSnapshotGroupProps') as volumes.VolumeSnapshotGroupProps);
}

/** A value of a type: with what is required, and no more. */
function sample(of: Chart, type: string): unknown {
  if (SAMPLES[type]) return SAMPLES[type](of);
  if (type.endsWith('[]')) return [sample(of, type.slice(0, -2))];
  if (type.startsWith('{')) return { seven: sample(of, type.slice(1, -1)) };
  if (ENUMS[type]) return Object.values(ENUMS[type])[0];
  // An engine, or a quiesce.
  if (CALLS[`new ${type}`]) return make(of, type);
  if (!STRUCTS[type]) throw new Error(`the test has no sample of ${type}`);
  const required = membersOf(type).filter(({ isOptional }) => !isOptional);
  return Object.fromEntries(required.map(member => [member.name, sample(of, member.type)]));
}

function make(of: Chart, type: string): unknown {
  return call(of, `new ${type}`)(argumentsOf(of, `new ${type}`));
}

interface Member {
  readonly name: string;
  readonly type: string;
  readonly isOptional: boolean;
  readonly isRest: boolean;
}

function members(declared: Members): Member[] {
  return Object.entries(declared).map(([name, text]) => ({
    name: name.replace(/^\.{3}|\?$/g, ''),
    type: text.split(' | ')[0] ?? '',
    isOptional: /\?$|^\.{3}/.test(name),
    isRest: name.startsWith('...'),
  }));
}

function membersOf(struct: string): Member[] {
  const { extends: bases, ...own } = STRUCTS[struct] ?? {};
  return [...(bases?.split(', ').flatMap(membersOf) ?? []), ...members(own)];
}

function argumentsOf(of: Chart, call: string): unknown[] {
  return members(CALLS[call] ?? {}).map(({ name, type }) => (name === 'scope' ? of : name === 'id' ? `id-${made++}` : sample(of, type)));
}
let made = 0;

type Call = (given: unknown[]) => unknown;

interface Methods {
  readonly [method: string]: (...given: unknown[]) => unknown;
}

/** A call by its name, of a sample where it is a method's. */
function call(of: Chart, name: string): Call {
  const [, owner = '', sign, method = ''] = /^(?:new )?(\w+)([.#]?)(\w*)$/.exec(name) ?? [];
  const classes = api as unknown as { [name: string]: Methods & (new (...given: unknown[]) => unknown) };
  const declared = classes[owner];
  if (!declared) throw new Error(`there is no ${owner}`);
  if (!sign) return given => new declared(...given);
  const receiver = sign === '.' ? declared : (sample(of, owner) as typeof declared);
  return given => receiver[method]?.(...given);
}

function fits({ type, isOptional }: Member, value: unknown): boolean {
  if (value === undefined) return isOptional;
  if (type === 'any') return true;
  if (type === 'function') return false;
  if (Array.isArray(value)) return type.endsWith('[]');
  if (typeof value === 'object' && value !== null) {
    return (
      type === 'object' || type.startsWith('{') || (STRUCTS[type] !== undefined && membersOf(type).every(({ isOptional: may }) => may))
    );
  }
  return typeof value === type || Object.values(ENUMS[type] ?? {}).includes(value as string | number);
}

/** Every way to spoil the arguments of a call: the arguments themselves, and each member of a struct among them. */
function* spoiled(call: string): Generator<{ what: string; prop: string; isFit: boolean; spoil: (given: unknown[]) => unknown }> {
  for (const [index, parameter] of members(CALLS[call] ?? {}).entries()) {
    for (const value of VALUES) {
      if (parameter.isRest && value === undefined) continue;
      const what = `${parameter.name} ${JSON.stringify(value)}`;
      // Of an empty object, something in it is missing.
      const prop = STRUCTS[parameter.type] && JSON.stringify(value) === '{}' ? '\\w+' : parameter.name;
      yield { what, prop, isFit: fits(parameter, value), spoil: given => given.splice(index, 1, value) };
    }
    if (!STRUCTS[parameter.type]) continue;
    for (const member of membersOf(parameter.type)) {
      for (const value of VALUES) {
        const what = `${parameter.name}.${member.name} ${JSON.stringify(value)}`;
        const spoil = (given: unknown[]) => given.splice(index, 1, { ...(given[index] as object), [member.name]: value });
        yield { what, prop: member.name, isFit: fits(member, value), spoil };
      }
    }
  }
}

test('what is checked is what is declared; `npm run declarations` writes it anew', () => {
  expect({ calls: CALLS, structs: STRUCTS, enums: ENUMS, remedies: REMEDIES }).toEqual(declarations());
});

test('the public face has classes and enumerations, and nothing that only this library calls', () => {
  const isEnum = (value: unknown) =>
    typeof value === 'object' && Object.values(value as object).every(each => /string|number/.test(typeof each));
  const others = Object.entries(api).filter(
    ([, each]) => !(typeof each === 'function' && String(each).startsWith('class ')) && !isEnum(each),
  );
  expect(others.map(([name]) => name)).toEqual([]);
});

test('every public class is among it', () => {
  const classes = Object.entries(api).filter(([, each]) => typeof each === 'function' && String(each).startsWith('class '));
  const known = new Set(Object.keys(CALLS).map(call => call.replace(/^new |[.#].*/g, '')));
  expect(classes.map(([name]) => name).filter(name => !known.has(name))).toEqual([]);
});

describe('without a compiler', () => {
  test.each(Object.keys(CALLS))('%s', name => {
    const prepare = () => {
      const of = new Chart(new App(), 'shop', { namespace: 'shop' });
      return { does: call(of, name), given: argumentsOf(of, name) };
    };
    const untouched = prepare();
    const where = name.replace('#', '.').replace('.', '\\.');
    const wrong: string[] = [];
    for (const { what, prop, isFit, spoil } of spoiled(name)) {
      // What is refused has changed nothing.
      const { does, given } = isFit ? prepare() : { ...untouched, given: [...untouched.given] };
      spoil(given);
      const said = complaint(() => does(given));
      const asked = new RegExp(
        `^InputError: (shop[^:]*|${where}): (\\w+\\.)?${prop}(\\[|\\.)?.* is .*: (write|leave it out, or write) `,
        's',
      );
      if (isFit ? /^(Type|Range|Reference|Syntax)Error/.test(said) : !asked.test(said)) wrong.push(`${what}: ${said}`);
    }
    expect(wrong).toEqual([]);
    if (!HAS_RULES.includes(name)) expect(complaint(() => untouched.does(untouched.given))).toBe('accepted');
  });
});

/** Every member of the structs that a call takes, and of those in them, under a name that somebody may have typed. */
function* misspelt(call: string): Generator<{ prop: string; meant: string; spoil: (given: unknown[]) => unknown }> {
  for (const [index, { type }] of members(CALLS[call] ?? {}).entries()) {
    for (const { prop, meant, spoil } of misspeltIn(type)) {
      yield { prop, meant, spoil: given => given.splice(index, 1, spoil(given[index] as object)) };
    }
  }
}

type Spoilt = { prop: string; meant: string; spoil: (given: object) => object };

function* misspeltIn(struct: string, seen: string[] = []): Generator<Spoilt> {
  if (!STRUCTS[struct] || struct in REMEDIES || seen.includes(struct)) return;
  const all = membersOf(struct);
  for (const { name, type } of all) {
    const swapped = name.replace(/(.)(.)$/, '$2$1');
    for (const written of [name.toUpperCase(), name.slice(0, -1), `${name}x`, swapped]) {
      if (name.length < 4 || all.some(other => other.name === written)) continue;
      yield {
        prop: written,
        meant: name,
        spoil: given => {
          const { [name]: value = 'anything', ...others } = given as { [name: string]: unknown };
          return { ...others, [written]: value };
        },
      };
    }
    for (const { prop, meant, spoil } of misspeltIn(type, [...seen, struct])) {
      yield { prop: `${name}.${prop}`, meant, spoil: given => ({ ...given, [name]: spoil(sample(chartOf(), type) as object) }) };
    }
  }
}

describe('a prop that is misspelt is refused, with the one that was meant', () => {
  const calls = Object.keys(CALLS).filter(name => !misspelt(name).next().done);
  test.each(calls)('%s', name => {
    const of = chartOf();
    const does = call(of, name);
    const untouched = argumentsOf(of, name);
    const wrong: string[] = [];
    for (const { prop, meant, spoil } of misspelt(name)) {
      const given = [...untouched];
      spoil(given);
      const said = complaint(() => does(given));
      const written = prop.replace(/.*\./, '');
      const asked = new RegExp(`^InputError: .*: ${prop} is .*: there is no ${written}: did you mean ${meant}\\?$`, 's');
      if (!asked.test(said)) wrong.push(`${prop}: ${said}`);
    }
    expect(wrong).toEqual([]);
  });

  test.each<[string, (of: Chart) => unknown, string]>([
    ['of a backup', of => backup(of, { schedul: api.Schedule.daily() } as object), 'shop/orders: schedul is .*did you mean schedule'],
    ['of pods', of => backup(of, { pods: { memorylimit: Size.gibibytes(1) } } as object), 'pods.memorylimit is .*did you mean memoryLimit'],
    [
      'of a repository',
      () => api.Repository.files({ claimName: 'backups', encrypton: 1 } as object as never),
      'encrypton is 1: .*encryption',
    ],
    ['of a retention', () => api.Retention.keep({ monthly: 12, yearl: 3 } as object), 'yearl is 3: .*did you mean yearly'],
    ['of a verification', of => backup(of).addVerification({ asertions: [] } as object), 'shop/orders: asertions is .*assertions'],
  ])('%s', (_, does, said) => {
    expect(complaint(() => does(chartOf()))).toMatch(new RegExp(`^InputError: .*${said}`));
  });

  test('its value stays hidden where a Secret was meant', () => {
    const given = { credential: 'hunter2', credentials: undefined };
    expect(complaint(() => backup(chartOf(), given as object))).toMatch(/credential is a string: .*did you mean credentials/);
  });
});

describe('a prop that nothing asks for passes', () => {
  test.each<[string, object]>([
    ['where it is no typo: a class that extends this one hands its own on', { team: 'checkout', tier: 1 }],
    ['where what it resembles was said too', { port: 5432, ports: [5433], hosts: ['a', 'b'] }],
    ['where it has no value', { schedul: undefined }],
    ["in a map, whose names are the user's", { podLabels: { name: 'orders', schedul: 'x' } }],
  ])('%s', (_, given) => {
    expect(complaint(() => backup(chartOf(), given))).toBe('accepted');
  });

  test('in an object of a class', () => {
    class Limits {
      public readonly memoryLimits = 'mine';
    }
    expect(complaint(() => backup(chartOf(), { pods: new Limits() } as object))).toBe('accepted');
  });
});

const chartOf = () => new Chart(new App(), 'shop', { namespace: 'shop' });

function complaint(does: () => unknown): string {
  try {
    does();
    return 'accepted';
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}
