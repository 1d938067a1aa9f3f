import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import type { NetworkDestination } from '../kubernetes/network';
import { type EngineBindOptions, type EngineConfig, EngineOperation, type IEngine } from './engine';

/** The programs that a repository can expect in an image that names none. */
const PROGRAMS = ['zstd', 'gzip', 'flock'];

/** @internal */
export interface ServerOptions extends EngineBindOptions {
  /** Labels of the database's pods, to which NetworkPolicies then narrow the jobs' traffic. */
  readonly podLabels?: { [label: string]: string };
}

/**
 * What an engine says of one server, and where that server is.
 *
 * @internal
 */
export interface BoundEngine extends EngineConfig {
  /** The server, for NetworkPolicies. */
  readonly destination: NetworkDestination;
  /** The programs of its image that a repository can use. */
  readonly programs: string[];
}

/**
 * Asks an engine what its jobs need, and checks that it brings the scripts for that.
 *
 * @throws InputError when an option is invalid, or a script is missing
 * @internal
 */
export function bindEngine(scope: Construct, engine: IEngine, { podLabels, ...options }: ServerOptions): BoundEngine {
  const config = engine.bind(scope, options);
  for (const [who, scripts] of Object.entries(scriptsOf(config))) {
    config.scripts._require(scope, 'engine.scripts', `${who} ${config.name}`, scripts);
  }
  if (config.cluster && !config.serverFiles?.restored) {
    throw new InputError(scope, {
      prop: 'engine.cluster',
      got: config.cluster.members.map(({ name }) => name),
      because: `a restore brings each member of ${config.name} back on its own data volume: set serverFiles: { restored: true }, or leave cluster out`,
    });
  }
  const { image, connection } = config;
  const destination = { host: options.host, port: connection.port, ...(podLabels && { podLabels }) };
  return { ...config, destination, programs: image.programs ?? PROGRAMS };
}

/**
 * The scripts that an engine has to bring, by what needs them.
 *
 * @internal
 */
export function scriptsOf({ log, serverFiles, steps = [], cluster }: EngineConfig): { [who: string]: string[] } {
  const all = [...steps, ...(cluster?.members ?? []).flatMap(member => member.steps ?? [])];
  const has = (operation: EngineOperation) => all.some(({ operations }) => operations.includes(operation));
  return {
    'the engine': ['ready.sh', 'dump.sh', 'verify.sh', 'restore.sh'],
    ...(log && {
      'the log of': ['log-follow.sh', 'log-received.sh', 'log-choose.sh', 'log-pack.sh', 'log-stored.sh', 'log-unpack.sh'],
    }),
    ...(serverFiles?.checked && { 'the check of volumes of': [CHECK_VOLUME] }),
    ...(has(EngineOperation.BACKUP) && { 'a step of a backup of': ['examine.sh'] }),
    ...((has(EngineOperation.VERIFY) || has(EngineOperation.RESTORE)) && { 'a step of a verification or restore of': ['fetch.sh'] }),
  };
}

/**
 * Starts a server on a volume.
 *
 * @internal
 */
export const CHECK_VOLUME = 'check-volume.sh';
